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

    def saying(self, sentence: str) -> Fate:
        """Return the same with another sentence."""
        return replace(self, sentence=sentence)


Fate.LOST = Fate(
    code="cluster-lost",
    sentence="The machine or its Sandlot was started anew, and clusters ended with it. "
    "Start another one.",
)
Fate.SCHEDULER_ENDED = Fate(code="scheduler-ended", sentence="Its scheduler ended.")
Fate.NOT_STARTED = Fate(code="scheduler-not-started", sentence="Its scheduler was not started.")
Fate.SLOW = Fate(
    code="scheduler-slow",
    sentence="Its scheduler did not work in time, so the start was given up. Its log may tell "
    "why; most often a package in the home folder is the cause.",
)
Fate.SILENT = Fate(
    code="scheduler-silent",
    sentence="Its scheduler did not say anything for a minute, so the cluster was ended.",
)
Fate.WORKERS = Fate(
    code="workers-failed", sentence="Several workers in a row ended before they worked."
)
Fate.KEYS = Fate(
    code="cluster-lost",
    sentence="The gateway has another secret than when the cluster was made, and could not read "
    "its keys any more. Start another one.",
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
