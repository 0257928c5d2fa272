"""``GET availability``: which accelerators are free for the owner of this server."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web
from typing_extensions import override

from .base import SandlotHandler


class AvailabilityHandler(SandlotHandler):
    """Replies with the `Availability` of the offers service.

    For the owner only, as `OffersHandler`: what it says of people depends on who asks.
    """

    @web.authenticated
    @authorized
    @override
    async def get(self) -> None:
        self.require_owner()
        await self.reply(await self.factory.offers.availability())
