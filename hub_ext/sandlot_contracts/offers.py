"""What is available to whom: the replies of the offers service."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import WireModel
from .capacity import CapacityState
from .problem import Alternative
from .supervisor import LocalFacilities

TICKET_HEADER = "Sandlot-Page-Ticket"
"""Request header of the streams: who the hub says is asking; see `sandlot_hub.adapters.page_ticket`."""

OfferState = Literal["available", "unavailable", "unknown"]
"""``unknown``: whether it can be started cannot be told at the moment; never shown as available."""


class Reason(WireModel):
    """Why a choice is not available: a stable code and the sentence for people."""

    code: str
    message: str


class Offer(WireModel):
    """One image × size of one profile, for one user, right now."""

    profile: str
    image: str
    size: str
    state: OfferState
    reason: Reason | None = Field(default=None, description="Set when not available, or not known.")
    alternatives: tuple[Alternative, ...] = ()


class OfferList(WireModel):
    """Reply of ``GET /services/offers/api/v1/offers``."""

    user: str
    as_of: str = Field(description="When this was true: UTC, ISO 8601.")
    settings_hash: str
    offers: tuple[Offer, ...]


class ImageOffer(WireModel):
    """An image of one profile, for one user, right now.

    What is inside it is not here: that would be most of every event, for every open page.
    """

    slug: str
    state: OfferState
    reason: Reason | None = Field(default=None, description="Set when not available, or not known.")
    alternatives: tuple[Alternative, ...] = ()


class SizeOffer(WireModel):
    """A size of one profile, for one user, right now."""

    slug: str
    state: OfferState
    reason: Reason | None = Field(default=None, description="Set when not available, or not known.")
    alternatives: tuple[Alternative, ...] = ()
    places: int | None = Field(
        default=None, ge=0, description="Servers of this size that may run at once; None: no limit."
    )
    taken: int | None = Field(
        default=None, ge=0, description="Servers of this size that run; None when not known."
    )


class ProfileOffer(WireModel):
    """A profile, for one user, right now."""

    slug: str
    state: OfferState
    reason: Reason | None = Field(default=None, description="Set when not available, or not known.")
    alternatives: tuple[Alternative, ...] = ()
    places: int | None = Field(
        default=None,
        ge=0,
        description="Servers that may run at once in all its sizes; None: one has no limit.",
    )
    taken: int | None = Field(
        default=None, ge=0, description="Servers that run in all its sizes; None when not known."
    )
    images: tuple[ImageOffer, ...]
    sizes: tuple[SizeOffer, ...]


class PageOffers(WireModel):
    """What an open spawn page shows; event ``offers`` of ``GET …/api/v1/stream``.

    The event ``change`` has the same shape, with the profiles that have changed only.
    """

    as_of: str = Field(description="When this was true: UTC, ISO 8601.")
    age_s: float = Field(ge=0, description="Seconds between `as_of` and the sending of this.")
    known: bool = Field(
        description="Whether availability is known; False: since `as_of` it is not."
    )
    settings_hash: str
    profiles: tuple[ProfileOffer, ...]


class Alive(WireModel):
    """Nothing has changed; event ``alive`` of both streams, every few seconds."""

    as_of: str
    age_s: float = Field(ge=0)
    known: bool


class AvailabilitySnapshot(WireModel):
    """What the installation can do; event ``snapshot`` of ``GET …/api/v1/snapshots``, for the hub."""

    as_of: str = Field(description="When this was true: UTC, ISO 8601.")
    age_s: float = Field(ge=0, description="Seconds between `as_of` and the sending of this.")
    settings_hash: str
    machine: LocalFacilities | None = Field(
        default=None, description="What this machine can do; None when that is not known."
    )
    capacity: CapacityState | None = Field(
        default=None, description="What is free; None when that is not known."
    )
