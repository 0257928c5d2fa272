"""The Dask gateway in a cluster, put together."""

from __future__ import annotations

import dataclasses
import logging
import os
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from traitlets.config import Config

from sandlot_hub.adapters.dask_objects import open_dask_objects
from sandlot_hub.services.app import build_application

from .app import gateway_routes
from .clusters import ClusterParts, Clusters
from .door import Door
from .heartbeat import PodHeartbeat
from .kube_backend import PodBackend, PodBackendParts
from .kube_config import INSTANCE
from .kube_maker import PodMaker
from .kube_seal import Seal
from .schedulers import SchedulerRoutes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tornado.web import Application

    from sandlot_hub.services.context import ServiceContext

    from .kube_config import GatewayPlace

_SHUTDOWN_S = 1.0
LOGGER = "dask_gateway_server"


@asynccontextmanager
async def kube_application(
    context: ServiceContext, place: GatewayPlace
) -> AsyncIterator[Application]:
    """Make the application; close what it opened at the end. Clusters go on without it."""
    settings, log = context.settings.settings, logging.getLogger(LOGGER)
    async with AsyncExitStack() as stack:
        objects = await stack.enter_async_context(
            open_dask_objects(place.namespace, environment=os.environ)
        )
        backend = PodBackend(
            PodBackendParts(
                objects=objects,
                settings=settings,
                seal=Seal(place.seal_key),
                routes=SchedulerRoutes(config=_proxy_config(place), log=log),
                instance=INSTANCE,
                door_url=f"{place.door_url}/api",
            ),
            log=log,
        )
        clusters = Clusters(
            ClusterParts(
                maker=PodMaker(backend=backend, objects=objects),
                settings=settings,
                now_ms=lambda: int(context.clock.now().timestamp() * 1000),
                ending=lambda: context.ending.begun,
            )
        )
        context = dataclasses.replace(context, healthy=lambda: backend.in_step)
        door = Door(backend=backend, database=backend, reads=PodHeartbeat).application()
        await backend.setup(door)
        stack.push_async_callback(backend.cleanup)
        await stack.enter_async_context(listening(door, place.door_port))
        yield build_application(context, gateway_routes(clusters, settings))


@asynccontextmanager
async def listening(app: web.Application, port: int) -> AsyncIterator[None]:
    """Serve an application at a port of every address: other pods are to reach it."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        if socket.has_dualstack_ipv6():
            listener = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        else:
            listener = socket.create_server(("", port))
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()


def _proxy_config(place: GatewayPlace) -> Config:
    return Config(
        {
            "Proxy": {
                # It has a Deployment of its own: it stays while the gateway is restarted.
                "externally_managed": True,
                "api_token": place.proxy_token,
                "gateway_url": place.door_url,
            }
        }
    )
