"""What the owner of this server may do with their clusters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandlot_contracts.clusters import AdaptiveWish, ClusterWish, WorkersWish
from sandlot_server.bodies import parse_body
from sandlot_server.errors import ClusterUnknownError

from .view import build_page

if TYPE_CHECKING:
    from sandlot_contracts.clusters import (
        ClusterInfo,
        ClusterLog,
        ClusterOptions,
        NewCluster,
        PageClusters,
    )
    from sandlot_server.clients.clusters import ClustersClient

    from .first_orders import FirstOrders
    from .watch import ClusterWatch

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
"""What the gateway makes; on Kubernetes the namespace and a dot come first."""


class OwnedClusters:
    """The clusters of this server's owner.

    Every method raises `ProblemError`: what the gateway refused in its own words, a body that is
    wrong, or a gateway that does not answer.

    Parameters
    ----------
    client
        Asks the gateway.
    watch
        Knows the latest list.
    first_orders
        Gives new ones their workers.
    """

    def __init__(
        self, *, client: ClustersClient, watch: ClusterWatch, first_orders: FirstOrders
    ) -> None:
        self._client = client
        self._watch = watch
        self._first_orders = first_orders

    async def list_clusters(self) -> PageClusters:
        """Return all of them."""
        return build_page(await self._watch.latest(), refusal=self._first_orders.refusal)

    async def options(self) -> ClusterOptions:
        """Return what one can be made of."""
        return await self._client.options()

    async def create(self, body: bytes) -> NewCluster:
        """Start one more; `body` is a `ClusterWish`."""
        wish = parse_body(body, ClusterWish)
        created = await self._client.create(wish)
        self._first_orders.follow(created.name, wish)
        await self._watch.refresh()
        return created

    async def scale(self, name: str, body: bytes) -> None:
        """Have one have so many workers; `body` is a `WorkersWish`."""
        await self._client.scale(_known(name), parse_body(body, WorkersWish))
        self._first_orders.forget(name)
        await self._watch.refresh()

    async def adapt(self, name: str, body: bytes) -> None:
        """Have one scale by itself, or no longer; `body` is an `AdaptiveWish`."""
        await self._client.adapt(_known(name), parse_body(body, AdaptiveWish))
        self._first_orders.forget(name)
        await self._watch.refresh()

    async def stop(self, name: str) -> None:
        """End one."""
        await self._client.stop(_known(name))
        self._first_orders.forget(name)
        await self._watch.refresh()

    async def log(self, name: str) -> ClusterLog:
        """Return the end of what its processes wrote."""
        return await self._client.log(_known(name))

    async def find(self, name: str) -> ClusterInfo:
        """Return one with its address, for this process only."""
        return await self._client.get_cluster(_known(name))

    async def close(self) -> None:
        """Stop what runs in the background."""
        await self._first_orders.close()
        await self._watch.close()


def _known(name: str) -> str:
    if not _NAME.fullmatch(name):
        detail = "You have no such cluster. It may have ended long ago."
        raise ClusterUnknownError(detail)
    return name
