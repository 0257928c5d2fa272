"""What is available to one user: every image × size of every profile that they are shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from itertools import product
from typing import TYPE_CHECKING

from sandlot_contracts.offers import AVAILABILITY_UNKNOWN, Offer, OfferList, Reason
from sandlot_hub.domain.choices.alternatives import Alternatives
from sandlot_hub.domain.choices.capacity_reasons import RoomState
from sandlot_hub.domain.choices.choice import Choice
from sandlot_hub.domain.choices.room_reasons import wait_reason
from sandlot_hub.domain.choices.sight import Part
from sandlot_hub.domain.choices.viewpoint import Viewpoint
from sandlot_hub.domain.settings.fingerprint import settings_hash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sandlot_contracts.offers import OfferState
    from sandlot_contracts.problem import Alternative
    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.settings.model import SandlotSettings
    from sandlot_hub.domain.values.entitlements import Entitlements


def decide_offers(
    *,
    entitlements: Entitlements,
    settings: SandlotSettings,
    facilities: Facilities,
    now: datetime,
) -> OfferList:
    """Return every image × size that the user is shown, available or with the reason.

    An offer is unavailable exactly when `resolve` refuses it. Alternatives
    are of the same profile only: what other profiles have stands in the same list.

    Raises
    ------
    ValueError
        If `now` has no time zone.
    """
    if now.tzinfo is None:
        msg = "`now` needs a time zone"
        raise ValueError(msg)
    view = Viewpoint(
        entitlements=entitlements, settings=settings, facilities=replace(facilities, now=now)
    )
    return OfferList(
        user=entitlements.user,
        as_of=now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        settings_hash=settings_hash(settings),
        offers=tuple(_every_offer(view)),
    )


def _every_offer(view: Viewpoint) -> Iterator[Offer]:
    offers = _Offers(view)
    for profile in view.profiles():
        for image, size in product(
            view.offered(Part.IMAGE, profile), view.offered(Part.SIZE, profile)
        ):
            yield offers.offer(profile, image, size)


class _Offers:
    """The offers of one user; lives as long as its viewpoint."""

    def __init__(self, view: Viewpoint) -> None:
        self._view = view
        self._alternatives = Alternatives(view)
        # One message for all offers that it is about, of which there are thousands.
        self._reasons: dict[str, Reason] = {}

    def offer(self, profile: str, image: str, size: str) -> Offer:
        view = self._view
        refusal = view.access_reason(profile) or view.pair_reason(profile, image, size)
        choice = Choice(profile=profile, image=image, size=size)
        found: tuple[Alternative, ...] = ()
        reason: Reason | None = None
        state: OfferState = "available"
        if refusal is not None:
            state, reason = "unavailable", self._reason(refusal.code, refusal.message)
            if view.profile_reason(profile) is None:
                found = self._alternatives.nearest_within(profile, choice)
        elif (waits := wait_reason(size, room := view.pair_room(image, size))) is not None:
            state, reason = "wait", self._reason(waits.code, waits.message)
            found = self._alternatives.sooner_within(profile, choice)
        elif room.state is RoomState.UNKNOWN:
            state, reason = "unknown", self._reason(AVAILABILITY_UNKNOWN, room.what)
        return Offer(
            profile=profile,
            image=image,
            size=size,
            state=state,
            reason=reason,
            alternatives=found,
        )

    def _reason(self, code: str, message: str) -> Reason:
        return self._reasons.setdefault(message, Reason(code=code, message=message))
