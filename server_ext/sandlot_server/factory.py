"""Builds what the routes work with, each when it is first asked for.

The imports stand inside, because they bring pydantic and psutil: a server that just
starts needs neither, and the hub is waiting for it.
"""

# ruff: noqa: PLC0415 - see above
from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from .errors import ClustersOffError, ServicesUnknownError

if TYPE_CHECKING:
    from logging import Logger

    from jupyter_events import EventLogger
    from tornado.httpclient import AsyncHTTPClient

    from sandlot_contracts.session import Session, SessionView

    from .caller import Caller
    from .clients.clusters import ClustersClient
    from .clients.offers import OffersClient
    from .clusters.dashboards import Dashboards
    from .clusters.owned import OwnedClusters
    from .environment import ServerEnvironment
    from .usage.sampler import UsageSampler


_WATCH_WAIT_S = 1.0
_WATCH_TIMEOUT_S = 1.8
"""Less than 2 s: so soon pages say that the gateway hangs. One that has ended is heard at once."""
_START_PATIENCE_S = 3600.0
"""A scheduler may wait so long for a place; the gateway gives it up before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long things may take, in seconds."""

    hub_timeout: float
    """For a request to a service of the hub."""
    usage_interval: float
    """Between two measurements; see `UsageSampler`."""
    usage_lease: float
    """That measuring goes on after somebody asked; see `UsageSampler`."""


class Factory:
    """The collaborators of one server process."""

    def __init__(
        self,
        *,
        environment: ServerEnvironment,
        events: EventLogger,
        log: Logger,
        timing: Timing,
    ) -> None:
        self.environment = environment
        self._events = events
        self._log = log
        self._timing = timing

    def session_view(self, caller: Caller) -> SessionView:
        """Return the session as `caller` may see it."""
        from .session import build_view

        home = self.environment.hub_home_url
        return build_view(self._session, caller=caller, hub_home_url=home)

    @cached_property
    def usage(self) -> UsageSampler:
        """The sampler of this process and its descendants."""
        import psutil

        from .clock import SystemClock
        from .events import emit_usage
        from .usage.reading import read_processes
        from .usage.sampler import UsageSampler

        return UsageSampler(
            read=partial(read_processes, psutil.Process(os.getpid())),
            emit=partial(emit_usage, self._events),
            interval=self._timing.usage_interval,
            lease=self._timing.usage_lease,
            clock=SystemClock(),
        )

    @cached_property
    def offers(self) -> OffersClient:
        """The client of the offers service.

        Raises
        ------
        ServicesUnknownError
            If nobody told this server where the hub's services are.
        """
        from .clients.connect import connect_offers

        timeout_s = self._timing.hub_timeout
        client = connect_offers(self.environment, timeout_s=timeout_s, http=self._http)
        if client is None:
            detail = (
                "This server was not told where the hub's services are, so it cannot ask what "
                "else could be started. Everything else works. Next: look at the hub's home page."
            )
            raise ServicesUnknownError(detail)
        return client

    @cached_property
    def clusters(self) -> OwnedClusters:
        """The owner's Dask clusters.

        Raises
        ------
        ClustersOffError
            If there are none at this hub.
        ServicesUnknownError
            If nobody told this server where the hub's services are.
        """
        from .clock import SystemClock
        from .clusters.first_orders import FirstOrders
        from .clusters.owned import OwnedClusters
        from .clusters.watch import ClusterWatch
        from .events import emit_clusters

        client, clock = self._clusters_client(), SystemClock()
        ask = partial(client.list_clusters, wait_s=_WATCH_WAIT_S, timeout_s=_WATCH_TIMEOUT_S)
        watch = ClusterWatch(
            ask=ask,
            emit=partial(emit_clusters, self._events),
            lease=self._timing.usage_lease,
            clock=clock,
        )
        first_orders = FirstOrders(
            ask=ask, client=client, clock=clock, tell=watch.tell, patience_s=_START_PATIENCE_S
        )
        return OwnedClusters(client=client, watch=watch, first_orders=first_orders)

    @cached_property
    def dashboards(self) -> Dashboards:
        """The way to the dashboards of those clusters. Raises as `clusters`."""
        from .clusters.dashboards import Dashboards

        return Dashboards(
            find=self.clusters.find,
            http=self._dashboard_http,
            timeout_s=self._timing.hub_timeout,
        )

    def dashboard_policy(self, host: str, prefix: str) -> str:
        """Return what the pages of a dashboard may do; see `content_policy`."""
        from .clusters.dashboards import content_policy

        return content_policy(host, prefix)

    async def close(self) -> None:
        """Stop what runs in the background. Nothing is built only to be closed."""
        built = vars(self)
        if "usage" in built:
            await self.usage.close()
        if "clusters" in built:
            await self.clusters.close()
        for http in (built.get("_http"), built.get("_dashboard_http")):
            if http is not None:
                http.close()

    def _clusters_client(self) -> ClustersClient:
        from .clients.connect import connect_clusters

        if not self.environment.clusters:
            detail = "There are no Dask clusters at this hub. Your administrator can turn them on."
            raise ClustersOffError(detail)
        timeout_s = self._timing.hub_timeout
        client = connect_clusters(self.environment, timeout_s=timeout_s, http=self._http)
        if client is None:
            detail = (
                "This server was not told where the hub's services are, so it cannot ask for "
                "clusters. Everything else works. Next: restart your server."
            )
            raise ServicesUnknownError(detail)
        return client

    @cached_property
    def _session(self) -> Session | None:
        from .session import read_session

        return read_session(self.environment.session, log=self._log)

    @cached_property
    def _http(self) -> AsyncHTTPClient:
        from .clients.service import new_http

        return new_http()

    @cached_property
    def _dashboard_http(self) -> AsyncHTTPClient:
        from .clusters.dashboards import new_dashboard_http

        return new_dashboard_http()
