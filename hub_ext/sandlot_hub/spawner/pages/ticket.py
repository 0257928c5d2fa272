"""Tickets for pages that stay open longer than one lasts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import needs_scope
from tornado.web import HTTPError

from sandlot_hub.adapters.page_ticket import TICKET_SECONDS

if TYPE_CHECKING:
    from sandlot_hub.spawner.mixin import SandlotSpawnerMixin

TICKET_PATH = "/sandlot/ticket"


class TicketHandler(APIHandler):
    """``GET /hub/sandlot/ticket?user=…&server=…``: a fresh ticket for one user's spawn page."""

    def get(self) -> None:
        """Answer with ``{"ticket", "expires_in"}`` to whoever may open that page."""
        # In two stages, because the check of scopes reads the names of the arguments.
        self._answer(
            user_name=self.get_query_argument("user"),
            server_name=self.get_query_argument("server", ""),
        )

    @needs_scope("servers")
    def _answer(self, *, user_name: str, server_name: str) -> None:
        del server_name  # whoever may open one server's page is told of the owner's offers
        user = self.find_user(user_name)
        if user is None:
            raise HTTPError(404, f"No such user: {user_name}")
        spawner: SandlotSpawnerMixin = user.spawner
        feed = spawner.feed
        if feed is None:
            raise HTTPError(404, "This hub has no offers service.")
        ticket = feed.ticket(spawner.entitlements())
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps({"ticket": ticket, "expires_in": TICKET_SECONDS}))
