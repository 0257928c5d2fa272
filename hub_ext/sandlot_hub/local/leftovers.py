"""Which guards run, on disk, so that the next supervisor can end what a killed one left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

from . import procfs

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

_POLL_S = 0.05
_KILL_S = 10.0


class LeftoversError(Exception):
    """Processes of a killed run cannot be ended."""

    def __init__(self, left: Collection[procfs.Process]) -> None:
        pids = ", ".join(str(each.pid) for each in left)
        super().__init__(f"processes of the last run cannot be ended: {pids}")


class Leftovers:
    """A folder with one file for each guard: its name the pid, its content the start time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, pid: int) -> None:
        """Note that a guard runs."""
        found = procfs.process(pid)
        if found is not None:
            (self._folder / str(pid)).write_text(str(found.started))

    def remove(self, pid: int) -> None:
        """Note that a guard and all below it have ended."""
        (self._folder / str(pid)).unlink(missing_ok=True)

    def running(self) -> set[procfs.Process]:
        """Return the noted guards that still run; forget the others."""
        alive = set()
        for entry in sorted(self._folder.iterdir()):
            found = procfs.process(int(entry.name)) if entry.name.isdigit() else None
            if found is None or found.ended or str(found.started) != entry.read_text():
                entry.unlink()
            else:
                alive.add(found)
        return alive

    async def clear(self, *, patience_s: float, uids: Sequence[range]) -> None:
        """Wait for the noted guards to end by themselves, then end what is left.

        The end of the killed supervisor told the guards to stop, so that they only
        need time. A guard that its own user has stopped is killed with all below it;
        so is, where users have their own uids, whatever still runs under `uids`.

        Raises
        ------
        LeftoversError
            If a process cannot be ended (the kernel waits for a device on its behalf).
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience_s
        guards = self.running()
        while guards and loop.time() < deadline:  # nobody tells the end of somebody else's child
            await asyncio.sleep(_POLL_S)
            guards = self.running()
        known = procfs.processes()
        doomed = {each for found in guards for each in procfs.family(found.pid, known)}
        deadline = loop.time() + _KILL_S
        while left := {each for each in _alive() if each in doomed or _within(each.uid, uids)}:
            if loop.time() > deadline:
                raise LeftoversError(left)
            for each in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each.pid, signal.SIGKILL)
            await asyncio.sleep(_POLL_S)
        self.running()  # forgets those that were killed


def _alive() -> list[procfs.Process]:
    return [each for each in procfs.processes().values() if not each.ended]


def _within(uid: int, uids: Sequence[range]) -> bool:
    return any(uid in each for each in uids)
