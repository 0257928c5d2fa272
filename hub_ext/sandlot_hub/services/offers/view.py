"""What the page shows: offers with the names that people know, in the order of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_contracts.offers import Offer, OfferList, OfferState
    from sandlot_hub.domain.settings.model import SandlotSettings

_MINUTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRow:
    """One image × size."""

    image: str
    size: str
    state: OfferState
    reason: str
    places: str
    """How many of its places are taken, ``3 of 4 places taken``, or only how many there are where
    that is not known; empty without a limit."""
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
    age: str
    """How long ago that was, ``2 seconds ago``."""
    notice: str
    """Why availability is not known; empty when it is."""
    profiles: tuple[ProfileView, ...]


def build_view(
    offers: OfferList,
    settings: SandlotSettings,
    *,
    running: Mapping[str, int] | None,
    age_s: float,
) -> OffersView:
    """Return what the page shows of a user's offers.

    Parameters
    ----------
    offers
        What the user may start.
    settings
        The names of everything.
    running
        Servers that start or run, by size slug; None when that is not known.
    age_s
        Seconds since all this was true.
    """
    # The same sentence stands on every offer that is not known: the page says it once.
    unknown = [offer.reason for offer in offers.offers if offer.state == "unknown"]
    reason = unknown[0] if unknown else None
    return OffersView(
        as_of=offers.as_of,
        age=_age(age_s),
        notice="" if reason is None else reason.message,
        profiles=_profiles(offers, settings, running),
    )


def _age(seconds: float) -> str:
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} second{'' if whole == 1 else 's'} ago"
    minutes = whole // _MINUTE
    return f"{minutes} minute{'' if minutes == 1 else 's'} ago"


def _profiles(
    offers: OfferList, settings: SandlotSettings, running: Mapping[str, int] | None
) -> tuple[ProfileView, ...]:
    return tuple(
        ProfileView(
            slug=slug,
            name=settings.profiles[slug].display_name,
            description=settings.profiles[slug].description,
            rows=tuple(_row(offer, settings, running) for offer in group),
        )
        for slug, group in groupby(offers.offers, key=lambda offer: offer.profile)
    )


def _row(offer: Offer, settings: SandlotSettings, running: Mapping[str, int] | None) -> OfferRow:
    image = settings.images[offer.image]
    return OfferRow(
        image=f"{image.display_name} {image.version}".strip(),
        size=settings.sizes[offer.size].display_name,
        state=offer.state,
        reason=offer.reason.message if offer.reason and offer.state != "unknown" else "",
        places=_places(offer.size, settings.sizes[offer.size].max_running, running),
        instead=tuple(alternative.label for alternative in offer.alternatives),
    )


def _places(size: str, places: int | None, running: Mapping[str, int] | None) -> str:
    if places is None:
        return ""
    if running is None:
        return f"at most {places} at once"
    return f"{running.get(size, 0)} of {places} places taken"
