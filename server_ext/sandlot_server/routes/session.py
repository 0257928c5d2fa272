"""``GET session``: what this server is."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web
from typing_extensions import override

from .base import SandlotHandler


class SessionHandler(SandlotHandler):
    """Replies with a `SessionView`; visitors may see it."""

    @web.authenticated
    @authorized
    @override
    async def get(self) -> None:
        await self.reply(self.factory.session_view(self.caller))
