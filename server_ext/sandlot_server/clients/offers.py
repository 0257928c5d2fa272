"""The offers service: what this server's owner could start now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_contracts.availability import Availability
from sandlot_contracts.offers import OfferList

if TYPE_CHECKING:
    from .service import ServiceClient


class OffersClient:
    """Asks the offers service for the owner."""

    def __init__(self, *, service: ServiceClient) -> None:
        self._service = service

    async def list_offers(self) -> OfferList:
        """Return every choice that the owner sees, available or not.

        Raises
        ------
        ProblemError
            As `ServiceClient.get` raises it.
        """
        return await self._service.get("api/v1/offers", OfferList)

    async def availability(self) -> Availability:
        """Return which accelerators are free, of those that the owner sees.

        Raises
        ------
        ProblemError
            As `ServiceClient.get` raises it.
        """
        return await self._service.get("api/v1/availability", Availability)
