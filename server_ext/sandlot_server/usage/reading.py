"""One look at the server's processes, and what two looks say together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from sandlot_contracts.session import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

# A change smaller than this is not worth a message to every open page.
_MEMORY_STEP = 0.01
_CPU_STEP = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The processes at one moment."""

    at: float
    """Seconds on a clock that never goes back."""
    memory_bytes: int
    """Resident memory of all of them together."""
    cpu_seconds: Mapping[tuple[int, float], float]
    """CPU time used so far, by process. A pid alone may come back; with its birth it cannot."""


def read_processes(root: psutil.Process, now: float) -> Reading:
    """Look at `root` and all its descendants. Blocks: it walks the machine's process table.

    Processes that end meanwhile, and those of other users, are left out.
    """
    memory = 0
    cpu: dict[tuple[int, float], float] = {}
    for process in (root, *root.children(recursive=True)):
        try:
            with process.oneshot():
                memory += process.memory_info().rss
                times = process.cpu_times()
                cpu[process.pid, process.create_time()] = times.user + times.system
        except psutil.Error:
            continue
    return Reading(at=now, memory_bytes=memory, cpu_seconds=cpu)


def usage_between(before: Reading, after: Reading) -> Usage:
    """Return what was used from one reading to the next.

    Of a process that is in both the difference counts, of a new one all of its time. A
    process that ended takes its last moments along: the figure is low by at most that.
    """
    elapsed = after.at - before.at
    spent = sum(
        max(0.0, seconds - before.cpu_seconds.get(process, 0.0))
        for process, seconds in after.cpu_seconds.items()
    )
    return Usage(
        memory_bytes=after.memory_bytes,
        cpu_fraction=round(spent / elapsed, 3) if elapsed > 0 else 0.0,
        processes=len(after.cpu_seconds),
    )


def differs(shown: Usage, new: Usage) -> bool:
    """Whether `new` is worth telling to somebody who sees `shown`."""
    memory_step = max(shown.memory_bytes, 1) * _MEMORY_STEP
    return (
        new.processes != shown.processes
        or abs(new.memory_bytes - shown.memory_bytes) >= memory_step
        or abs(new.cpu_fraction - shown.cpu_fraction) >= _CPU_STEP
    )
