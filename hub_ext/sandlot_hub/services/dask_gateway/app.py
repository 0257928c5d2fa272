"""The Dask gateway, put together."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import logging
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from traitlets.config import Config

from sandlot_hub.adapters.derived_secret import DATABASE_PURPOSE, ROUTES_PURPOSE, derived_secret
from sandlot_hub.adapters.service_config import LOOPBACK
from sandlot_hub.adapters.supervisor_client import SupervisorClient
from sandlot_hub.services.access import Open, TokenApi
from sandlot_hub.services.app import Route, build_application

from .backend import BackendParts, SupervisedBackend
from .clusters import ClusterParts, Clusters
from .database import open_database, open_postgresql
from .database_watch import DatabaseWatch
from .door import Door
from .handlers import (
    AdaptHandler,
    ClusterHandler,
    ClustersHandler,
    GatewayHealth,
    GatewayVersion,
    OptionsHandler,
    ScaleHandler,
)
from .heartbeat import Heartbeat
from .owner_handlers import OwnerCluster, OwnerClusters, OwnerLog, OwnerOptions
from .supervised import SupervisedMaker, database_unavailable
from .watch import ProcessWatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tornado.web import Application

    from sandlot_hub.adapters.service_config import ServiceConfig
    from sandlot_hub.domain.settings.model import SandlotSettings
    from sandlot_hub.services.context import ServiceContext

    from .database import ClusterDatabase

NAME = "dask-gateway"
ROUTES_PORT = "dask_routes"
"""Name of the port of the door (`door`), in the service's file."""

_OWN = TokenApi(scopes=frozenset())
"""What is here is the caller's own: a token for this service is all that it takes."""
_SHUTDOWN_S = 1.0


def gateway_routes(clusters: Clusters, settings: SandlotSettings) -> tuple[Route, ...]:
    """Return the route table of this service."""
    shared = {"clusters": clusters}
    told = {**shared, "catalogue": settings}
    return (
        Route(
            template="api/health",
            handler=GatewayHealth,
            access=Open(reason="clients of dask-gateway ask it before they have a login"),
        ),
        Route(
            template="api/version",
            handler=GatewayVersion,
            access=Open(reason="clients of dask-gateway ask it before they have a login"),
        ),
        Route(template="api/v1/options", handler=OptionsHandler, access=_OWN, arguments=shared),
        Route(template="api/v1/clusters/", handler=ClustersHandler, access=_OWN, arguments=shared),
        Route(
            template="api/v1/clusters/{name}",
            handler=ClusterHandler,
            access=_OWN,
            arguments=shared,
        ),
        Route(
            template="api/v1/clusters/{name}/scale",
            handler=ScaleHandler,
            access=_OWN,
            arguments=shared,
        ),
        Route(
            template="api/v1/clusters/{name}/adapt",
            handler=AdaptHandler,
            access=_OWN,
            arguments=shared,
        ),
        Route(
            template="api/v1/sandlot/options",
            handler=OwnerOptions,
            access=_OWN,
            arguments=told,
        ),
        Route(
            template="api/v1/sandlot/clusters",
            handler=OwnerClusters,
            access=_OWN,
            arguments=shared,
        ),
        Route(
            template="api/v1/sandlot/clusters/{name}",
            handler=OwnerCluster,
            access=_OWN,
            arguments=told,
        ),
        Route(
            template="api/v1/sandlot/clusters/{name}/log",
            handler=OwnerLog,
            access=_OWN,
            arguments=shared,
        ),
    )


@asynccontextmanager
async def dask_application(context: ServiceContext) -> AsyncIterator[Application]:
    """Make the application; close what it opened at the end. Clusters go on without it."""
    config, settings = context.config, context.settings.settings
    socket_path, folder = config.supervisor_socket, config.folder
    if socket_path is None or folder is None:
        message = "the Dask gateway of one machine needs the supervisor's socket, and a folder"
        raise RuntimeError(message)
    supervisor = SupervisorClient(socket_path)
    secret = config.token.get_secret_value()
    key = bytes.fromhex(derived_secret(secret, DATABASE_PURPOSE))
    database = _open_database(config, base64.urlsafe_b64encode(key), folder)
    routes_port = config.ports[ROUTES_PORT]
    backend = SupervisedBackend(
        BackendParts(
            supervisor=supervisor,
            database=database,
            settings=settings.dask,
            settings_hash=context.settings.hash,
        ),
        config=_proxy_config(routes_port, derived_secret(secret, ROUTES_PURPOSE)),
        log=logging.getLogger("dask_gateway_server"),
    )
    watch = ProcessWatch(supervisor=supervisor, backend=backend)
    kept = DatabaseWatch(database=database)
    clusters = Clusters(
        ClusterParts(
            maker=SupervisedMaker(backend=backend, database=database, machine=supervisor),
            settings=settings,
            now_ms=lambda: int(context.clock.now().timestamp() * 1000),
            ending=lambda: context.ending.begun,
            trouble=lambda: None if kept.answered else database_unavailable(),
        )
    )
    context = dataclasses.replace(context, healthy=lambda: watch.answered and kept.answered)
    door = Door(backend=backend, database=database, reads=Heartbeat).application()
    async with AsyncExitStack() as stack:
        stack.callback(database.close)
        await backend.setup(door)
        stack.push_async_callback(backend.cleanup)
        await stack.enter_async_context(_listening(door, routes_port, held=config.port_held))
        group = await stack.enter_async_context(asyncio.TaskGroup())
        watching = [group.create_task(each.run()) for each in (watch, kept)]
        try:
            yield build_application(context, gateway_routes(clusters, settings))
        finally:
            for task in watching:
                task.cancel()


def _open_database(config: ServiceConfig, key: bytes, folder: Path) -> ClusterDatabase:
    if config.database is None:
        return open_database(folder / "clusters.sqlite", key=key)
    return open_postgresql(config.database, key=key)


def _proxy_config(routes_port: int, token: str) -> Config:
    return Config(
        {
            "Proxy": {
                # The supervisor runs it: it stays while the gateway is restarted.
                "externally_managed": True,
                "api_token": token,
                "gateway_url": f"http://{LOOPBACK}:{routes_port}",
            }
        }
    )


@asynccontextmanager
async def _listening(app: web.Application, port: int, *, held: bool) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        listener = socket.create_server((LOOPBACK, port), reuse_port=held)
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()
