"""What the availability page says of each flavor: numbers with their words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sandlot_contracts.availability import Availability, FlavorAvailability, Holder
    from sandlot_contracts.capacity import CapacityScope, FlavorState

Kind = Literal["used", "free", "down", "waiting"]

NAMED = 20
"""How many people a flavor names at most."""
_MINUTE = 60
_HOUR = 60 * _MINUTE
_IN_MINUTES = 90
"""Seconds from which on a duration is told in minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of a bar, in accelerators."""

    kind: Kind
    start: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number with its words, beside the part of the bar that it stands for."""

    kind: Kind
    text: str
    since: str = ""
    """Since when: UTC, ISO 8601; empty where that says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlavorView:
    """One flavor."""

    slug: str
    name: str
    mark: Literal["free", "full", "unknown"]
    headline: str
    length: int
    """Of the bar, in accelerators; 0: there is none."""
    bar: tuple[Segment, ...]
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityView:
    """The part of the page that changes."""

    notice: str
    """Why there are no numbers; empty when there are."""
    flavors: tuple[FlavorView, ...]
    strays: tuple[str, ...]
    """What belongs to no flavor; for administrators."""
    admin: bool


def build_availability_view(found: Availability, *, admin: bool) -> AvailabilityView:
    """Return what the page shows of what somebody may know.

    Parameters
    ----------
    found
        What there is.
    admin
        Whether they can put right what is wrong in the settings.
    """
    return AvailabilityView(
        notice="" if found.reason is None else found.reason.message,
        flavors=tuple(_flavor(flavor, found.scope) for flavor in found.flavors),
        strays=tuple(_strays(found.unknown_flavor or {})),
        admin=admin,
    )


def _flavor(flavor: FlavorAvailability, scope: CapacityScope | None) -> FlavorView:
    state = flavor.state
    if state is None:
        return FlavorView(
            slug=flavor.slug,
            name=flavor.display_name,
            mark="unknown",
            headline="How many are free is not known",
            length=0,
            bar=(),
            figures=(),
            notes=(),
        )
    # More may wait than there are: beyond as much again, the bar would say nothing of the rest.
    waiting = min(state.waiting, state.total)
    return FlavorView(
        slug=flavor.slug,
        name=flavor.display_name,
        mark="free" if state.free else "full",
        headline=_headline(state),
        length=state.total + waiting,
        bar=tuple(_segments(state, waiting)),
        figures=tuple(_figures(state)),
        notes=tuple(_notes(state, scope, flavor)),
    )


def _headline(state: FlavorState) -> str:
    if state.total == 0:
        return "None is there at the moment"
    return f"{state.free or 'None'} of {state.total} free"


def _segments(state: FlavorState, waiting: int) -> Iterator[Segment]:
    parts: Sequence[tuple[Kind, int]] = (
        ("used", state.used),
        ("down", state.down),
        ("free", state.free),
        ("waiting", waiting),
    )
    start = 0
    for kind, width in parts:
        if width:
            yield Segment(kind=kind, start=start, width=width)
        start += width


def _figures(state: FlavorState) -> Iterator[Figure]:
    if state.total:
        yield Figure(kind="used", text=f"{state.used} in use")
    if state.down:
        yield Figure(kind="down", text=f"{state.down} down")
    if state.total:
        yield Figure(kind="free", text=f"{state.free} free")
    if state.waiting:
        first = ", the first came" if state.oldest_waiting else ""
        yield Figure(
            kind="waiting",
            text=f"{state.waiting} waiting{first}",
            since=state.oldest_waiting or "",
        )


def _notes(
    state: FlavorState, scope: CapacityScope | None, flavor: FlavorAvailability
) -> Iterator[str]:
    if state.total == 0 and flavor.missing:
        yield flavor.missing
    if state.free > 1 and scope == "cluster":
        yield f"Largest free block: {state.largest_block} on one node."
    if state.may_grow:
        takes = "" if state.growth_takes_s is None else f", usually {_about(state.growth_takes_s)}"
        yield f"A node can be added{takes}: up to {state.may_grow} more."
    if state.down:
        yield "Down: on nodes that are not ready, taken out of service or kept for others."
    if flavor.holders:
        yield f"In use by {_people(flavor.holders)}."


def _about(seconds: float) -> str:
    """Return roughly how long something takes: ``40 s``, ``5 min``, ``2 h``."""
    if seconds < _IN_MINUTES:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / _MINUTE)
    return f"{minutes} min" if seconds < 2 * _HOUR else f"{round(seconds / _HOUR)} h"


def _people(holders: tuple[Holder, ...]) -> str:
    named = [holder for holder in holders if holder.user is not None]
    parts = [f"{holder.user} ({holder.count})" for holder in named[:NAMED]]
    rest = named[NAMED:]
    if rest:
        parts.append(f"{len(rest)} more people ({sum(holder.count for holder in rest)})")
    parts.extend(
        f"other work in the cluster ({holder.count})" for holder in holders if holder.user is None
    )
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _strays(unknown: Mapping[str, int]) -> Iterator[str]:
    for resource, count in sorted(unknown.items()):
        yield (
            f"{count} × {resource} {'is' if count == 1 else 'are'} of no flavor, so no size can "
            "have them. Next: name them under “accelerators” in the settings."
        )
