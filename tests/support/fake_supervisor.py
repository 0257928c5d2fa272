"""A supervisor at its protocol boundary: the real socket and wire types, no processes.

It answers like `sandlot up` does. What it starts is a small HTTP server in the same
event loop, which answers every request as a user's server would its API. A test says
beforehand how the next server behaves, and reads afterwards what was asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import jupyterhub
from aiohttp import web

from sandlot_contracts.capacity import CapacityState
from sandlot_contracts.problem import PROBLEM_MEDIA_TYPE, Problem
from sandlot_contracts.supervisor import (
    Account,
    LocalFacilities,
    LocalImage,
    LogTail,
    ServerState,
    StartServer,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from pydantic import BaseModel

GIB = 1024**3
_ENDING_S = 0.1
Behaviour = Literal["listens", "exits", "hangs", "refused"]


@contextlib.contextmanager
def silent_socket(path: Path) -> Iterator[None]:
    """Put in place of a socket, while the block lasts, one that takes everything and says nothing.

    So does a process that hangs, or that was stopped.
    """
    away = path.with_name(f"{path.name}.away")
    path.rename(away)
    try:
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(str(path))
            path.chmod(0o666)
            silent.listen(128)
            yield
    finally:
        away.rename(path)


@contextlib.contextmanager
def no_socket(path: Path) -> Iterator[None]:
    """Take a socket away while the block lasts, as if nobody had made it."""
    away = path.with_name(f"{path.name}.away")
    path.rename(away)
    try:
        yield
    finally:
        away.rename(path)


def facilities(**changes: object) -> LocalFacilities:
    """Return a machine that has the image `base` ready, with some things different."""
    known = {
        "images": {"base": LocalImage(state="ready")},
        "cpus": 8,
        "memory_bytes": 32 * GIB,
        "cpu_enforced": True,
        "memory_enforced": True,
        "isolation": "own-uid",
        "capacity": CapacityState(scope="machine", flavors={}, sizes={}),
    }
    return LocalFacilities.model_validate({**known, **changes})


@dataclass
class FakeServer:
    """One started server: what was asked for and how it is."""

    request: StartServer
    state: ServerState
    runner: web.AppRunner | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it no longer starts."""


