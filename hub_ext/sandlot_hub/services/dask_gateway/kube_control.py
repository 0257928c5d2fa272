"""``python -m sandlot_hub.services.dask_gateway.kube_control``: the controller in a cluster."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from aiohttp import web

from sandlot_contracts.exits import ExitCode
from sandlot_hub.adapters.cluster_access import ClusterAccessError
from sandlot_hub.adapters.dask_objects import open_dask_objects
from sandlot_hub.adapters.service_config import ServiceConfigError
from sandlot_hub.adapters.settings_file import SettingsError
from sandlot_hub.services.logs import FIELDS, configure_logging

from .kube_app import LOGGER, listening
from .kube_config import INSTANCE, read_namespace, read_settings
from .kube_controller import PodController

if TYPE_CHECKING:
    from sandlot_hub.adapters.settings_file import LoadedSettings

HEALTH_PORT = "SANDLOT_HEALTH_PORT"
"""Variable with the port at which the kubelet asks whether it works; nowhere without."""

# This module is `__main__`, whose logger is nobody's.
logger = logging.getLogger("sandlot_hub.services.dask_gateway.kube_control")


def main() -> int:
    """Run it until it is told to stop, and return its exit code."""
    try:
        settings, namespace = read_settings(os.environ), read_namespace(os.environ)
    except (ServiceConfigError, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.SETTINGS
    configure_logging(service="dask-controller", level="INFO", secrets=())
    try:
        asyncio.run(_control(settings, namespace))
    except ClusterAccessError as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.FAILURE
    return ExitCode.OK


async def _control(settings: LoadedSettings, namespace: str) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        objects = await stack.enter_async_context(
            open_dask_objects(namespace, environment=os.environ)
        )
        controller = PodController(
            objects=objects,
            settings=settings.settings,
            instance=INSTANCE,
            log=logging.getLogger(LOGGER),
        )
        await controller.setup()
        stack.push_async_callback(controller.cleanup)
        port = int(os.environ.get(HEALTH_PORT) or 0)
        if port:
            await stack.enter_async_context(listening(_health(controller), port))
        fields = {"namespace": namespace, "settings": settings.hash}
        logger.info("controlling", extra={FIELDS: fields})
        await stop.wait()


def _health(controller: PodController) -> web.Application:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=200 if controller.in_step else 503)

    app = web.Application()
    app.router.add_get("/health", answer)
    return app


if __name__ == "__main__":
    sys.exit(main())
