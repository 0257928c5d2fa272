"""Something that answers in place of a service of the hub, over real HTTP."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator


@dataclass
class FakeService:
    """Gives one answer to everything, and remembers what it was asked."""

    url: str = ""
    status: int = 200
    body: str = "{}"
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    gate: asyncio.Event | None = None
    """Answer only when it is set."""
    breaks: bool = False
    """Close the connection in place of an answer."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Path and Authorization header of every request."""

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.path_qs, request.headers.get("Authorization", "")))
        if self.gate is not None:
            await self.gate.wait()
        if self.breaks and request.transport is not None:
            request.transport.close()
        return web.Response(
            status=self.status, text=self.body, content_type=self.media_type, headers=self.headers
        )


@asynccontextmanager
async def fake_service() -> AsyncIterator[FakeService]:
    """Run it on a free port of the loopback interface."""
    service = FakeService()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service._answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        service.url = f"http://{host}:{port}/"
        yield service
    finally:
        if service.gate is not None:
            service.gate.set()
        await runner.cleanup()
