"""The life of a service's process: read, listen, serve, end in order."""

from __future__ import annotations

import argparse
import asyncio
import errno
import gc
import logging
import os
import signal
import socket
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tornado.httpserver import HTTPServer

from sandlot_contracts.exits import ExitCode
from sandlot_hub.adapters.clock import SystemClock
from sandlot_hub.adapters.hub_client import HubClient
from sandlot_hub.adapters.hub_identity import HubTokens
from sandlot_hub.adapters.managed_service import managed_config
from sandlot_hub.adapters.orphans import end_with_parent
from sandlot_hub.adapters.page_ticket import ticket_key
from sandlot_hub.adapters.service_config import ServiceConfigError, read_service_config
from sandlot_hub.adapters.settings_file import SettingsError, read_resolved

from .auth import Authenticator, ServiceOAuth
from .context import ServiceContext
from .handlers import MAX_BODY
from .logs import FIELDS, configure_logging
from .metrics import ServiceMetrics
from .tickets import Tickets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from tornado.web import Application

    from sandlot_hub.adapters.service_config import ServiceConfig
    from sandlot_hub.adapters.settings_file import LoadedSettings
    from sandlot_hub.domain.values.ports import Clock

    Build = Callable[[ServiceContext], AbstractAsyncContextManager[Application]]

logger = logging.getLogger(__name__)

BACKLOG = 128
"""Connections that may wait to be accepted."""
MAX_HEADERS = 32 * 1024
"""Bytes of the headers of one request."""
BODY_TIMEOUT = 10.0
"""Seconds that a body may take to arrive."""
IDLE_TIMEOUT = 100.0
"""Seconds that a connection may be silent, and that headers may take to arrive. Longer than the
90 s after which traefik gives up an idle connection: the other way round it would now and then
send a request into a closed one."""


def run(
    build: Build,
    arguments: Sequence[str] | None = None,
    *,
    name: str,
    environment: Mapping[str, str] = os.environ,
) -> int:
    """Run one service until it is told to stop.

    Parameters
    ----------
    build
        Makes the service's application from its context, and takes care of what it opens.
    arguments
        Command line; that of the process when None.
    name
        The service that this program is.
    environment
        Where a hub that starts the service says what it has to know.

    Returns
    -------
    int
        The exit code (`ExitCode`).
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m sandlot_hub.services.{name.replace('-', '_')}",
        description=f"Sandlot's {name} service.",
    )
    parser.add_argument(
        "--config", type=Path, help="the service's private file; without it, the hub's environment"
    )
    path = parser.parse_args(arguments).config
    try:
        config, settings = managed_config(environment) if path is None else _read_files(path)
        _check_name(config, name, "The hub" if path is None else str(path))
    except (ServiceConfigError, SettingsError) as error:
        return _give_up(str(error), ExitCode.SETTINGS)
    if path is None:
        end_with_parent()
    return run_configured(build, config=config, settings=settings)


def run_configured(
    build: Build,
    *,
    config: ServiceConfig,
    settings: LoadedSettings,
    secrets: Sequence[str] = (),
) -> int:
    """Run one service that was told how, until it is told to stop.

    Parameters
    ----------
    build
        As in `run`.
    config, settings
        What it was told.
    secrets
        What never appears in its log, besides what its configuration has.

    Returns
    -------
    int
        The exit code (`ExitCode`).
    """
    try:
        listener = _listener(config)
    except OSError as error:
        return _give_up(_port_sentence(config, error), _port_code(error))
    hidden = [*config.secrets, *secrets]
    configure_logging(service=config.name, level=config.log_level, secrets=hidden)
    asyncio.run(serve(_for_good(build), config=config, settings=settings, listener=listener))
    return ExitCode.OK


async def serve(
    build: Build,
    *,
    config: ServiceConfig,
    settings: LoadedSettings,
    listener: socket.socket,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve on `listener` until SIGTERM, SIGINT or `stop`, then end in order.

    The order: no new connections, then the requests in progress for at most
    `config.stop_grace` seconds (those that would go on are told to end), then every
    connection, then what the service opened.
    """
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        context = await build_context(stack, config=config, settings=settings, clock=SystemClock())
        application = await stack.enter_async_context(build(context))
        server = HTTPServer(
            application,
            body_timeout=BODY_TIMEOUT,
            decompress_request=False,
            idle_connection_timeout=IDLE_TIMEOUT,
            max_body_size=MAX_BODY,
            max_header_size=MAX_HEADERS,
        )
        listener.settimeout(0)
        server.add_socket(listener)
        logger.info("serving", extra={FIELDS: {"url": config.url, "settings": settings.hash}})
        await stop.wait()
        server.stop()
        context.ending.begin()
        idle = await context.in_flight.wait_idle(within=config.stop_grace)
        await server.close_all_connections()
        logger.info("stopped", extra={FIELDS: {"cut_off": not idle}})


async def build_context(
    stack: AsyncExitStack, *, config: ServiceConfig, settings: LoadedSettings, clock: Clock
) -> ServiceContext:
    """Return the parts of a service; what they open is closed with `stack`."""
    metrics = ServiceMetrics(service=config.name, settings_hash=settings.hash)
    client = await stack.enter_async_context(HubClient())
    tokens = HubTokens(
        client=client,
        api_url=config.hub_api_url,
        monotonic=clock.monotonic,
        observe=metrics.observe_check,
    )
    stack.push_async_callback(tokens.close)
    oauth = ServiceOAuth(config=config, client=client, tokens=tokens)
    authenticator = Authenticator(oauth=oauth, tokens=tokens, audience=config.access_scope)
    return ServiceContext(
        config=config,
        settings=settings,
        clock=clock,
        metrics=metrics,
        oauth=oauth,
        authenticator=authenticator,
        tickets=Tickets(key=ticket_key(config.token.get_secret_value()), clock=clock),
    )


def _for_good(build: Build) -> Build:
    """Let no later search for garbage go through what has been built, which stays for good.

    It would hold the event loop for a tenth of a second each time, as while a cluster is listed.
    """

    @asynccontextmanager
    async def built(context: ServiceContext) -> AsyncIterator[Application]:
        async with build(context) as application:
            gc.collect()
            gc.freeze()
            yield application

    return built


def _read_files(path: Path) -> tuple[ServiceConfig, LoadedSettings]:
    config = read_service_config(path)
    if config.settings_file is None:
        message = f"{path} names no settings_file."
        raise ServiceConfigError(message)
    return config, read_resolved(config.settings_file)


def _check_name(config: ServiceConfig, name: str, source: str) -> None:
    if config.name != name:
        message = f"{source} configures the service {config.name!r}, not {name!r}."
        raise ServiceConfigError(message)


def _listener(config: ServiceConfig) -> socket.socket:
    if not config.listen and socket.has_dualstack_ipv6():
        return socket.create_server(
            ("", config.port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True
        )
    family = socket.AF_INET6 if ":" in config.listen else socket.AF_INET
    return socket.create_server(
        (config.listen, config.port), family=family, backlog=BACKLOG, reuse_port=config.port_held
    )


def _port_sentence(config: ServiceConfig, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"The {config.name} service cannot listen on {config.url}: another program does. "
            "Stop that one, or give the service another port in its file."
        )
    return f"The {config.name} service cannot listen on {config.url}: {error.strerror}."


def _port_code(error: OSError) -> ExitCode:
    return ExitCode.PORT_IN_USE if error.errno == errno.EADDRINUSE else ExitCode.FAILURE


def _give_up(sentence: str, code: ExitCode) -> int:
    sys.stderr.write(f"{sentence}\n")
    return code
