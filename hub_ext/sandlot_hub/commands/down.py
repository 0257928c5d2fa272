"""``sandlot down``: stop everything that runs on a data directory, and wait for its end."""

from __future__ import annotations

import os
import select
import sys
import time
from typing import TYPE_CHECKING

from sandlot_contracts.exits import ExitCode

from .asking import AskFailedError, ask, directory_of, failed

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from sandlot_hub.adapters.supervisor_client import SupervisorClient

_TIMEOUT_S = 120.0
_POLL_S = 0.1


def command(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Add the arguments of ``sandlot down`` and return what runs."""
    parser.add_argument(
        "--now", action="store_true", help="do not wait for anything to end by itself"
    )
    return run


def run(arguments: argparse.Namespace) -> int:
    """Ask the supervisor to end, and wait until it has."""

    async def stop(client: SupervisorClient) -> int:
        pid = (await client.status()).pid
        waiting.append(_EndOf(pid))
        for _ in range(2 if arguments.now else 1):  # the second wish is in a hurry
            await client.stop_all()
        return pid

    waiting: list[_EndOf] = []
    try:
        pid = ask(directory_of(arguments), stop)
    except AskFailedError as error:
        return failed("down", error)
    if not waiting[0].wait(_TIMEOUT_S):
        print(f"sandlot down: process {pid} still runs after {_TIMEOUT_S:g} s.", file=sys.stderr)
        return ExitCode.FAILURE
    print("Everything has ended.")
    return ExitCode.OK


class _EndOf:
    """The end of a process that is not our child.

    Opened before the process is asked to end, so that it cannot be mistaken for a
    later one with the same pid.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._descriptor = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None

    def wait(self, timeout_s: float) -> bool:
        """Return whether it has ended in time."""
        if self._descriptor is not None:
            ready, _, _ = select.select([self._descriptor], (), (), timeout_s)
            os.close(self._descriptor)
            return bool(ready)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                os.kill(self._pid, 0)
            except ProcessLookupError:
                return True
            time.sleep(_POLL_S)
        return False