@dataclass
class FakeSupervisor:
    """What the supervisor knows, and how it behaves from now on."""

    socket: Path
    """Where it listens."""
    facilities: LocalFacilities = field(default_factory=facilities)
    """What the machine can do. `change` answers whoever waits for a change, too."""
    behaviour: Behaviour = "listens"
    """How the next server behaves."""
    hold_starts: asyncio.Event | None = None
    """While set and unfired, no start is answered."""
    hold_facilities: asyncio.Event | None = None
    """While set and unfired, nobody is told what the machine can do."""
    hold_answers: asyncio.Event | None = None
    """While set and unfired, servers that listen answer nobody."""
    requests: list[str] = field(default_factory=list)
    """Method and path of every request."""
    servers: dict[str, FakeServer] = field(default_factory=dict)
    """By spawn id, in the order of their starts."""
    log: tuple[str, ...] = ()
    """What every server has written."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Listen until the block ends; then everything is stopped."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/v1/facilities", self._get_facilities),
                web.put("/v1/servers", self._put_server),
                web.get("/v1/servers/{spawn_id}", self._get_server),
                web.delete("/v1/servers/{spawn_id}", self._delete_server),
                web.get("/v1/servers/{spawn_id}/log", self._get_log),
                web.get("/v1/accounts/{user}", self._get_account),
            ]
        )
        runner = web.AppRunner(app, shutdown_timeout=_ENDING_S)
        await runner.setup()
        self.socket.unlink(missing_ok=True)
        await web.UnixSite(runner, str(self.socket)).start()
        try:
            yield
        finally:
            for server in self.servers.values():
                await self.end(server.state.spawn_id, exit_code=-15)
            await runner.cleanup()

    @property
    def running(self) -> list[FakeServer]:
        """The servers that have not ended."""
        return [server for server in self.servers.values() if server.state.state != "exited"]

    def started_for(self, owner: str) -> list[StartServer]:
        """Return what was asked for one user."""
        requests = [server.request for server in self.servers.values()]
        return [request for request in requests if request.owner == owner]

    async def asked(self, beginning: str) -> None:
        """Return when a request came whose method and path begin like this."""
        while not any(request.startswith(beginning) for request in self.requests):
            self._news.clear()
            await self._news.wait()

    def change(self, **changes: object) -> None:
        """Let the machine do something else from now on."""
        known = self.facilities.model_dump()
        next_version = self.facilities.version + 1
        self.facilities = facilities(**{**known, **changes, "version": next_version})
        self._changed.set()

    async def end(self, spawn_id: str, *, exit_code: int, reason: str = "") -> None:
        """End a server, as if it had ended by itself."""
        server = self.servers[spawn_id]
        if server.runner is not None:
            await server.runner.cleanup()
            server.runner = None
        changes = {"state": "exited", "exit_code": exit_code, "reason": reason}
        server.state = server.state.model_copy(update=changes)
        server.changed.set()

    async def _get_facilities(self, request: web.Request) -> web.Response:
        self._note(request)
        if self.hold_facilities is not None:
            await self.hold_facilities.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(float(request.query.get("wait", "0"))):
                while request.query.get("after") == str(self.facilities.version):
                    self._changed.clear()
                    await self._changed.wait()
        return _json(self.facilities)

    async def _put_server(self, request: web.Request) -> web.Response:
        self._note(request)
        asked = StartServer.model_validate_json(await request.read())
        if self.hold_starts is not None:
            await self.hold_starts.wait()
        if self.behaviour == "refused":
            return _problem(500, "out-of-uids", "All accounts of this machine are taken.")
        state = ServerState(
            spawn_id=asked.spawn_id,
            owner=asked.owner,
            server_name=asked.server_name,
            state="starting",
            pid=4242,
            uid=70001,
            port=asked.port,
        )
        self.servers[asked.spawn_id] = FakeServer(request=asked, state=state)
        if self.behaviour == "exits":
            await self.end(asked.spawn_id, exit_code=1, reason="It could not import jupyterlab.")
        elif self.behaviour == "listens":
            await self.listen(self.servers[asked.spawn_id])
        return _json(self.servers[asked.spawn_id].state)

    async def _get_server(self, request: web.Request) -> web.Response:
        self._note(request)
        server = self.servers.get(request.match_info["spawn_id"])
        if server is None:
            return _unknown()
        if server.state.state == "starting":
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(float(request.query.get("wait", "0"))):
                    await server.changed.wait()
        return _json(server.state)

    async def _delete_server(self, request: web.Request) -> web.Response:
        self._note(request)
        spawn_id = request.match_info["spawn_id"]
        if spawn_id not in self.servers:
            return _unknown()
        await self.end(spawn_id, exit_code=-15)
        return _json(self.servers[spawn_id].state)

    async def _get_log(self, request: web.Request) -> web.Response:
        self._note(request)
        return _json(LogTail(lines=self.log))

    async def _get_account(self, request: web.Request) -> web.Response:
        self._note(request)
        user = request.match_info["user"]
        return _json(Account(user=user, uid=70001, home=f"/homes/{user}"))

    async def listen(self, server: FakeServer) -> None:
        """Let a server listen from now on."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        server.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await server.runner.setup()
        await web.TCPSite(server.runner, "127.0.0.1", server.request.port).start()
        server.state = server.state.model_copy(update={"state": "listening"})
        server.changed.set()

    async def _answer(self, request: web.Request) -> web.Response:
        self._note(request)
        if self.hold_answers is not None:
            await self.hold_answers.wait()
        version = {"X-JupyterHub-Version": jupyterhub.__version__}
        return web.Response(text=request.path, headers=version)

    def _note(self, request: web.Request) -> None:
        self.requests.append(f"{request.method} {request.path}")
        self._news.set()


def _json(model: BaseModel) -> web.Response:
    return web.Response(text=model.model_dump_json(), content_type="application/json")


def _unknown() -> web.Response:
    return _problem(404, "server-unknown", "No such server.")


def _problem(status: int, code: str, detail: str) -> web.Response:
    problem = Problem(title="Refused", status=status, detail=detail, message=detail, code=code)
    return web.Response(
        status=status, text=problem.model_dump_json(), content_type=PROBLEM_MEDIA_TYPE
    )
