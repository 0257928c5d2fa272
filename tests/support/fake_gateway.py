"""The Dask gateway as an owner's server sees it, and the dashboard of a scheduler: real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from sandlot_contracts.clusters import (
    ClusterImage,
    ClusterInfo,
    ClusterLimits,
    ClusterList,
    ClusterLog,
    ClusterOptions,
    ClusterSize,
    ClusterUsage,
    ClusterWorkers,
)
from sandlot_contracts.problem import PROBLEM_MEDIA_TYPE, Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

IMAGE = ClusterImage(slug="base", display_name="JupyterLab")
SIZE = ClusterSize(slug="tiny", display_name="Tiny", cpus=1, memory_bytes=2**30)
OPTIONS = ClusterOptions(
    images=(IMAGE,), sizes=(SIZE,), pairs=(("base", "tiny"),), limits=ClusterLimits(clusters=3)
)
LOG = ClusterLog(scheduler=("one", "two"), workers=())
UNKNOWN = Problem(
    title="Not found",
    status=404,
    detail="You have no such cluster.",
    message="You have no such cluster.",
    code="cluster-unknown",
)


def cluster(name: str, *, dashboard: str = "") -> ClusterInfo:
    """Return a cluster; it runs when it has a dashboard."""
    return ClusterInfo(
        name=name,
        status="RUNNING" if dashboard else "PENDING",
        started_at="2026-11-21T09:00:00.000Z",
        image=IMAGE,
        size=SIZE,
        workers=ClusterWorkers(wanted=0, running=0, starting=0, stopping=0),
        dashboard_address=dashboard,
    )


@dataclass
class FakeGateway:
    """Knows clusters, and remembers what was asked for."""

    url: str = ""
    clusters: dict[str, ClusterInfo] = field(default_factory=dict)
    refusal: Problem | None = None
    """Answer everything with this."""
    refused_orders: Problem | None = None
    """Answer every order for a cluster that there is with this."""
    plain_error: int | None = None
    """Answer everything with this status and no problem document, as a proxy would."""
    gate: asyncio.Event | None = None
    """Answer only when it is set."""
    logins: set[str] = field(default_factory=set)
    """Authorization headers of all requests."""
    orders: list[tuple[str, str, Any]] = field(default_factory=list)
    """Method, path and body of everything that is not just a question."""
    _version: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _ordered: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def ordered(self, count: int) -> list[tuple[str, str, Any]]:
        """Wait until so many orders have come; return all."""
        async with asyncio.timeout(10), self._ordered:
            await self._ordered.wait_for(lambda: len(self.orders) >= count)
        return self.orders

    def put(self, info: ClusterInfo) -> None:
        """Add a cluster, or change one."""
        self.clusters[info.name] = info
        self.change()

    def change(self) -> None:
        """Answer those who wait for another version."""
        self._version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request."""
        self.logins.add(request.headers.get("Authorization", ""))
        if self.gate is not None:
            await self.gate.wait()
        if self.refusal is not None:
            return _problem(self.refusal)
        if self.plain_error is not None:
            return web.Response(status=self.plain_error, text="Bad Gateway")
        path = request.path.removeprefix("/services/dask-gateway/api/v1/")
        if request.method != "GET":
            return await self._order(request, path)
        return await self._question(request, path)

    async def _question(self, request: web.Request, path: str) -> web.Response:
        if path == "sandlot/clusters":
            return _json(await self._list(request))
        if path == "sandlot/options":
            return _json(OPTIONS)
        name, _, rest = path.removeprefix("sandlot/clusters/").partition("/")
        if name not in self.clusters:
            return _problem(UNKNOWN)
        return _json(LOG if rest == "log" else self.clusters[name])

    async def _list(self, request: web.Request) -> ClusterList:
        if request.query.get("after") == str(self._version):
            wait_s = float(request.query.get("wait", "0"))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait_s)
        return ClusterList(
            version=str(self._version),
            clusters=tuple(self.clusters.values()),
            limits=ClusterLimits(clusters=3),
            used=ClusterUsage(clusters=len(self.clusters), workers=0, cpus=0, memory_bytes=0),
        )

    async def _order(self, request: web.Request, path: str) -> web.Response:
        body = await request.json() if request.can_read_body else None
        async with self._ordered:
            self.orders.append((request.method, path, body))
            self._ordered.notify_all()
        if path == "clusters/":
            self.put(cluster("c" * 32))
            return web.json_response({"name": "c" * 32}, status=201)
        if path.split("/")[1] not in self.clusters:
            return _problem(UNKNOWN)
        if self.refused_orders is not None:
            return _problem(self.refused_orders)
        self.change()
        if request.method == "DELETE":
            return web.Response(status=204)
        return web.json_response({"ok": True, "msg": None})


@dataclass
class FakeDashboard:
    """What a scheduler shows; remembers what reached it."""

    origin: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path with query, and headers."""
    away: str = "http://169.254.169.254/latest"
    """Where ``/away`` leads."""
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a websocket has ended."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.asked.append((request.path_qs, dict(request.headers)))
        if request.path == "/status/ws":
            return await self._echo(request)
        if request.path in {"/", "/away"}:
            target = "/status" if request.path == "/" else self.away
            return web.Response(status=302, headers={"Location": target})
        if request.path == "/gone":
            return web.Response(status=404, text="no")
        if request.headers.get("If-None-Match") == '"7"':
            return web.Response(status=304)
        headers = {"Set-Cookie": "hub=stolen", "X-Frame-Options": "ALLOW", "Etag": '"7"'}
        return web.Response(text="<h1>Status</h1>", content_type="text/html", headers=headers)

    async def _echo(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["bokeh"])
        await socket.prepare(request)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                await socket.send_str(f"echo {message.data}")
            elif message.type == WSMsgType.BINARY:
                await socket.send_bytes(message.data[::-1])
        self.closed.set()
        return socket


@asynccontextmanager
async def fake_gateway() -> AsyncIterator[FakeGateway]:
    """Run a gateway on a free loopback port."""
    gateway = FakeGateway()
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(_serving(gateway.answer))
        gateway.url = f"{origin}/services/"
        yield gateway
        if gateway.gate is not None:
            gateway.gate.set()


@asynccontextmanager
async def fake_dashboard() -> AsyncIterator[FakeDashboard]:
    """Run a dashboard on a free loopback port."""
    dashboard = FakeDashboard()
    async with _serving(dashboard.answer) as origin:
        dashboard.origin = origin
        yield dashboard


@asynccontextmanager
async def _serving(answer: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def _json(model: Any) -> web.Response:
    return web.Response(text=model.model_dump_json(), content_type="application/json")


def _problem(problem: Problem) -> web.Response:
    return web.Response(
        status=problem.status, text=problem.model_dump_json(), content_type=PROBLEM_MEDIA_TYPE
    )
