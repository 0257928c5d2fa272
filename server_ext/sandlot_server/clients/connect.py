"""Makes the clients from what the spawner told this server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .clusters import ClustersClient
from .hub import HubClient
from .offers import OffersClient
from .service import ServiceClient

if TYPE_CHECKING:
    from tornado.httpclient import AsyncHTTPClient

    from sandlot_server.environment import ServerEnvironment


def connect_hub(
    environment: ServerEnvironment, *, timeout_s: float, http: AsyncHTTPClient
) -> HubClient | None:
    """Return a client of the hub's REST API; None without a hub."""
    if not environment.hub_api_url or not environment.hub_token:
        return None
    service = ServiceClient(
        name="The hub",
        url=environment.hub_api_url.rstrip("/") + "/",
        token=environment.hub_token,
        timeout_s=timeout_s,
        http=http,
    )
    return HubClient(service=service)


def connect_offers(
    environment: ServerEnvironment, *, timeout_s: float, http: AsyncHTTPClient
) -> OffersClient | None:
    """Return a client of the offers service; None when nobody told where it is."""
    if not environment.services_url or not environment.hub_token:
        return None
    service = ServiceClient(
        name="The offers service",
        url=environment.services_url.rstrip("/") + "/offers/",
        token=environment.hub_token,
        timeout_s=timeout_s,
        http=http,
    )
    return OffersClient(service=service)


def connect_clusters(
    environment: ServerEnvironment, *, timeout_s: float, http: AsyncHTTPClient
) -> ClustersClient | None:
    """Return a client of the Dask gateway; None when nobody told where it is."""
    if not environment.services_url or not environment.hub_token:
        return None
    service = ServiceClient(
        name="The service of Dask clusters",
        url=environment.services_url.rstrip("/") + "/dask-gateway/api/v1/",
        token=environment.hub_token,
        timeout_s=timeout_s,
        http=http,
    )
    return ClustersClient(service=service)
