"""What the page shows: offers with the names that people know, in the order of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandlot_contracts.offers import Offer, OfferList, OfferState
    from sandlot_hub.domain.settings import SandlotSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRow:
    """One image × size."""

    image: str
    size: str
    state: OfferState
    reason: str
    instead: tuple[str, ...]
    """Choices that would be accepted in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    """One profile with its rows."""

    slug: str
    name: str
    description: str
    rows: tuple[OfferRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OffersView:
    """The whole page."""

    as_of: str
    """UTC, ISO 8601."""
    notice: str
    """Why availability is not known; empty when it is."""
    profiles: tuple[ProfileView, ...]


def build_view(offers: OfferList, settings: SandlotSettings) -> OffersView:
    """Return what the page shows of a user's offers."""
    # The same sentence stands on every offer that is not known: the page says it once.
    unknown = [offer.reason for offer in offers.offers if offer.state == "unknown"]
    reason = unknown[0] if unknown else None
    return OffersView(
        as_of=offers.as_of,
        notice="" if reason is None else reason.message,
        profiles=_profiles(offers, settings),
    )


def _profiles(offers: OfferList, settings: SandlotSettings) -> tuple[ProfileView, ...]:
    return tuple(
        ProfileView(
            slug=slug,
            name=settings.profiles[slug].display_name,
            description=settings.profiles[slug].description,
            rows=tuple(_row(offer, settings) for offer in group),
        )
        for slug, group in groupby(offers.offers, key=lambda offer: offer.profile)
    )


def _row(offer: Offer, settings: SandlotSettings) -> OfferRow:
    image = settings.images[offer.image]
    return OfferRow(
        image=f"{image.display_name} {image.version}".strip(),
        size=settings.sizes[offer.size].display_name,
        state=offer.state,
        reason=offer.reason.message if offer.reason and offer.state == "unavailable" else "",
        instead=tuple(alternative.label for alternative in offer.alternatives),
    )
