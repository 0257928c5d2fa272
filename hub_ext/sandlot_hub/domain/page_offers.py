"""What an open spawn page is told: which choices can be started now, and who sees the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sandlot_contracts.offers import ImageOffer, OfferState, ProfileOffer, Reason, SizeOffer

from .access import is_allowed

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from .entitlements import Entitlements
    from .refusals import Refused
    from .settings import SandlotSettings
    from .visibility import VisibleProfile

OfferT = TypeVar("OfferT", ProfileOffer, ImageOffer, SizeOffer)


def page_offers(profiles: Sequence[VisibleProfile]) -> tuple[ProfileOffer, ...]:
    """Return what `visible` shows a user, as it is sent to an open page."""
    return tuple(_profile_offer(profile) for profile in profiles)


def changed(
    before: Sequence[ProfileOffer], after: Sequence[ProfileOffer]
) -> tuple[ProfileOffer, ...]:
    """Return the profiles of `after` that are not in `before` as they are now.

    A profile that is gone is not told of: what people see of the catalogue changes
    with the settings only, and with them every page is loaded anew.
    """
    known = {offer.slug: offer for offer in before}
    return tuple(offer for offer in after if known.get(offer.slug) != offer)


def without_facilities(
    offers: Sequence[ProfileOffer], *, reason: Reason
) -> tuple[ProfileOffer, ...]:
    """Return offers for when it is not known what can be started.

    What the settings refuse stays refused. Everything else is unknown, with
    `reason`; nothing is offered in its place, because that is not known either.

    Parameters
    ----------
    offers
        Decided with facilities of which nothing is known.
    reason
        Why it is not known.
    """
    return tuple(
        _unknown(offer, reason).model_copy(
            update={
                "images": tuple(_unknown(image, reason) for image in offer.images),
                "sizes": tuple(_unknown(size, reason) for size in offer.sizes),
            }
        )
        for offer in offers
    )


def _unknown(offer: OfferT, reason: Reason) -> OfferT:
    if offer.state == "available":
        return offer.model_copy(update={"state": "unknown", "reason": reason})
    return offer.model_copy(update={"alternatives": ()})


def audience_key(entitlements: Entitlements, settings: SandlotSettings) -> Hashable:
    """Return what two users share who see exactly the same.

    That is which of the catalogue's rules of access let them in: `visible` returns
    the same for two users of equal keys. Keys of different settings cannot be compared.
    """
    rules = dict.fromkeys(e.allow for e in settings.entries if e.allow.groups or e.allow.users)
    return tuple(is_allowed(rule, entitlements) for rule in rules)


def _profile_offer(profile: VisibleProfile) -> ProfileOffer:
    return ProfileOffer(
        slug=profile.slug,
        state=_state(profile.refusal),
        reason=_reason(profile.refusal),
        alternatives=profile.alternatives,
        places=profile.summary.places,
        taken=profile.summary.taken,
        images=tuple(
            ImageOffer(
                slug=image.slug,
                state=_state(image.refusal),
                reason=_reason(image.refusal),
                alternatives=image.alternatives,
            )
            for image in profile.images
        ),
        sizes=tuple(
            SizeOffer(
                slug=size.slug,
                state=_state(size.refusal),
                reason=_reason(size.refusal),
                alternatives=size.alternatives,
                places=size.places,
                taken=size.taken,
            )
            for size in profile.sizes
        ),
    )


def _state(refusal: Refused | None) -> OfferState:
    return "available" if refusal is None else "unavailable"


def _reason(refusal: Refused | None) -> Reason | None:
    return None if refusal is None else Reason(code=refusal.code, message=refusal.message)
