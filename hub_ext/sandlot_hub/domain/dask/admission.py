"""Whether a user may have one more Dask cluster, or more workers: pure, for one user at a time.

The caller decides and takes note of the outcome in one turn of its event loop, so that of two
requests for the last place one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sandlot_hub.domain.choices.reasons import CONFLICT, refuse
from sandlot_hub.domain.values.refusals import RefusalCode, Refused
from sandlot_hub.domain.values.units import format_cpus, format_memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandlot_hub.domain.settings.dask import DaskLimits

MAXIMUM_WORKERS = 10_000
"""More workers than this no cluster has, whatever the limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSize:
    """What each worker of a cluster has."""

    cpus: float
    memory: int
    """Bytes."""
    accelerators: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterUse:
    """What one cluster of a user has, or was promised."""

    workers: int
    """Workers that are not gone yet, or the number that was promised, whichever is larger."""
    size: WorkerSize


class _Bound(NamedTuple):
    """One limit on the number of workers."""

    workers: int
    """How many fit."""
    sentence: str
    elsewhere: str
    """How much of it other clusters have; empty when nothing."""


def admit_cluster(
    limits: DaskLimits, clusters: Sequence[ClusterUse], size: WorkerSize
) -> Refused | None:
    """Return why a user who has `clusters` may not have one more, None when they may."""
    if limits.clusters is not None and len(clusters) >= limits.clusters:
        count = f"{limits.clusters} cluster{'s' if limits.clusters != 1 else ''}"
        return refuse(
            RefusalCode.CLUSTER_LIMIT,
            f"You may have {count} at a time, and {len(clusters)} start, run or end now. "
            "Stop one that you no longer need, and try again.",
            params={"limit": limits.clusters, "used": len(clusters)},
            status=CONFLICT,
        )
    alone = _smallest(limits, (), size)
    if alone is not None and alone.workers < 1:
        return refuse(
            RefusalCode.WORKER_LIMIT,
            f"No worker of this size fits: {alone.sentence}. Choose a smaller worker size.",
            field="worker_size",
            params={"allowed": 0},
            status=CONFLICT,
        )
    return None


def workers_allowed(limits: DaskLimits, others: Iterable[ClusterUse], size: WorkerSize) -> int:
    """Return how many workers of a size a cluster may have beside the user's `others`."""
    bound = _smallest(limits, tuple(others), size)
    return MAXIMUM_WORKERS if bound is None else min(max(bound.workers, 0), MAXIMUM_WORKERS)


def admit_workers(
    limits: DaskLimits, others: Sequence[ClusterUse], size: WorkerSize, wanted: int
) -> Refused | None:
    """Return why a cluster may not have `wanted` workers, None when it may.

    `others` are the user's other clusters; what this one has now plays no part.
    """
    allowed = workers_allowed(limits, others, size)
    if wanted <= allowed:
        return None
    return refuse(
        RefusalCode.WORKER_LIMIT,
        f"{_at_most(limits, others, size)} Ask for fewer, or stop another cluster.",
        field="count",
        params={"allowed": allowed, "wanted": min(wanted, 10**9)},
        status=CONFLICT,
    )


def why_fewer(
    limits: DaskLimits, others: Sequence[ClusterUse], size: WorkerSize, wanted: int
) -> str:
    """Return why a cluster whose scheduler asks for `wanted` workers gets fewer; empty: it does not.

    `others` as in `admit_workers`. The sentence does not change with every number that is asked for.
    """
    if wanted <= workers_allowed(limits, others, size):
        return ""
    return f"There is work for more workers. {_at_most(limits, others, size)}"


def _at_most(limits: DaskLimits, others: Sequence[ClusterUse], size: WorkerSize) -> str:
    allowed, bound = workers_allowed(limits, others, size), _smallest(limits, tuple(others), size)
    why = "" if bound is None else f": {bound.sentence}"
    beside = f", {bound.elsewhere} in your other clusters" if bound and bound.elsewhere else ""
    return (
        f"This cluster may have {allowed} worker{'s' if allowed != 1 else ''} at most{why}{beside}."
    )


def _smallest(limits: DaskLimits, others: Sequence[ClusterUse], size: WorkerSize) -> _Bound | None:
    bounds: list[_Bound] = []
    if limits.workers is not None:
        used = sum(each.workers for each in others)
        sentence = f"you may have {limits.workers} workers together"
        bounds.append(_Bound(limits.workers - used, sentence, f"{used} of them" if used else ""))
    if limits.cpus is not None:
        # In thousandths of a core, of which every size is a whole number.
        used = sum(each.workers * _thousandths(each.size.cpus) for each in others)
        left = _thousandths(limits.cpus) - used
        sentence = f"your workers may have {format_cpus(limits.cpus)} CPU cores together"
        has = f"{format_cpus(used / 1000)} of them" if used else ""
        bounds.append(_Bound(left // _thousandths(size.cpus), sentence, has))
    if limits.memory is not None:
        used = sum(each.workers * each.size.memory for each in others)
        left = limits.memory - used
        sentence = f"your workers may have {format_memory(limits.memory)} of memory together"
        has = f"{format_memory(used)} of it" if used else ""
        bounds.append(_Bound(left // size.memory, sentence, has))
    if limits.accelerators is not None and size.accelerators:
        used = sum(each.workers * each.size.accelerators for each in others)
        left = limits.accelerators - used
        what = f"{limits.accelerators} GPU{'s' if limits.accelerators != 1 else ''}"
        sentence = f"your workers may have {what} together"
        bounds.append(
            _Bound(left // size.accelerators, sentence, f"{used} of them" if used else "")
        )
    return min(bounds, key=lambda bound: bound.workers, default=None)


def _thousandths(cpus: float) -> int:
    return round(cpus * 1000)
