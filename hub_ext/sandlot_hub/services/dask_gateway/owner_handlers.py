"""The routes that an owner's server asks for: how things are, without asking any scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from .handlers import GatewayHandler
from .view import cluster_view, options_view

if TYPE_CHECKING:
    from sandlot_hub.domain.settings.model import SandlotSettings

_WAIT_MAXIMUM_S = 30.0


class OwnerOptions(GatewayHandler):
    """``api/v1/sandlot/options``: what a cluster can be made of, as people read it."""

    catalogue: SandlotSettings

    @override
    async def get(self) -> None:
        """Answer with images, worker sizes and limits of the caller."""
        offers = await self.clusters.offers(self.entitlements)
        self.write_model(options_view(offers, self.catalogue))


class OwnerClusters(GatewayHandler):
    """``api/v1/sandlot/clusters``: the caller's clusters, with all that is known of them."""

    @override
    async def get(self) -> None:
        """Answer at once, or when there is another version than the one that is named."""
        found = await self.clusters.overview_after(
            self.user.name,
            self.get_query_argument("after", ""),
            wait_s=self._patience(),
            gone=self._gone,
        )
        self.write_model(found)

    def _patience(self) -> float:
        try:
            seconds = float(self.get_query_argument("wait", "0"))
        except ValueError:
            return 0.0
        return min(seconds, _WAIT_MAXIMUM_S) if seconds > 0 else 0.0

    def _gone(self) -> bool:
        stream = getattr(self.request.connection, "stream", None)
        return stream is None or stream.closed()


class OwnerCluster(GatewayHandler):
    """``api/v1/sandlot/clusters/{name}``: one of them."""

    catalogue: SandlotSettings

    @override
    def get(self, name: str) -> None:
        """Answer with all that is known of it."""
        self.write_model(cluster_view(self.clusters.find(self.user.name, name), self.catalogue))


class OwnerLog(GatewayHandler):
    """``api/v1/sandlot/clusters/{name}/log``: what its processes wrote."""

    @override
    async def get(self, name: str) -> None:
        """Answer with the ends of the logs."""
        self.write_model(await self.clusters.log(self.clusters.find(self.user.name, name)))
