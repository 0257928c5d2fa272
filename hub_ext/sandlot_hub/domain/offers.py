"""What is available to one user: every image × size of every profile that they are shown."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from sandlot_contracts.offers import Offer, OfferList, Reason

from .alternatives import nearest_within
from .choice import Choice
from .fingerprint import settings_hash
from .viewpoint import Part, Viewpoint

if TYPE_CHECKING:
    from datetime import datetime

    from .entitlements import Entitlements
    from .facilities import Facilities
    from .refusals import Refused
    from .settings import SandlotSettings


def decide_offers(
    *,
    entitlements: Entitlements,
    settings: SandlotSettings,
    facilities: Facilities,
    now: datetime,
) -> OfferList:
    """Return every image × size that the user is shown, available or with the reason.

    An offer is available exactly when `resolve` makes a plan of it. Alternatives
    are of the same profile only: what other profiles have stands in the same list.

    Raises
    ------
    ValueError
        If `now` has no time zone.
    """
    if now.tzinfo is None:
        msg = "`now` needs a time zone"
        raise ValueError(msg)
    view = Viewpoint(entitlements=entitlements, settings=settings, facilities=facilities)
    return OfferList(
        user=entitlements.user,
        as_of=now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        settings_hash=settings_hash(settings),
        offers=tuple(
            _offer(view, profile, image, size)
            for profile in view.profiles()
            for image in view.offered(Part.IMAGE, profile)
            for size in view.offered(Part.SIZE, profile)
        ),
    )


def _offer(view: Viewpoint, profile: str, image: str, size: str) -> Offer:
    refusal = _why_off(view, profile, image, size)
    if refusal is None:
        return Offer(profile=profile, image=image, size=size, state="available")
    startable = view.profile_reason(profile) is None
    choice = Choice(profile=profile, image=image, size=size)
    return Offer(
        profile=profile,
        image=image,
        size=size,
        state="unavailable",
        reason=Reason(code=refusal.code, message=refusal.message),
        alternatives=nearest_within(view, profile, choice) if startable else (),
    )


def _why_off(view: Viewpoint, profile: str, image: str, size: str) -> Refused | None:
    """Return what `resolve` would refuse the combination with."""
    refusal = view.access_reason(profile)
    if refusal is not None:
        return refusal
    if view.pick(profile, image, size) is None:
        return view.why_not(profile, image, size)
    return None
