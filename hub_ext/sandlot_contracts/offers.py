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

AVAILABILITY_UNKNOWN = "availability-unknown"
"""Code of the reason why something is ``unknown``."""

OfferState = Literal["available", "wait", "unavailable", "unknown"]
"""``wait``: it can be started, and then waits for what is not free now. ``unknown``: whether it can
be started at once cannot be told at the moment; never shown as available."""

OfferMark = Literal["", "open", "free", "few", "wait", "full", "off", "unknown"]
"""How much there is of a choice, for a mark and a colour: ``open`` where nothing is counted,
``few`` of the last ones, ``wait`` for what can be waited for."""


class Reason(WireModel):
    """Why a choice is not available: a stable code and the sentence for people."""

    code: str
    message: str


class OfferWords(WireModel):
    """What stands beside a choice, such as ``5 of 12 free``."""

    mark: OfferMark
    text: str = Field(description="A few words; empty where there is nothing to say.")


class Room(WireModel):
    """What is counted for a size. Accelerators are those of its flavor."""

    fits: int = Field(ge=0, description="Servers of this size that there is room for now.")
    free: int | None = Field(
        default=None, ge=0, description="Accelerators that nobody holds; None: it needs none."
    )
    total: int | None = Field(default=None, ge=0, description="Accelerators that there are.")
    largest_block: int | None = Field(
        default=None, ge=0, description="The most accelerators that are free on one node."
    )
    waiting: int | None = Field(
        default=None, ge=0, description="Servers, jobs and others that wait for accelerators."
    )
    oldest_waiting: str | None = Field(
        default=None, description="Since when the first of them waits: UTC, ISO 8601."
    )
    may_grow: int | None = Field(
        default=None, ge=0, description="Accelerators that may be added; None when not known."
    )
    growth_takes_s: float | None = Field(
        default=None, ge=0, description="How long adding a node usually takes; None: not known."
    )


class Offer(WireModel):
    """One image × size of one profile, for one user, right now."""

    profile: str
    image: str
    size: str
    state: OfferState
    reason: Reason | None = Field(default=None, description="Set when not available at once.")
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
    reason: Reason | None = Field(default=None, description="Set when not available at once.")
    alternatives: tuple[Alternative, ...] = ()


class SizeOffer(WireModel):
    """A size of one profile, for one user, right now."""

    slug: str
    state: OfferState
    reason: Reason | None = Field(default=None, description="Set when not available at once.")
    alternatives: tuple[Alternative, ...] = ()
    places: int | None = Field(
        default=None, ge=0, description="Servers of this size that may run at once; None: no limit."
    )
    taken: int | None = Field(
        default=None, ge=0, description="Servers of this size that run; None when not known."
    )
    room: Room | None = Field(default=None, description="What is free; None when not known.")
    words: OfferWords | None = Field(
        default=None, description="What stands beside it; None: nobody here can say it."
    )


class ProfileOffer(WireModel):
    """A profile, for one user, right now."""

    slug: str
    state: OfferState
    reason: Reason | None = Field(default=None, description="Set when not available at once.")
    alternatives: tuple[Alternative, ...] = ()
    places: int | None = Field(
        default=None,
        ge=0,
        description="Servers that may run at once in all its sizes; None: one has no limit.",
    )
    taken: int | None = Field(
        default=None, ge=0, description="Servers that run in all its sizes; None when not known."
    )
    words: OfferWords | None = Field(
        default=None, description="What stands beside it; None: nobody here can say it."
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
    counting: bool = Field(
        default=False,
        description="Whether what is free is still being counted for the first time, so not known.",
    )
    settings_hash: str
    profiles: tuple[ProfileOffer, ...]


class Alive(WireModel):
    """Nothing has changed; event ``alive`` of both streams, every few seconds."""

    as_of: str
    age_s: float = Field(ge=0)
    known: bool
    counting: bool = Field(
        default=False,
        description="Whether what is free is still being counted for the first time, so not known.",
    )


class AvailabilitySnapshot(WireModel):
    """What the installation can do; event ``snapshot`` of ``GET …/api/v1/snapshots``, for the hub."""

    as_of: str = Field(description="When this was true: UTC, ISO 8601.")
    age_s: float = Field(ge=0, description="Seconds between `as_of` and the sending of this.")
    settings_hash: str
    known: bool = Field(
        default=True, description="Whether it is known at all; False: since `as_of` it is not."
    )
    machine: LocalFacilities | None = Field(
        default=None, description="What this machine can do; None when that is not known."
    )
    capacity: CapacityState | None = Field(
        default=None, description="What is free; None when that is not known."
    )
