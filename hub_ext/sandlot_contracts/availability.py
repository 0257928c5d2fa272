"""Which accelerators there are, and how many of them are free: for pages, Lab and programs."""

from __future__ import annotations

from pydantic import Field

from .base import WireModel
from .capacity import CapacityScope, FlavorState
from .offers import Reason


class Holder(WireModel):
    """Somebody who has accelerators of a flavor now."""

    user: str | None = Field(description="Name of the user; None: other work in the cluster.")
    count: int = Field(ge=1)


class FlavorAvailability(WireModel):
    """One flavor, right now."""

    slug: str
    display_name: str
    state: FlavorState | None = Field(default=None, description="None when it is not known.")
    missing: str | None = Field(
        default=None, description="Why this machine has none, a sentence; None when it has some."
    )
    holders: tuple[Holder, ...] | None = Field(
        default=None, description="Who has them, most first; None when the caller may not know."
    )


class Availability(WireModel):
    """Reply of ``GET /services/offers/api/v1/availability``."""

    as_of: str = Field(description="When this was true: UTC, ISO 8601.")
    age_s: float = Field(ge=0, description="Seconds between `as_of` and the sending of this.")
    known: bool = Field(description="Whether it is known; False: since `as_of` it is not.")
    counting: bool = Field(
        default=False,
        description="Whether what is free is still being counted for the first time, so not known.",
    )
    settings_hash: str
    scope: CapacityScope | None = Field(
        default=None, description="What was counted; None when it is not known."
    )
    reason: Reason | None = Field(default=None, description="Why there are no numbers.")
    flavors: tuple[FlavorAvailability, ...]
    unknown_flavor: dict[str, int] | None = Field(
        default=None,
        description="Accelerators that belong to no flavor, by the name of their resource; None"
        " for everybody but administrators.",
    )


class AvailabilityNews(WireModel):
    """Event ``availability`` of ``GET …/api/v1/availability/stream``, for the open page."""

    as_of: str = Field(description="When this was true: UTC, ISO 8601.")
    age_s: float = Field(ge=0, description="Seconds between `as_of` and the sending of this.")
    known: bool
    counting: bool = Field(
        default=False,
        description="Whether what is free is still being counted for the first time, so not known.",
    )
    settings_hash: str
    html: str = Field(description="What the page shows between its title and its end.")
