"""The Dask gateway: the owner's clusters, and what can be done with them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from sandlot_contracts.base import WireModel
from sandlot_contracts.clusters import (
    AdaptiveWish,
    ClusterInfo,
    ClusterList,
    ClusterLog,
    ClusterOptions,
    ClusterWish,
    NewCluster,
    WorkersWish,
)

if TYPE_CHECKING:
    from .service import ServiceClient


class _Create(WireModel):
    cluster_options: dict[str, str]


class _Done(WireModel):
    """What the gateway answers to an order; the list tells what became of it."""


class ClustersClient:
    """Asks the Dask gateway for the owner. Every method raises as `ServiceClient.get` does.

    The TLS keys of a cluster are never asked for: only code that computes needs them.
    """

    def __init__(self, *, service: ServiceClient) -> None:
        self._service = service

    async def options(self) -> ClusterOptions:
        """Return what a cluster can be made of."""
        return await self._service.get("sandlot/options", ClusterOptions)

    async def list_clusters(self, after: str, *, wait_s: float, timeout_s: float) -> ClusterList:
        """Return all clusters.

        Parameters
        ----------
        after
            A version: the gateway waits while the list has it. Empty: it answers at once.
        wait_s
            Seconds that it waits at most.
        timeout_s
            Seconds for the whole request.
        """
        path = f"sandlot/clusters?after={quote(after, safe='')}&wait={wait_s:g}"
        return await self._service.get(path, ClusterList, timeout_s=timeout_s)

    async def get_cluster(self, name: str) -> ClusterInfo:
        """Return one cluster."""
        return await self._service.get(f"sandlot/clusters/{quote(name, safe='')}", ClusterInfo)

    async def log(self, name: str) -> ClusterLog:
        """Return the end of what a cluster's processes wrote."""
        return await self._service.get(f"sandlot/clusters/{quote(name, safe='')}/log", ClusterLog)

    async def create(self, wish: ClusterWish) -> NewCluster:
        """Have a cluster started; its workers are another order, once it runs."""
        options = wish.model_dump(exclude_none=True, exclude={"workers", "adaptive"})
        body = _Create(cluster_options=options)
        return await self._service.post("clusters/", body, NewCluster)

    async def scale(self, name: str, wish: WorkersWish) -> None:
        """Have a cluster have so many workers."""
        await self._service.post(f"clusters/{quote(name, safe='')}/scale", wish, _Done)

    async def adapt(self, name: str, wish: AdaptiveWish) -> None:
        """Have a cluster scale by itself, or no longer."""
        await self._service.post(f"clusters/{quote(name, safe='')}/adapt", wish, _Done)

    async def stop(self, name: str) -> None:
        """Have a cluster ended."""
        await self._service.delete(f"clusters/{quote(name, safe='')}")
