"""``GET offers``: what the owner of this server could start now."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web
from typing_extensions import override

from .base import SandlotHandler


class OffersHandler(SandlotHandler):
    """Replies with the `OfferList` of the offers service.

    For the owner only: the service answers to the *owner's* token, and a visitor must
    not read through it what the hub shows to the owner alone.
    """

    @web.authenticated
    @authorized
    @override
    async def get(self) -> None:
        self.require_owner()
        await self.reply(await self.factory.offers.list_offers())
