"""``sandlot restart``: restart a part; users' servers keep running."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_contracts.exits import ExitCode

from .asking import AskFailedError, ask, directory_of, failed

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def command(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Add the arguments of ``sandlot restart`` and return what runs."""
    parser.add_argument(
        "part",
        metavar="PART",
        help="hub (reads the settings anew), proxy, or a service such as offers",
    )
    return run


def run(arguments: argparse.Namespace) -> int:
    """Restart the part and wait until it works."""
    try:
        status = ask(directory_of(arguments), lambda client: client.restart(arguments.part))
    except AskFailedError as error:
        return failed("restart", error)
    print(f"The {arguments.part} works again, with the settings {status.settings_hash}.")
    return ExitCode.OK
