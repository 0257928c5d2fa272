"""The admission port: whether a cluster may start or grow, decided from what there is now.

Each method decides and takes note in one turn of the event loop. Limits come from the settings;
a quota service would be asked here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sandlot_hub.domain.dask.admission import (
    ClusterUse,
    WorkerSize,
    admit_cluster,
    admit_workers,
    why_fewer,
    workers_allowed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sandlot_hub.domain.settings.dask import DaskLimits
    from sandlot_hub.domain.values.refusals import Refused


class Counted(Protocol):
    """A cluster, as far as it is counted. dask-gateway's `Cluster` is one."""

    name: str
    username: str
    count: int
    """Workers that are wanted."""

    @property
    def config(self) -> Mapping[str, object]:
        """What it was made of."""
        ...


class Admission:
    """Decides for all users.

    Parameters
    ----------
    limits
        What one user may have.
    clusters
        Returns the clusters of a user of which anything is left.
    workers
        Returns how many workers of a cluster are not gone yet.
    """

    def __init__(
        self,
        *,
        limits: DaskLimits,
        clusters: Callable[[str], Iterable[Counted]],
        workers: Callable[[Counted], int],
    ) -> None:
        self.limits = limits
        self._clusters = clusters
        self._workers = workers
        self._promised: dict[str, int] = {}
        """Workers that a scale was admitted for, until the scheduler asks for them."""

    def new_cluster(self, owner: str, size: WorkerSize) -> Refused | None:
        """Return why a user may not have one more cluster, None when they may."""
        return admit_cluster(self.limits, self.uses(owner), size)

    def more_workers(self, cluster: Counted, wanted: int) -> Refused | None:
        """Return why a cluster may not have `wanted` workers; promise them when it may."""
        refusal = admit_workers(
            self.limits, self.uses(cluster.username, but=cluster), size_of(cluster), wanted
        )
        if refusal is None:
            self._promised[cluster.name] = wanted
        return refusal

    def may_adapt(self, cluster: Counted, minimum: int) -> Refused | None:
        """Return why a cluster may not scale by itself from `minimum` on, None when it may.

        Nothing is promised: what it asks for later is granted as far as there is room then.
        """
        others = self.uses(cluster.username, but=cluster)
        refusal = admit_workers(self.limits, others, size_of(cluster), minimum)
        if refusal is None:
            self.forget(cluster)
        return refusal

    def granted(self, cluster: Counted, wanted: int) -> int:
        """Return how many of the workers that a scheduler asks for its cluster gets.

        A scheduler runs its owner's code and holds the cluster's token: what it says is a wish.
        """
        if self._promised.get(cluster.name) == wanted:
            self.forget(cluster)
        others = self.uses(cluster.username, but=cluster)
        return min(wanted, workers_allowed(self.limits, others, size_of(cluster)))

    def shortage(self, cluster: Counted, wanted: int) -> str:
        """Return why a cluster gets fewer workers than its scheduler asks for; empty: it gets them."""
        others = self.uses(cluster.username, but=cluster)
        return why_fewer(self.limits, others, size_of(cluster), wanted)

    def forget(self, cluster: Counted) -> None:
        """Take back what was promised to a cluster."""
        self._promised.pop(cluster.name, None)

    def uses(self, owner: str, *, but: Counted | None = None) -> list[ClusterUse]:
        """Return what each cluster of a user has, or was promised; without the cluster `but`."""
        return [
            ClusterUse(
                workers=max(each.count, self._promised.get(each.name, 0), self._workers(each)),
                size=size_of(each),
            )
            for each in self._clusters(owner)
            if each is not but
        ]


def size_of(cluster: Counted) -> WorkerSize:
    """Return what each worker of a cluster has: what its size was when it was made."""
    cpus, memory = cluster.config["cpus"], cluster.config["memory"]
    # Clusters that were made before workers could have some are kept without.
    accelerators = cluster.config.get("accelerators", 0)
    assert isinstance(cpus, (int, float))  # noqa: S101 (written by us; this tells the type)
    assert isinstance(memory, int)  # noqa: S101 (as above)
    assert isinstance(accelerators, int)  # noqa: S101 (as above)
    return WorkerSize(cpus=float(cpus), memory=memory, accelerators=accelerators)
