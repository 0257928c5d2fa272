"""The supervisor's unix socket: HTTP with JSON bodies, see `sandlot_contracts.supervisor`.

Every handler parses, makes one call and replies. Who may call what is in one table.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from typing import TYPE_CHECKING, Protocol, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from sandlot_contracts.problem import PROBLEM_MEDIA_TYPE
from sandlot_contracts.supervisor import StartDask, StartServer
from sandlot_hub.adapters.unix_socket import short_path

from .peers import Peers, Role, peer_uid
from .refusals import RefusedRequestError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from sandlot_contracts.supervisor import (
        Account,
        DaskState,
        DaskStates,
        LocalFacilities,
        LogTail,
        ServerState,
        StackStatus,
    )

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ModelT = TypeVar("ModelT", bound=BaseModel)

log = logging.getLogger(__name__)

_BODY_MAXIMUM = 512 * 1024
_SHUTDOWN_S = 1.0
_INTERNAL = 500
_DIGITS = 30
"""Of a number that is read; no version is that long."""
_WAIT_MAXIMUM_S = 10.0
_NEWS_MAXIMUM_S = 30.0


class ServersApi(Protocol):
    """What the hub asks for. `servers.Servers` does it."""

    async def start(self, request: StartServer) -> ServerState:
        """Start a server, or return the one that already has this spawn id."""
        ...

    async def get(self, spawn_id: str, *, wait_s: float = 0.0) -> ServerState:
        """Return the state of a server."""
        ...

    async def stop(self, spawn_id: str, *, now: bool) -> ServerState:
        """End a server."""
        ...

    def log_tail(self, spawn_id: str) -> LogTail:
        """Return the last lines that a server wrote."""
        ...


class DaskApi(Protocol):
    """What the Dask gateway asks for. `dask.DaskProcesses` does it."""

    async def start(self, request: StartDask) -> DaskState:
        """Start a process, or return the one that already has this id."""
        ...

    async def states(
        self, *, after: int | None = None, wait_s: float = 0.0, gone: Callable[[], bool]
    ) -> DaskStates:
        """Return how all of them are; wait for a change while the version is `after`."""
        ...

    async def stop(self, process_id: str, *, now: bool) -> DaskState:
        """End a process."""
        ...

    def log_tail(self, process_id: str) -> LogTail:
        """Return the last lines that a process wrote."""
        ...

    def end_waiting(self) -> None:
        """Answer those who wait for a change now."""
        ...


class StackApi(Protocol):
    """What the operator asks for, and what hub and services may know."""

    def status(self) -> StackStatus:
        """Return how the stack is."""
        ...

    async def restart(self, part: str) -> StackStatus:
        """Restart a part, and wait until it works again."""
        ...

    def stop(self) -> None:
        """Begin to end everything."""
        ...

    async def facilities(self) -> LocalFacilities:
        """Return what this machine can do."""
        ...

    async def facilities_after(
        self, version: int, *, wait_s: float, gone: Callable[[], bool]
    ) -> LocalFacilities:
        """Return the same, and wait for a change while the version is that one."""
        ...

    def end_waiting(self) -> None:
        """Answer those who wait for a change now."""
        ...

    def account(self, user: str) -> Account:
        """Return where a user's files are."""
        ...


