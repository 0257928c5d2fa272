"""Why clusters end without their owner's asking: codes for programs, sentences for people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from dask_gateway_server.backends.db_base import Cluster  # type: ignore[import-untyped]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """One way in which a cluster ends."""

    code: str
    sentence: str
    """What is, and why."""
    next: str = ""
    """What its owner can do now."""
    failed: bool = True
    """Whether it counts as a failure."""

    LOST: ClassVar[Fate]
    SCHEDULER_ENDED: ClassVar[Fate]
    NOT_STARTED: ClassVar[Fate]
    SLOW: ClassVar[Fate]
    SILENT: ClassVar[Fate]
    WORKERS: ClassVar[Fate]
    IDLE: ClassVar[Fate]
    KEYS: ClassVar[Fate]

    @property
    def told(self) -> dict[str, str]:
        """What is kept of it with its cluster."""
        told = {"code": self.code, "reason": self.sentence, "next": self.next}
        return {name: each for name, each in told.items() if each}

    def saying(self, sentence: str) -> Fate:
        """Return the same with another sentence."""
        return replace(self, sentence=sentence)


_ANOTHER = "Next: start another cluster."

Fate.LOST = Fate(
    code="cluster-lost",
    sentence="The machine or its Sandlot was started anew, and clusters ended with it.",
    next=_ANOTHER,
)
Fate.SCHEDULER_ENDED = Fate(
    code="scheduler-ended",
    sentence="Its scheduler ended.",
    next="Next: start another cluster; if that one ends too, look at the end of its log.",
)
Fate.NOT_STARTED = Fate(
    code="scheduler-not-started",
    sentence="Its scheduler was not started.",
    next="Next: start another cluster in a moment; if that fails too, tell an administrator.",
)
Fate.SLOW = Fate(
    code="scheduler-slow",
    sentence="Its scheduler did not work in time, so the start was given up.",
    next="Next: look at the end of its log; most often a package in the home folder is the cause.",
)
Fate.SILENT = Fate(
    code="scheduler-silent",
    sentence="Its scheduler did not say anything for a minute, so the cluster was ended.",
    next="Next: start another cluster, and give it its work in smaller pieces.",
)
Fate.WORKERS = Fate(
    code="workers-failed",
    sentence="Several workers in a row ended before they worked.",
    next="Next: look at the log of the last one; if its memory was short, choose a larger worker "
    "size.",
)
Fate.KEYS = Fate(
    code="cluster-lost",
    sentence="The gateway has another secret than when the cluster was made, and could not read "
    "its keys any more.",
    next=_ANOTHER,
)
Fate.IDLE = Fate(code="idle", sentence="Nothing was computed on it for long.", failed=False)


def why_it_failed(cluster: Cluster, *, limit: int) -> Fate:
    """Return the fate of a cluster that upstream's state machine has given up.

    Parameters
    ----------
    cluster
        The cluster.
    limit
        How many workers in a row may fail.
    """
    if cluster.worker_start_failure_count >= limit:
        last = cluster.state.get("worker")
        sentence = f"{Fate.WORKERS.sentence} The last one: {last}" if last else ""
        return Fate.WORKERS.saying(sentence or Fate.WORKERS.sentence)
    return Fate.SILENT if cluster.scheduler_address else Fate.SLOW
