"""Why there is no room for a size, or a whole profile, as a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_hub.domain.values.refusals import RefusalCode

from .capacity_reasons import RoomState, may_start
from .reasons import CONFLICT, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandlot_hub.domain.settings.model import SizeSettings, WhenFull
    from sandlot_hub.domain.values.refusals import Refused

    from .capacity_reasons import SizeRoom

FULL = frozenset(
    {
        RefusalCode.SIZE_FULL,
        RefusalCode.ACCELERATORS_BUSY,
        RefusalCode.BLOCK_TOO_SMALL,
        RefusalCode.ROOM_TOO_SMALL,
        RefusalCode.NODES_DOWN,
    }
)
"""Reasons that pass: a size is off for them until somebody else has ended."""


def room_reason(
    slug: str, size: SizeSettings, room: SizeRoom, when_full: WhenFull | None
) -> Refused | None:
    """Return why a size has no room now, None when it has, or may be waited for.

    Parameters
    ----------
    slug
        The size.
    size
        Its settings.
    room
        What the capacity means for it.
    when_full
        What becomes of starts without room in the profile that is asked about.
    """
    if may_start(room, size, when_full):
        return None
    never = room.state is RoomState.NEVER
    later = "" if never else ", or try again later"
    return refuse(
        room.code,
        f"{room.what} Next: choose another size{later}.",
        field="size",
        params={"size": slug, **room_numbers(room)},
        status=CONFLICT,
    )


def wait_reason(slug: str, room: SizeRoom) -> Refused | None:
    """Return what a start of a size would wait for, None when it would not.

    A value of the same kind as what is refused, for those who may start it all the same.
    """
    if not room.rank:
        return None
    return refuse(
        room.code,
        f"{room.what} Next: start the server and wait, or choose another size.",
        field="size",
        params={"size": slug, **room_numbers(room)},
        status=CONFLICT,
    )


def room_numbers(room: SizeRoom) -> dict[str, int]:
    """Return what is counted, for those who make a sentence of their own of a code."""
    flavor = room.flavor
    if flavor is None:
        return {}
    # By name: a page asks this for every size that is full.
    return {
        "total": flavor.total,
        "down": flavor.down,
        "used": flavor.used,
        "free": flavor.free,
        "largest_block": flavor.largest_block,
        "waiting": flavor.waiting,
    }


def why_full(reasons: Sequence[Refused]) -> str:
    """Return why a profile none of whose sizes is on is full, and what next; empty when it is not.

    Sizes that are off for good do not count. Of several the first one without room tells.
    """
    full = [reason for reason in reasons if reason.code in FULL]
    if not full:
        return ""
    telling = (reason for reason in full if reason.code is not RefusalCode.SIZE_FULL)
    reason = next(telling, None)
    if reason is None:
        return "All its places are taken. Choose another profile, or try again later."
    what = reason.message.partition(" Next: ")[0]
    return f"{what} Next: choose another profile, or try again later."