class SocketApi:
    """The routes.

    Parameters
    ----------
    servers
        Users' servers.
    dask
        Users' Dask clusters.
    stack
        Everything else.
    peers
        Who may call.
    """

    def __init__(
        self, *, servers: ServersApi, dask: DaskApi, stack: StackApi, peers: Peers
    ) -> None:
        self._servers = servers
        self._dask = dask
        self._stack = stack
        self._peers = peers

    def application(self) -> web.Application:
        """Return the application that serves the routes."""
        app = web.Application(client_max_size=_BODY_MAXIMUM, middlewares=[as_problems])
        app.on_shutdown.append(self._end_waiting)
        anybody = Role.OPERATOR | Role.HUB | Role.SERVICE
        known = Role.OPERATOR | Role.HUB
        for method, path, handler, allowed in (
            ("GET", "/v1/status", self._status, Role.OPERATOR),
            ("POST", "/v1/parts/{name}/restart", self._restart, Role.OPERATOR),
            ("POST", "/v1/stop", self._stop_all, Role.OPERATOR),
            ("GET", "/v1/facilities", self._facilities, anybody),
            ("PUT", "/v1/servers", self._start, Role.HUB),
            ("GET", "/v1/servers/{spawn_id}", self._get, Role.HUB),
            ("DELETE", "/v1/servers/{spawn_id}", self._stop, Role.HUB),
            ("GET", "/v1/servers/{spawn_id}/log", self._log, Role.HUB),
            ("PUT", "/v1/dask", self._start_dask, Role.GATEWAY),
            ("GET", "/v1/dask", self._dask_states, Role.GATEWAY),
            ("DELETE", "/v1/dask/{process_id}", self._stop_dask, Role.GATEWAY),
            ("GET", "/v1/dask/{process_id}/log", self._dask_log, Role.GATEWAY),
            ("GET", "/v1/accounts/{user}", self._account, known),
        ):
            app.router.add_route(method, path, self._only(allowed, handler))
        return app

    def _only(self, allowed: Role, handler: Handler) -> Handler:
        async def checked(request: web.Request) -> web.StreamResponse:
            uid = _caller(request)
            if not self._peers.roles(uid) & allowed:
                sentence = f"This is not for processes of uid {uid}."
                raise RefusedRequestError(sentence, code="forbidden", status=403)
            return await handler(request)

        return checked

    async def _status(self, _request: web.Request) -> web.Response:
        return _reply(self._stack.status())

    async def _restart(self, request: web.Request) -> web.Response:
        return _reply(await self._stack.restart(request.match_info["name"]))

    async def _stop_all(self, _request: web.Request) -> web.Response:
        self._stack.stop()
        return web.Response(status=202)

    async def _facilities(self, request: web.Request) -> web.Response:
        after = _version(request)
        if after is None:
            return _reply(await self._stack.facilities())
        found = await self._stack.facilities_after(
            after, wait_s=_patience(request), gone=_gone(request)
        )
        return _reply(found)

    async def _end_waiting(self, _app: web.Application) -> None:
        self._stack.end_waiting()
        self._dask.end_waiting()

    async def _start_dask(self, request: web.Request) -> web.Response:
        return _reply(await self._dask.start(_parsed(await request.read(), StartDask)))

    async def _dask_states(self, request: web.Request) -> web.Response:
        found = await self._dask.states(
            after=_version(request), wait_s=_patience(request), gone=_gone(request)
        )
        return _reply(found)

    async def _stop_dask(self, request: web.Request) -> web.Response:
        now = request.query.get("now", "0") == "1"
        return _reply(await self._dask.stop(request.match_info["process_id"], now=now))

    async def _dask_log(self, request: web.Request) -> web.Response:
        return _reply(self._dask.log_tail(request.match_info["process_id"]))

    async def _start(self, request: web.Request) -> web.Response:
        return _reply(await self._servers.start(_parsed(await request.read(), StartServer)))

    async def _get(self, request: web.Request) -> web.Response:
        wait_s = _seconds(request.query.get("wait", "0"))
        return _reply(await self._servers.get(request.match_info["spawn_id"], wait_s=wait_s))

    async def _stop(self, request: web.Request) -> web.Response:
        now = request.query.get("now", "0") == "1"
        return _reply(await self._servers.stop(request.match_info["spawn_id"], now=now))

    async def _log(self, request: web.Request) -> web.Response:
        return _reply(self._servers.log_tail(request.match_info["spawn_id"]))

    async def _account(self, request: web.Request) -> web.Response:
        return _reply(self._stack.account(request.match_info["user"]))


@contextlib.asynccontextmanager
async def serving(api: SocketApi, path: Path, *, gid: int | None) -> AsyncIterator[None]:
    """Serve on a unix socket while the context lasts.

    Parameters
    ----------
    api
        The routes.
    path
        Where the socket is made; one that a killed run has left is replaced.
    gid
        The group that may connect besides the supervisor's own uid, if any. Who may
        connect still is not who may call: every route looks at the caller's uid.
    """
    listening = _bound(path, gid)
    runner = web.AppRunner(api.application(), access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    try:
        yield
    finally:
        await runner.cleanup()


def _bound(path: Path, gid: int | None) -> socket.socket:
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX)
    with short_path(path) as short:
        bound.bind(short)
    # Before `listen`, so that nobody gets in with the mode that the umask left.
    if gid is not None:
        os.chown(path, -1, gid)
    path.chmod(0o600 if gid is None else 0o660)
    return bound


@web.middleware
async def as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what is refused into problem documents: the one place where that happens."""
    try:
        return await handler(request)
    except RefusedRequestError as error:
        problem = error.problem
    except web.HTTPException as error:
        problem = RefusedRequestError(error.reason, code="http", status=error.status).problem
    except Exception:
        # The rim: a defect of ours must not take the connection down with no word.
        log.exception("%s %s failed", request.method, request.path)
        sentence = "The supervisor failed; the reason is in its log (`sandlot logs supervisor`)."
        problem = RefusedRequestError(sentence, code="internal", status=_INTERNAL).problem
    return web.Response(
        text=problem.model_dump_json(), status=problem.status, content_type=PROBLEM_MEDIA_TYPE
    )


def _caller(request: web.Request) -> int | None:
    connection = None if request.transport is None else request.transport.get_extra_info("socket")
    if connection is None:
        return None
    uid = peer_uid(connection)
    # Where the system does not tell (macOS), the socket's mode lets in our own uid only.
    return os.geteuid() if uid is None else uid


def _version(request: web.Request) -> int | None:
    """Return the version that the caller has; None when it names none."""
    after = request.query.get("after", "")
    return int(after[:_DIGITS]) if after.isascii() and after.isdigit() else None


def _patience(request: web.Request) -> float:
    return _seconds(request.query.get("wait", "0"), maximum=_NEWS_MAXIMUM_S)


def _gone(request: web.Request) -> Callable[[], bool]:
    # Not cancelled by aiohttp when the caller goes away, since no request is.
    return lambda: request.transport is None or request.transport.is_closing()


def _parsed(body: bytes, model: type[ModelT]) -> ModelT:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        # Only where and what, never the value: it may be a token.
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        sentence = f"{field or 'The body'}: {first['msg']}"
        raise RefusedRequestError(sentence, code="malformed", field=field or None) from None


def _seconds(text: str, *, maximum: float = _WAIT_MAXIMUM_S) -> float:
    """Return how long an answer may wait; nothing that is no number makes it wait."""
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return min(seconds, maximum) if seconds > 0 else 0.0


def _reply(model: BaseModel) -> web.Response:
    return web.Response(text=model.model_dump_json(), content_type="application/json")
