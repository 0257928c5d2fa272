"""``sandlot up``: start the hub, its proxy and its services on this machine, and stay."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot_contracts.exits import ExitCode
from sandlot_hub.local.options import UpOptions, parse_base_url, parse_public_url

if TYPE_CHECKING:
    from collections.abc import Callable

_CONFIGS = ("jupyterhub_config.py", "config/jupyterhub_config.py")
_PORTS = range(1, 65536)


def command(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Add the arguments of ``sandlot up`` and return what runs."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help=f"the hub's configuration (default: {' or '.join(_CONFIGS)}, if there is one)",
    )
    parser.add_argument(
        "--settings",
        metavar="FILE",
        type=Path,
        help="profiles, images and sizes; wins over those that the configuration names",
    )
    parser.add_argument(
        "--port",
        metavar="N",
        type=_port,
        help="where people reach the hub on 127.0.0.1 (default: the one of the last start)",
    )
    parser.add_argument(
        "--base-url",
        metavar="PATH",
        type=_checked(parse_base_url),
        default="/",
        help="where the hub begins below its address, such as /hub/ (default: /)",
    )
    parser.add_argument(
        "--public-url",
        metavar="URL",
        type=_checked(parse_public_url),
        help="how people reach the hub through a reverse proxy with TLS on this machine",
    )
    return run


def run(arguments: argparse.Namespace) -> int:
    """Start the stack and stay until it ends."""
    config = arguments.config or next(
        (path for path in map(Path, _CONFIGS) if path.is_file()), None
    )
    for path in (config, arguments.settings):
        if path is not None and not path.is_file():
            print(f"sandlot up: there is no file {path}.", file=sys.stderr)
            return ExitCode.SETTINGS
    options = UpOptions(
        data_dir=Path(arguments.data_dir).absolute(),
        config=config and config.absolute(),
        settings=arguments.settings and arguments.settings.absolute(),
        port=arguments.port,
        base_url=arguments.base_url,
        public_url=arguments.public_url,
    )
    # Here, because it takes a moment that `--help` need not.
    from sandlot_hub.local.supervisor import supervise  # noqa: PLC0415 (see above)

    return supervise(options)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) not in _PORTS:
        message = f"{text!r} is not a port: a number from {_PORTS[0]} to {_PORTS[-1]}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _checked(parse: Callable[[str], str]) -> Callable[[str], str]:
    def checked(text: str) -> str:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return checked
