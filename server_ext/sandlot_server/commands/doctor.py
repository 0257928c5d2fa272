"""``sandlot doctor``: what is wrong with this server, if anything."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from sandlot_contracts.exits import ExitCode

_DEFAULT_TIMEOUT_S = 10.0


def command(parser: ArgumentParser) -> Callable[[Namespace], int]:
    """Add the arguments and return what runs.

    The command ends with 0 when all is well, with 10 when something deserves a look,
    and with 1 when something does not work.
    """
    parser.description = "Look at the server that this terminal runs in, and say what is wrong."
    parser.add_argument(
        "--timeout",
        type=float,
        default=_DEFAULT_TIMEOUT_S,
        metavar="SECONDS",
        help="how long the hub may take to answer (default: %(default)g)",
    )
    return _run


def _run(arguments: Namespace) -> int:
    import asyncio  # noqa: PLC0415 - see the package docstring

    from sandlot_server.diagnosis import diagnose  # noqa: PLC0415
    from sandlot_server.environment import read_environment  # noqa: PLC0415

    environment = read_environment(os.environ)
    findings = asyncio.run(diagnose(environment, timeout_s=arguments.timeout))
    for finding in findings:
        print(f"{finding.level:<8} {finding.subject:<13} {finding.detail}")
    return int(_exit_code({finding.level for finding in findings}))


def _exit_code(levels: set[str]) -> ExitCode:
    from sandlot_contracts.exits import ExitCode  # noqa: PLC0415

    if "failed" in levels:
        return ExitCode.FAILURE
    return ExitCode.WARNING if "warning" in levels else ExitCode.OK
