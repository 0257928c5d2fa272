"""How a wrong configuration keeps the hub from starting."""

from __future__ import annotations

import sys
from typing import NoReturn

from sandlot_contracts.exits import ExitCode


class InstallRefusedError(Exception):
    """The hub cannot work as it is configured; the text says why and what to do."""


def stop_hub(reason: object) -> NoReturn:
    """Say on standard error why the hub does not start, and end the process.

    A `SystemExit`, because JupyterHub reports every other exception in its
    configuration file with a traceback, under which nobody finds the sentence.

    Raises
    ------
    SystemExit
        Always, with `ExitCode.SETTINGS`.
    """
    print(reason, file=sys.stderr, flush=True)  # noqa: T201 (logging may not be set up yet)
    raise SystemExit(ExitCode.SETTINGS)
