"""What is available to one user: every image × size of every profile that they are shown."""

from __future__ import annotations

from datetime import UTC
from itertools import product
from typing import TYPE_CHECKING

from sandlot_contracts.offers import Offer, OfferList, Reason

from .alternatives import Alternatives
from .choice import Choice
from .fingerprint import settings_hash
from .sight import Part
from .viewpoint import Viewpoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from .entitlements import Entitlements
    from .facilities import Facilities
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
        offers=tuple(_every_offer(view)),
    )


def _every_offer(view: Viewpoint) -> Iterator[Offer]:
    alternatives = Alternatives(view)
    # One message for all offers that it is about, of which there are thousands.
    reasons: dict[str, Reason] = {}
    for profile in view.profiles():
        closed = view.access_reason(profile)
        is_startable = view.profile_reason(profile) is None
        for image, size in product(
            view.offered(Part.IMAGE, profile), view.offered(Part.SIZE, profile)
        ):
            refusal = closed or view.pair_reason(image, size)
            if refusal is None:
                yield Offer(profile=profile, image=image, size=size, state="available")
                continue
            if refusal.message not in reasons:
                reasons[refusal.message] = Reason(code=refusal.code, message=refusal.message)
            choice = Choice(profile=profile, image=image, size=size)
            yield Offer(
                profile=profile,
                image=image,
                size=size,
                state="unavailable",
                reason=reasons[refusal.message],
                alternatives=alternatives.nearest_within(profile, choice) if is_startable else (),
            )
