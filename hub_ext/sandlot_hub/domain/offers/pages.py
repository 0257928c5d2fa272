"""What an open spawn page is told: which choices can be started now, and who sees the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sandlot_contracts.offers import (
    AVAILABILITY_UNKNOWN,
    ImageOffer,
    OfferState,
    ProfileOffer,
    Reason,
    Room,
    SizeOffer,
)
from sandlot_hub.domain.choices.capacity_reasons import RoomState
from sandlot_hub.domain.settings.access import is_allowed

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from sandlot_contracts.offers import OfferWords
    from sandlot_hub.domain.choices.capacity_reasons import SizeRoom
    from sandlot_hub.domain.settings.model import SandlotSettings, SizeSettings
    from sandlot_hub.domain.values.entitlements import Entitlements
    from sandlot_hub.domain.values.refusals import Refused

    from .shown import VisibleChoice, VisibleProfile

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
    if offer.state != "unavailable":
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
        words=_words(profile.words, profile.summary.places, profile.summary.taken),
        images=tuple(
            ImageOffer(
                slug=image.slug,
                state=_state(image.refusal),
                reason=_reason(image.refusal),
                alternatives=profile.alternatives_to(image),
            )
            for image in profile.images
        ),
        sizes=tuple(_size_offer(size, profile) for size in profile.sizes),
    )


def _size_offer(size: VisibleChoice[SizeSettings], profile: VisibleProfile) -> SizeOffer:
    state, reason = _state(size.refusal), _reason(size.refusal or size.waits)
    if size.refusal is None and size.room is not None:
        if size.waits is not None:
            state = "wait"
        elif size.room.state is RoomState.UNKNOWN:
            state, reason = "unknown", Reason(code=AVAILABILITY_UNKNOWN, message=size.room.what)
    return SizeOffer(
        slug=size.slug,
        state=state,
        reason=reason,
        alternatives=profile.alternatives_to(size),
        places=size.places,
        taken=size.taken,
        room=_room(size.room),
        words=_words(size.words, size.places, size.taken),
    )


def _room(room: SizeRoom | None) -> Room | None:
    if room is None or room.size is None:
        return None
    if room.flavor is None:
        return Room(fits=room.size.fits)
    counted = room.flavor.model_dump(include=set(Room.model_fields))
    return Room(fits=room.size.fits, **counted)


def _words(words: OfferWords, places: int | None, taken: int | None) -> OfferWords | None:
    """Return the words, if they can be said where nobody counts the servers that run."""
    is_uncounted = words.mark == "unknown" and places is not None and taken is None
    return None if is_uncounted else words


def _state(refusal: Refused | None) -> OfferState:
    return "available" if refusal is None else "unavailable"


def _reason(refusal: Refused | None) -> Reason | None:
    return None if refusal is None else Reason(code=refusal.code, message=refusal.message)
