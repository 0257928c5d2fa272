"""Clusters as pages see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_contracts.clusters import PageCluster, PageClusters, Unmet

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandlot_contracts.clusters import ClusterInfo, ClusterList
    from sandlot_contracts.problem import Problem


def build_page(found: ClusterList, *, refusal: Callable[[str], Problem | None]) -> PageClusters:
    """Return the list without any address.

    Parameters
    ----------
    found
        The gateway's.
    refusal
        Returns why a cluster did not get its first workers, by its name.
    """
    return PageClusters(
        clusters=tuple(_page_cluster(each, refusal(each.name)) for each in found.clusters),
        limits=found.limits,
        used=found.used,
    )


def _page_cluster(cluster: ClusterInfo, refusal: Problem | None) -> PageCluster:
    path = f"clusters/{cluster.name}/dashboard/status" if cluster.dashboard_address else ""
    known = cluster.model_dump(exclude={"dashboard_address"})
    unmet = None if refusal is None else Unmet(code=refusal.code, message=refusal.detail)
    return PageCluster.model_validate({**known, "dashboard": path, "unmet": unmet})
