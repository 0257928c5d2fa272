"""``clusters/{name}/dashboard/…``: what the scheduler of an own cluster shows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jupyter_server.auth.decorator import authorized, ws_authenticated
from jupyter_server.utils import url_escape, url_path_join
from tornado import web
from tornado.websocket import WebSocketClosedError, WebSocketHandler
from typing_extensions import override

from sandlot_server.errors import ProblemError

from .base import PREFIX, OwnedHandler, SandlotHandler

if TYPE_CHECKING:
    from tornado.websocket import WebSocketClientConnection

_TRY_AGAIN = 1013


class DashboardHandler(SandlotHandler):
    """Pages, scripts and figures."""

    @web.authenticated
    @authorized
    @override
    async def get(self, name: str, path: str) -> None:
        self.require_owner()
        prefix = url_path_join(
            self.base_url, PREFIX, "clusters", url_escape(name), "dashboard", "/"
        )
        query, headers = self.request.query, self.request.headers
        reply = await self.factory.dashboards.fetch(
            name, path, query=query, headers=headers, prefix=prefix
        )
        self.set_status(reply.status)
        for key, value in reply.headers.items():
            self.set_header(key, value)
        policy = self.factory.dashboard_policy(self.request.host, prefix)
        self.set_header("Content-Security-Policy", policy)
        kind = reply.headers.get("Content-Type", "application/octet-stream")
        await self.finish(reply.body or None, set_content_type=kind)


class DashboardSocketHandler(OwnedHandler, WebSocketHandler):
    """A websocket, by which plots move; Bokeh has one for each page."""

    _origin = ""
    _other: WebSocketClientConnection | None = None
    _carrying: asyncio.Task[None] | None = None

    @override
    async def prepare(self) -> None:  # type: ignore[override]
        # No websocket can follow a redirect to a login page.
        await super().prepare(_redirect_to_login=False)

    # tornado declares verbs and `open` as attributes, which cannot be narrowed.
    @ws_authenticated
    @authorized
    @override
    async def get(self, name: str, path: str) -> None:  # type: ignore[mutable-override]
        self.require_owner()
        # Before the handshake: a foreign cluster is a 404, not a connection that breaks.
        self._origin = await self.factory.dashboards.origin(name)
        await super().get(name, path)

    @override
    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        # Bokeh offers its own name and then the session, and takes the first.
        return subprotocols[0] if subprotocols else None

    @override
    async def open(self, *args: str, **kwargs: str) -> None:  # type: ignore[mutable-override]
        _, path = args
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "")
        subprotocols = [each.strip() for each in offered.split(",") if each.strip()]
        try:
            self._other = await self.factory.dashboards.connect(
                self._origin, path, query=self.request.query, subprotocols=subprotocols
            )
        except ProblemError as error:
            self.close(_TRY_AGAIN, error.title)
            return
        if self.ws_connection is None:
            # The browser left meanwhile, and `on_close` found nothing to close.
            self._other.close()
            return
        self._carrying = asyncio.create_task(self._carry(self._other))

    @override
    async def on_message(self, message: str | bytes) -> None:
        if self._other is None:
            return
        try:
            await self._other.write_message(message, binary=isinstance(message, bytes))
        except WebSocketClosedError:
            self.close()

    @override
    def on_close(self) -> None:
        if self._other is not None:
            self._other.close()

    async def _carry(self, other: WebSocketClientConnection) -> None:
        # Waiting for each write is what keeps a slow browser from filling this process.
        while (message := await other.read_message()) is not None:
            try:
                await self.write_message(message, binary=isinstance(message, bytes))
            except WebSocketClosedError:
                break
        other.close()
        self.close()
