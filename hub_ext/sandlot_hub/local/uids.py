"""Which uids are free to be given to parts and users: pure decisions and what they rest on."""

from __future__ import annotations

import contextlib
import grp
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import procfs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

BLOCK = 1024
"""Uids are reserved in blocks of this many."""

WINDOWS = (
    range(0x7000_0000, 0x7FFF_F000),
    # A container may map fewer uids than exist.
    range(200_000, 500_000),
    range(20_000, 60_000),
)
"""Where blocks are looked for, best first.

The first lies beyond every range that systemd documents as used, and below 2³¹, where
some programs stop. It is so large that two data directories, which each choose at
random, practically never meet.
"""


class NoUidsError(Exception):
    """No uids are left to give on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "No block of unused user ids was found on this machine (see /proc/self/uid_map), "
            "so users cannot be kept apart. Start Sandlot as an ordinary user instead: all "
            "accounts then share one uid, and everybody who can log in must be trusted."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupied:
    """What stands in the way of a block."""

    mapped: tuple[range, ...]
    """Uids that exist in this user namespace; only these can be given."""
    ranges: tuple[range, ...] = ()
    """Ranges that are somebody's: of containers, of other blocks."""
    ids: frozenset[int] = frozenset()
    """Single uids and gids that are somebody's."""


def may_be_reserved(uid: int) -> bool:
    """Return whether a data directory could have reserved this uid."""
    return any(uid in window for window in WINDOWS)


def choose_block(occupied: Occupied, *, pick: Callable[[int], int]) -> range:
    """Return a free block of uids, chosen by `pick(n)`, which returns a number below `n`.

    Raises
    ------
    NoUidsError
        If no window has a free block.
    """
    for window in WINDOWS:
        if not any(_covers(each, window) for each in occupied.mapped):
            continue
        count = len(window) // BLOCK
        first = pick(count)
        for step in range(count):
            start = window.start + (first + step) % count * BLOCK
            block = range(start, start + BLOCK)
            if _free(block, occupied):
                return block
    raise NoUidsError


def survey() -> Occupied:
    """Return what this machine says of its uids now."""
    ids = {entry.pw_uid for entry in pwd.getpwall()} | {entry.gr_gid for entry in grp.getgrall()}
    ids |= {each.uid for each in procfs.processes().values()}
    ranges = [
        each
        for name in ("subuid", "subgid")
        for each in parse_subordinate(_read(Path("/etc") / name))
    ]
    maps = [parse_map(_read(Path("/proc/self") / name)) for name in ("uid_map", "gid_map")]
    return Occupied(mapped=_common(*maps), ranges=tuple(ranges), ids=frozenset(ids))


def parse_map(text: str) -> tuple[range, ...]:
    """Return the ids that exist here, from ``/proc/self/uid_map``; all when there is no map."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines:
        return (range(2**32 - 1),)
    return tuple(range(int(inside), int(inside) + int(count)) for inside, _, count in lines)


def parse_subordinate(text: str) -> tuple[range, ...]:
    """Return the ranges that ``/etc/subuid`` gives away; lines of another form are passed over."""
    found = []
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            _, start, count = line.split(":")
            found.append(range(int(start), int(start) + int(count)))
    return tuple(found)


def _common(uids: Sequence[range], gids: Sequence[range]) -> tuple[range, ...]:
    pairs = ((a, b) for a in uids for b in gids)
    both = (range(max(a.start, b.start), min(a.stop, b.stop)) for a, b in pairs)
    return tuple(each for each in both if each)


def _covers(outer: range, inner: range) -> bool:
    return outer.start <= inner.start and inner.stop <= outer.stop


def _free(block: range, occupied: Occupied) -> bool:
    return not _overlaps(block, occupied.ranges) and not any(each in block for each in occupied.ids)


def _overlaps(block: range, ranges: Collection[range]) -> bool:
    return any(each.start < block.stop and block.start < each.stop for each in ranges)


def _read(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text()
    return ""
