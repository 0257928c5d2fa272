"""Whether there is room for one more server of a size, and what to say of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from sandlot_hub.domain.values.refusals import RefusalCode

from .capacity_words import added, age, busy, cannot_count, describe, never

if TYPE_CHECKING:
    from datetime import datetime

    from sandlot_contracts.capacity import FlavorState, Lack, SizeState
    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.settings.model import SandlotSettings, SizeSettings, WhenFull

    from .capacity_words import Subject


class RoomState(Enum):
    """How a start of a size would go."""

    UNCOUNTED = "uncounted"
    """Nothing is counted that this size needs."""
    FREE = "free"
    UNKNOWN = "unknown"
    """It is counted, but not known."""
    GROWING = "growing"
    """Nothing is free, and the cluster may add what it needs."""
    FULL = "full"
    NEVER = "never"
    """It would not fit if nobody else was there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRoom:
    """What the capacity means for one size."""

    state: RoomState
    brief: str = ""
    """Why it does not fit now, in few words: ``none free, 3 waiting, oldest 12 min``."""
    what: str = ""
    """The same as a sentence."""
    code: RefusalCode = RefusalCode.ROOM_TOO_SMALL
    """Stable code of the reason, when it does not fit now."""
    size: SizeState | None = None
    """As counted; None when it is not."""
    flavor: FlavorState | None = None
    """Its accelerators as counted; None when it needs none, and when they are not."""
    queued: bool = True
    """Whether a start without room waits at all: on one machine there is no queue."""

    @property
    def rank(self) -> int:
        """How soon a start would be served: at once 0, or not known, then 1 and 2."""
        match self.state:
            case RoomState.GROWING:
                return 1
            case RoomState.FULL | RoomState.NEVER:
                return 2
            case _:
                return 0


_CODES: dict[Lack, RefusalCode] = {
    "accelerator": RefusalCode.ACCELERATORS_BUSY,
    "block": RefusalCode.BLOCK_TOO_SMALL,
    "node": RefusalCode.NODES_DOWN,
}


def find_room(
    slug: str, size: SizeSettings, *, settings: SandlotSettings, facilities: Facilities
) -> SizeRoom:
    """Return whether there is room for one more server of a size."""
    capacity, wanted = facilities.capacity, size.accelerator
    counted = None if capacity is None else capacity.sizes.get(slug)
    subject = describe(size, settings, scope="cluster" if capacity is None else capacity.scope)
    if capacity is None or counted is None:
        return uncounted_room(size, settings)
    flavor = None if wanted is None else capacity.flavors.get(wanted.flavor)
    if counted.fits > 0:
        return SizeRoom(state=RoomState.FREE, size=counted, flavor=flavor)
    lack: Lack = counted.lacking[0] if counted.lacking else "unknown"
    if wanted is not None and flavor is None:
        return SizeRoom(state=RoomState.UNKNOWN, what=cannot_count(subject.accelerator))
    if counted.fits_ever and lack == "unknown":
        return SizeRoom(state=RoomState.UNKNOWN, what=cannot_count(subject.accelerator))
    told = _tell(subject, counted, lack, flavor, now=facilities.now)
    return replace(told, size=counted, flavor=flavor, queued=not subject.machine)


def uncounted_room(size: SizeSettings, settings: SandlotSettings) -> SizeRoom:
    """Return what is said of a size where nobody counts what fits; nothing is refused for it."""
    accelerator = describe(size, settings, scope="cluster").accelerator
    state = RoomState.UNKNOWN if accelerator else RoomState.UNCOUNTED
    return SizeRoom(state=state, what=cannot_count(accelerator))


def _tell(
    subject: Subject,
    counted: SizeState,
    lack: Lack,
    flavor: FlavorState | None,
    *,
    now: datetime | None,
) -> SizeRoom:
    """Return why a size does not fit now, in words."""
    if not counted.fits_ever:
        brief, what = never(subject, lack, flavor)
        code = RefusalCode.SIZE_NEVER_FITS
        return SizeRoom(state=RoomState.NEVER, brief=brief, what=what, code=code)
    oldest = age(None if flavor is None else flavor.oldest_waiting, now)
    brief, what = busy(subject, lack, flavor, oldest=oldest)
    code = _CODES.get(lack, RefusalCode.ROOM_TOO_SMALL)
    if flavor is None or not _may_grow(flavor):
        return SizeRoom(state=RoomState.FULL, brief=brief, what=what, code=code)
    more, sentence = added(flavor.growth_takes_s)
    return SizeRoom(
        state=RoomState.GROWING, brief=f"{brief}: {more}", what=f"{what} {sentence}", code=code
    )


def _may_grow(flavor: FlavorState) -> bool:
    """Return whether the cluster may add accelerators; a start is what makes it add them."""
    if flavor.may_grow is None:
        return flavor.growth_takes_s is not None
    return flavor.may_grow > 0


def may_start(room: SizeRoom, size: SizeSettings, when_full: WhenFull | None) -> bool:
    """Return whether a start is let in, at once or to wait.

    Parameters
    ----------
    room
        See `find_room`.
    size
        The size.
    when_full
        What the profile says.
    """
    # Nodes without accelerators may be added by whoever runs the cluster, who tells nobody.
    is_asked = when_full == "wait" or (when_full is None and size.accelerator is None)
    waits = room.queued and is_asked
    match room.state:
        case RoomState.FULL:
            return waits
        case RoomState.NEVER:
            return waits and size.accelerator is None
        case _:
            return True
