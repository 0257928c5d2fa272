"""``GET usage``: what this server's processes use."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web
from typing_extensions import override

from .base import SandlotHandler


class UsageHandler(SandlotHandler):
    """Replies with a `Usage`; visitors may see it. Asking keeps the usage events coming."""

    @web.authenticated
    @authorized
    @override
    async def get(self) -> None:
        await self.reply(await self.factory.usage.latest())
