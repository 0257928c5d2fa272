"""Why there is no room for a size, in words: a sentence, and a few words for a page.

Durations are whole minutes, so that a page that is told again does not flicker.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sandlot_hub.domain.values.names import printable
from sandlot_hub.domain.values.units import format_cpus, format_memory

if TYPE_CHECKING:
    from sandlot_contracts.capacity import CapacityScope, FlavorState, Lack
    from sandlot_hub.domain.settings.model import SandlotSettings, SizeSettings

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

Told = tuple[str, str]
"""A few words, and the sentence that says the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What there is no room for."""

    accelerator: str
    """Name of its accelerators; empty when it needs none."""
    count: int
    """How many of them."""
    cpus: str
    memory: str
    here: str
    """``on one node``, or ``on this machine``."""
    machine: bool
    """Whether there is one machine only."""


def describe(size: SizeSettings, settings: SandlotSettings, *, scope: CapacityScope) -> Subject:
    """Return what a size needs, in words."""
    wanted = size.accelerator
    name = "" if wanted is None else printable(settings.accelerators[wanted.flavor].display_name)
    return Subject(
        accelerator=name,
        count=0 if wanted is None else wanted.count,
        cpus=format_cpus(size.cpus),
        memory=format_memory(size.memory),
        here="on this machine" if scope == "machine" else "on one node",
        machine=scope == "machine",
    )


def busy(subject: Subject, lack: Lack, flavor: FlavorState | None, *, oldest: str) -> Told:
    """Return what is short now.

    Parameters
    ----------
    subject
        What there is no room for.
    lack
        What is short first.
    flavor
        Its accelerators; None when it needs none.
    oldest
        How long the first of those who wait does, see `age`.
    """
    if flavor is None:
        return _no_room(subject, lack)
    queue = _queue(flavor, oldest)
    match lack:
        case "accelerator":
            return _few(subject, flavor, queue, oldest)
        case "block":
            least = f"The largest free block of {subject.accelerator} is {flavor.largest_block}"
            free = _in_brackets([f"{flavor.free} of {flavor.total} are free", *queue])
            return (
                f"largest free block is {flavor.largest_block}",
                f"{least}, and this size needs {subject.count} {subject.here} {free}.",
            )
        case "node" if flavor.total == 0:
            about = f" {_in_brackets(queue)}" if queue else ""
            return "none here now", f"There is no {subject.accelerator} here now{about}."
        case "node":
            down = [f"{flavor.down} are on nodes that are down"] if flavor.down else []
            about = _in_brackets([f"{flavor.used} of {flavor.total} in use", *down, *queue])
            return (
                "its nodes are down",
                f"No node with {subject.accelerator} can be used now {about}.",
            )
        case _:
            return _no_room_beside(subject, lack, flavor)


def never(subject: Subject, lack: Lack, flavor: FlavorState | None) -> Told:
    """Return that a size fits nowhere, whoever else is there."""
    if flavor is not None and flavor.total == 0:
        return "there is none", f"There is no {subject.accelerator} here."
    if subject.machine:
        return "larger than this machine", "This machine can never hold this size."
    needs = f"{subject.cpus} CPU and {subject.memory} of memory"
    if flavor is not None:
        needs = f"{subject.count} × {subject.accelerator} with {needs}"
    # Without a usable node it is not known whether one would be too small.
    brief = "no node for it" if lack == "node" else "larger than any node"
    return brief, f"No node can ever hold this size: {needs}."


def added(seconds: float | None) -> Told:
    """Return that the cluster may add what is short.

    Parameters
    ----------
    seconds
        How long that usually takes; None when it is not known.
    """
    if seconds is None:
        return "a node can be added", "But a node can be added."
    takes = minutes(max(_MINUTE, math.ceil(seconds / _MINUTE) * _MINUTE))
    return (
        f"a node can be added, usually {takes}",
        f"But a node can be added, which usually takes {takes}.",
    )


def cannot_count(subject: str) -> str:
    """Return that what is free is not known, though starts are."""
    what = f"How many {printable(subject)} are free" if subject else "What is free"
    return (
        f"{what} cannot be counted here. Next: start the server; while it waits, the page says "
        "what for."
    )


def age(since: str | None, now: datetime | None) -> str:
    """Return how long something lasts, such as ``12 min``; empty when that is not known.

    Parameters
    ----------
    since
        When it began: ISO 8601, with a time zone.
    now
        The time; None leaves it out.
    """
    if since is None or now is None:
        return ""
    try:
        began = datetime.fromisoformat(since)
    except ValueError:
        return ""
    if began.tzinfo is None:
        return ""
    return minutes((now - began).total_seconds())


def minutes(seconds: float) -> str:
    """Return a duration in whole minutes: ``under 1 min``, ``12 min``, ``2 h 10 min``, ``3 d``."""
    if seconds < _MINUTE:
        return "under 1 min"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min"
    if seconds < _DAY:
        hours, rest = divmod(int(seconds), _HOUR)
        return f"{hours} h {rest // _MINUTE} min" if rest >= _MINUTE else f"{hours} h"
    return f"{int(seconds // _DAY)} d"


def _few(subject: Subject, flavor: FlavorState, queue: list[str], oldest: str) -> Told:
    """Return that fewer accelerators are free than a size needs."""
    waiting = [f"{flavor.waiting} waiting"] if flavor.waiting else []
    if waiting and oldest:
        waiting.append(f"oldest {oldest}")
    down = [f"{flavor.down} on nodes that are down"] if flavor.down else []
    about = _in_brackets([f"{flavor.used} of {flavor.total} in use", *down, *queue])
    if flavor.free == 0:
        lost = [f"{flavor.down} down"] if flavor.down else []
        brief = ", ".join(["none free", *lost, *waiting])
        return brief, f"No {subject.accelerator} is free {about}."
    brief = ", ".join([f"only {flavor.free} of {flavor.total} free", *waiting])
    are = "is" if flavor.free == 1 else "are"
    return brief, (
        f"Only {flavor.free} {subject.accelerator} {are} free, and this size needs "
        f"{subject.count} {about}."
    )


def _no_room(subject: Subject, lack: Lack) -> Told:
    """Return that a size without accelerators has no room."""
    nowhere = "This machine does not have" if subject.machine else "No node has"
    match lack:
        case "cpus":
            return "not enough CPU free", f"{nowhere} {subject.cpus} CPU free."
        case "memory":
            return "not enough memory free", f"{nowhere} {subject.memory} of memory free."
        case "servers":
            return "no room for more servers", "There is no room for one more server."
        case _:
            return "no room now", "Nothing that this size could run on can be used now."


def _no_room_beside(subject: Subject, lack: Lack, flavor: FlavorState) -> Told:
    """Return that accelerators are free, without what else a size needs."""
    match lack:
        case "cpus":
            short, needs = "not enough CPU", f"{subject.cpus} CPU"
        case "memory":
            short, needs = "not enough memory", f"{subject.memory} of memory"
        case _:
            short, needs = "no room for a server", "room for one more server"
    are, them = ("is", "it") if flavor.free == 1 else ("are", "them")
    free = f"{flavor.free} {subject.accelerator} {are} free"
    return f"{short} beside {them}", f"{free}, but not with {needs} beside {them} {subject.here}."


def _queue(flavor: FlavorState, oldest: str) -> list[str]:
    if not flavor.waiting:
        return []
    others = "1 other" if flavor.waiting == 1 else f"{flavor.waiting} others"
    since = [f"the oldest {oldest}"] if oldest and flavor.waiting > 1 else []
    alone = f" for {oldest}" if oldest and flavor.waiting == 1 else ""
    return [f"{others} waiting{alone}", *since]


def _in_brackets(parts: list[str]) -> str:
    return f"({', '.join(parts)})"
