"""Whether a user may have one more Dask cluster, or more workers: pure, for one user at a time.

The caller decides and takes note of the outcome in one turn of its event loop, so that of two
requests for the last place one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterUse:
    """What one cluster of a user has, or was promised."""

    workers: int
    """Workers that are not gone yet, or the number that was promised, whichever is larger."""
    size: WorkerSize


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """One limit on the number of workers."""

    workers: int
    """How many fit."""
    sentence: str


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
    bound = _smallest(limits, others, size)
    why = "" if bound is None else f": {bound.sentence}"
    elsewhere = sum(each.workers for each in others)
    beside = f", {elsewhere} of them in your other clusters" if elsewhere and bound else ""
    return refuse(
        RefusalCode.WORKER_LIMIT,
        f"This cluster may have {allowed} worker{'s' if allowed != 1 else ''} at most{why}"
        f"{beside}. Ask for fewer, or stop another cluster.",
        field="count",
        params={"allowed": allowed, "wanted": min(wanted, 10**9)},
        status=CONFLICT,
    )


def _smallest(limits: DaskLimits, others: Sequence[ClusterUse], size: WorkerSize) -> _Bound | None:
    bounds: list[_Bound] = []
    if limits.workers is not None:
        used = sum(each.workers for each in others)
        sentence = f"you may have {limits.workers} workers together"
        bounds.append(_Bound(workers=limits.workers - used, sentence=sentence))
    if limits.cpus is not None:
        # In thousandths of a core, of which every size is a whole number.
        used = sum(each.workers * _thousandths(each.size.cpus) for each in others)
        left = _thousandths(limits.cpus) - used
        sentence = f"your workers may have {format_cpus(limits.cpus)} CPU cores together"
        bounds.append(_Bound(workers=left // _thousandths(size.cpus), sentence=sentence))
    if limits.memory is not None:
        used = sum(each.workers * each.size.memory for each in others)
        left = limits.memory - used
        sentence = f"your workers may have {format_memory(limits.memory)} of memory together"
        bounds.append(_Bound(workers=left // size.memory, sentence=sentence))
    return min(bounds, key=lambda bound: bound.workers, default=None)


def _thousandths(cpus: float) -> int:
    return round(cpus * 1000)
