"""``python -m sandlot_hub.probe CONFIG``: what a hub's configuration file says, without the hub.

`sandlot up` and `sandlot restart hub` run this as the hub's uid before they touch
anything: a mistake keeps the running hub running. Standard output gets one line of
JSON, `{"settings": …, "hash": …, "source": …}`, or standard error gets the reason and
the exit code is `ExitCode.SETTINGS`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from sandlot_contracts.exits import ExitCode

from .adapters.embedded import EMBEDDED_ENV
from .domain.settings.fingerprint import settings_hash
from .domain.settings.model import SandlotSettings
from .hubconfig.installation import READ_ONLY_ENV

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PIECEWISE = "Assign one mapping, or the path of a YAML file, to c.Sandlot.settings."


class ProbeError(Exception):
    """The file cannot be used; the text says where, why and what to do."""


def probe(path: Path) -> dict[str, object]:
    """Load a hub's configuration file and return what `install` made of its settings.

    Raises
    ------
    ProbeError
        If the file is missing, fails, or does not call `install`.
    SystemExit
        If `install` refuses; it has said why.
    """
    if not path.is_file():
        message = f"There is no configuration file {path}."
        raise ProbeError(message)
    config = _load(path)
    settings = config.get("Sandlot", {}).get("settings")
    if not isinstance(settings, SandlotSettings):
        message = (
            f"{path} does not make the hub a Sandlot. Add these lines at its end:\n"
            "  from sandlot_hub import install\n"
            "  install(c, 'settings.yaml')"
        )
        raise ProbeError(message)
    return {
        "settings": settings.model_dump(mode="json"),
        "hash": settings_hash(settings),
        "source": config["Sandlot"]["settings_source"],
    }


def _load(path: Path) -> Config:
    loader = PyFileConfigLoader(path.name, path=str(path.parent))
    try:
        return Config(loader.load_config())
    except Exception as error:
        # The file is a program of the administrator's: whatever it raises is reported.
        raise ProbeError(_reason(path, error)) from error


def _reason(path: Path, error: Exception) -> str:
    """Return where in the administrator's file something failed, and what."""
    if isinstance(error, SyntaxError):
        return f"{path}, line {error.lineno}: {error.msg}"
    lines = [
        entry.lineno
        for entry in traceback.extract_tb(error.__traceback__)
        if Path(entry.filename).absolute() == path
    ]
    where = f"{path}, line {lines[-1]}" if lines else str(path)
    hint = f" {_PIECEWISE}" if "LazyConfigValue" in str(error) else ""
    return f"{where}: {type(error).__name__}: {error}.{hint}"


@contextlib.contextmanager
def _only_read() -> Iterator[None]:
    """Let `install` know by the environment that no hub starts from what it writes."""
    # What a running stack resolved must not stand in for what is written in the file.
    os.environ.pop(EMBEDDED_ENV, None)
    os.environ[READ_ONLY_ENV] = "1"
    try:
        yield
    finally:
        del os.environ[READ_ONLY_ENV]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; see the module's docstring."""
    names = sys.argv[1:] if arguments is None else list(arguments)
    if len(names) != 1:
        print("usage: python -m sandlot_hub.probe CONFIG", file=sys.stderr)  # noqa: T201 (a program)
        return ExitCode.USAGE
    try:
        # A configuration file may print; standard output belongs to the answer.
        with _only_read(), contextlib.redirect_stdout(sys.stderr):
            answer = probe(Path(names[0]).absolute())
    except ProbeError as error:
        print(error, file=sys.stderr)  # noqa: T201 (a program)
        return ExitCode.SETTINGS
    except SystemExit as error:
        if error.code:
            raise  # `install` or the file itself has said why
        text = f"{names[0]} ends the program that reads it: remove its call of exit()."
        print(text, file=sys.stderr)  # noqa: T201 (a program)
        return ExitCode.SETTINGS
    print(json.dumps(answer))  # noqa: T201 (a program)
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
