"""The routes of the offers service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from sandlot_hub.domain.values.entitlements import Entitlements
from sandlot_hub.services.handlers import ServiceHandler
from sandlot_hub.services.pages import PageHandler

from .view import build_view

if TYPE_CHECKING:
    from sandlot_hub.adapters.hub_identity import HubIdentity

    from .availability import Offers


def entitlements_of(caller: HubIdentity) -> Entitlements:
    """Return what the hub says of the caller: name, groups and role."""
    return Entitlements(user=caller.name, groups=caller.groups, admin=caller.admin)


class OffersHandler(ServiceHandler):
    """``GET api/v1/offers``: what the caller may start now."""

    offers: Offers

    @override
    async def get(self) -> None:
        """Answer with the caller's offers."""
        snapshot = await self.offers.source.snapshot()
        self.write_model(self.offers.of(entitlements_of(self.user), snapshot))


class OffersPage(PageHandler):
    """The same as a page."""

    offers: Offers

    @override
    async def get(self) -> None:
        """Answer with a table a profile."""
        snapshot = await self.offers.source.snapshot()
        offers = self.offers.of(entitlements_of(self.user), snapshot)
        running = None if snapshot.facilities is None else snapshot.facilities.running
        view = build_view(
            offers,
            self.offers.settings,
            running=running,
            age_s=self.offers.age_s(snapshot),
        )
        has_accelerators = bool(self.offers.settings.accelerators)
        self.write_page("offers.html", view=view, has_accelerators=has_accelerators)
