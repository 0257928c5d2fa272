"""``sandlot logs``: show what a part has written."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from sandlot_contracts.exits import ExitCode
from sandlot_hub.local.logs import tail

from .asking import directory_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

_LINES = 50
_POLL_S = 0.25
_CHUNK = 64 * 1024


def command(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Add the arguments of ``sandlot logs`` and return what runs."""
    parser.add_argument(
        "part",
        metavar="PART",
        nargs="?",
        default="hub",
        help="hub (default), proxy, offers, images, supervisor, or servers/NAME",
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C")
    parser.add_argument(
        "-n", "--lines", metavar="N", type=int, default=_LINES, help=f"(default: {_LINES})"
    )
    return run


def run(arguments: argparse.Namespace) -> int:
    """Print the end of the log, and what comes after it when asked to."""
    logs = directory_of(arguments).logs
    try:
        known = {str(path.relative_to(logs))[: -len(".log")] for path in logs.rglob("*.log")}
    except PermissionError:
        known = set()
    if arguments.part not in known:
        names = ", ".join(sorted(known)) or "none that you may read"
        print(f"sandlot logs: no log {arguments.part!r}; there are: {names}.", file=sys.stderr)
        return ExitCode.USAGE if known else ExitCode.NOT_RUNNING
    path = logs / f"{arguments.part}.log"
    for line in tail(path, max(arguments.lines, 0)):
        print(line)
    if arguments.follow:
        _follow(path)
    return ExitCode.OK


def _follow(path: Path) -> None:
    """Print what is appended; go on with the next file when the log is rotated."""
    file = path.open("rb")
    file.seek(0, os.SEEK_END)
    while True:
        while chunk := file.read(_CHUNK):
            sys.stdout.write(chunk.decode(errors="replace"))
        sys.stdout.flush()
        time.sleep(_POLL_S)
        if path.exists() and not os.path.samestat(path.stat(), os.fstat(file.fileno())):
            file.close()
            file = path.open("rb")
