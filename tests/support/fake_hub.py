"""The hub's REST API as a service sees it, over real HTTP, with faults on request."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable


@dataclass
class FakeHub:
    """Answers whose a token is, and exchanges login codes."""

    api_url: str = ""
    identities: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By token."""
    codes: dict[str, str] = field(default_factory=dict)
    """Login codes, and the token that each is worth."""
    asked: list[str] = field(default_factory=list)
    """The Authorization header of every question whose token something is."""
    exchanged: list[dict[str, str]] = field(default_factory=list)
    """The form of every exchange of a login code."""
    arrived: list[str] = field(default_factory=list)
    """The path of every request, answered or not."""
    arrival: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first request has arrived."""
    status: int | None = None
    """Answer everything with this status instead."""
    body: str | None = None
    """Answer everything with this text instead."""
    gate: asyncio.Event | asyncio.Barrier | None = None
    """Answer only when it is set, or when so many wait for an answer."""
    waiting: int = 0
    """Requests that have arrived and have no answer yet."""
    most_waiting: int = 0

    def add_user(
        self, token: str, name: str, *, scopes: Iterable[str], groups: Iterable[str] = ()
    ) -> str:
        """Make `token` one of a user's; return it."""
        self.identities[token] = {
            "kind": "user",
            "name": name,
            "admin": False,
            "groups": list(groups),
            "scopes": list(scopes),
            "session_id": None,
            "token_id": "a1",
        }
        return token

    def add_service(self, token: str, name: str, *, scopes: Iterable[str]) -> str:
        """Make `token` that of a service; return it."""
        self.identities[token] = {"kind": "service", "name": name, "scopes": list(scopes)}
        return token

    async def _user(self, request: web.Request) -> web.Response:
        header = request.headers.get("Authorization", "")
        self.asked.append(header)
        model = self.identities.get(header.partition(" ")[2])
        if model is None:
            return web.json_response({"status": 403, "message": "Forbidden"}, status=403)
        return web.json_response(model)

    async def _token(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        self.exchanged.append(form)
        token = self.codes.pop(form.get("code", ""), None)
        if token is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response({"access_token": token, "token_type": "Bearer"})

    @web.middleware
    async def _faults(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.arrived.append(request.path)
        self.arrival.set()
        self.waiting += 1
        self.most_waiting = max(self.waiting, self.most_waiting)
        try:
            return await self._answer(request, handler)
        finally:
            self.waiting -= 1

    async def _answer(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.gate is not None:
            await self.gate.wait()
        if self.status is not None or self.body is not None:
            await request.read()
            if "user" in request.path:
                self.asked.append(request.headers.get("Authorization", ""))
            return web.Response(status=self.status or 200, text=self.body or "")
        answer: web.StreamResponse = await handler(request)
        return answer


@asynccontextmanager
async def fake_hub() -> AsyncIterator[FakeHub]:
    """Run a hub's API on a free port of the loopback interface."""
    hub = FakeHub()
    app = web.Application(middlewares=[hub._faults])
    app.router.add_get("/hub/api/user", hub._user)
    app.router.add_post("/hub/api/oauth2/token", hub._token)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        hub.api_url = f"http://{host}:{port}/hub/api"
        yield hub
    finally:
        await runner.cleanup()
