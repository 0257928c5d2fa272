"""Clusters as pages see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_contracts.clusters import PageCluster, PageClusters

if TYPE_CHECKING:
    from sandlot_contracts.clusters import ClusterInfo, ClusterList


def build_page(found: ClusterList) -> PageClusters:
    """Return the list without any address."""
    return PageClusters(
        clusters=tuple(map(_page_cluster, found.clusters)), limits=found.limits, used=found.used
    )


def _page_cluster(cluster: ClusterInfo) -> PageCluster:
    path = f"clusters/{cluster.name}/dashboard/status" if cluster.dashboard_address else ""
    known = cluster.model_dump(exclude={"dashboard_address"})
    return PageCluster.model_validate({**known, "dashboard": path})
