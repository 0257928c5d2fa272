"""What stands beside a size and a profile, in few words: ``5 of 12 free``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_contracts.offers import OfferWords
from sandlot_hub.domain.choices.capacity_reasons import RoomState
from sandlot_hub.domain.choices.room_reasons import FULL
from sandlot_hub.domain.values.refusals import RefusalCode

from .shown import NOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandlot_contracts.capacity import FlavorState
    from sandlot_hub.domain.choices.capacity_reasons import SizeRoom
    from sandlot_hub.domain.settings.model import SizeSettings
    from sandlot_hub.domain.values.refusals import Refused

    from .shown import ProfileSummary, VisibleChoice

    _Size = VisibleChoice[SizeSettings]

_FEW = 4
"""A quarter of them or less is few."""

_OPEN = OfferWords(mark="open", text="available")
_FULL = OfferWords(mark="full", text="full")
_OFF = OfferWords(mark="off", text="not available")
_UNKNOWN = OfferWords(mark="unknown", text="not known")


def image_words(refusal: Refused | None) -> OfferWords:
    """Return whether an image can be started; nothing when it can, as most can."""
    return NOTHING if refusal is None else _OFF


def place_words(places: int | None, taken: int | None) -> OfferWords:
    """Return how many servers can still be started.

    Parameters
    ----------
    places
        How many may run at once; None without a limit.
    taken
        How many run; None when that is not known, which is never told as free.
    """
    if places is None:
        return _OPEN
    if taken is None:
        return _UNKNOWN
    return _free_of(max(0, places - taken), places)


def size_words(
    size: SizeSettings, refusal: Refused | None, room: SizeRoom, *, taken: int | None
) -> OfferWords:
    """Return what stands beside a size, as one user sees it.

    Parameters
    ----------
    size
        Its settings.
    refusal
        Why it is off; None when it is not.
    room
        Whether there is room for one more server of it.
    taken
        Servers of it that run; None when that is not known, or does not count.
    """
    if refusal is not None:
        return _of_refused(refusal.code, room)
    if room.state is RoomState.UNCOUNTED:
        return place_words(size.max_running, taken)
    if room.rank:
        return OfferWords(mark="wait", text=room.brief)
    return _UNKNOWN if room.state is RoomState.UNKNOWN else _of_fitting(size, room, taken)


def _of_refused(code: RefusalCode, room: SizeRoom) -> OfferWords:
    if code is RefusalCode.SIZE_FULL:
        return _FULL
    if code not in FULL and code is not RefusalCode.SIZE_NEVER_FITS:
        return _OFF
    return OfferWords(mark="full" if code in FULL else "off", text=room.brief)


def _of_fitting(size: SizeSettings, room: SizeRoom, taken: int | None) -> OfferWords:
    """Return what stands beside a size that there is room for: what there is least of."""
    places, wanted = size.max_running, size.accelerator
    left = None if places is None or taken is None else places - taken
    fits = 0 if room.size is None else room.size.fits
    if room.flavor is None or wanted is None or (left is not None and left < fits):
        return place_words(places, taken)
    words = _flavor_words(room.flavor)
    if wanted.count == 1:
        return words
    return OfferWords(mark="few" if fits == 1 else words.mark, text="fits now")


def profile_words(
    refusal: Refused | None, sizes: Sequence[_Size], summary: ProfileSummary
) -> OfferWords:
    """Return what stands beside a profile: the best of its sizes."""
    if refusal is not None:
        return _of_full(sizes)
    on = [size for size in sizes if size.refusal is None and size.room is not None]
    rooms = [size.room for size in on if size.room is not None]
    if not rooms:
        return place_words(summary.places, summary.taken)
    if all(room.rank for room in rooms):
        soonest = min(rooms, key=lambda room: room.rank)
        return OfferWords(mark="wait", text=soonest.brief)
    if all(room.state is RoomState.UNKNOWN for room in rooms):
        return _UNKNOWN
    counted = [size for size in sizes if size.refusal is None or size.refusal.code in FULL]
    flavors = {size.entry.accelerator and size.entry.accelerator.flavor for size in counted}
    states = [room.flavor for room in rooms if room.flavor is not None]
    if len(flavors) == 1 and states and summary.places is None:
        return _flavor_words(states[0])
    return place_words(summary.places, summary.taken)


def _of_full(sizes: Sequence[_Size]) -> OfferWords:
    """Return what stands beside a profile of which nothing can be started."""
    full = [size for size in sizes if size.refusal is not None and size.refusal.code in FULL]
    if not full or any(size.refusal is None for size in sizes):
        return _OFF
    return next((size.words for size in full if size.words != _FULL), _FULL)


def _flavor_words(flavor: FlavorState) -> OfferWords:
    return _free_of(flavor.free, flavor.total)


def _free_of(free: int, total: int) -> OfferWords:
    if free == 0:
        return _FULL
    is_few = free == 1 or free * _FEW <= total
    return OfferWords(mark="few" if is_few else "free", text=f"{free} of {total} free")
