"""What is available to whom: the replies of the offers service."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import WireModel
from .problem import Alternative

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
