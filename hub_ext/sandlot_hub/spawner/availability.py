"""What can be started here, as a form shows it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.capacity.machine import machine_facilities

from .exceptions import SpawnUnavailableError
from .form import FormNotes

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandlot_contracts.capacity import CapacityState
    from sandlot_contracts.supervisor import LocalFacilities

    from .machine import LocalMachine
    from .offers_feed import OffersFeed

_FORM_S = 1.0
"""Seconds that a form waits for the machine, when there is something older to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Facilities, and how far they can be believed."""

    facilities: Facilities
    notes: FormNotes
    """What the form says about CPU and memory here."""
    live: bool = False
    """Whether they come from the offers service, which tells of every change."""
    age_s: float = 0.0
    """Seconds since they were true."""
    counted_at: float = 0.0
    """When that was, in seconds of the monotonic clock."""


async def look_at_machine(
    find_machine: Callable[[], LocalMachine], feed: OffersFeed | None
) -> Availability:
    """Return what a form shows, without asking the machine where a service tells of it.

    Parameters
    ----------
    find_machine
        Returns the machine, or raises `SpawnUnavailableError`.
    feed
        What the service tells; None when there is none.

    Raises
    ------
    SpawnUnavailableError
        Neither of them tells.
    """
    seen = None if feed is None else await feed.seen()
    told = None if seen is None else seen.snapshot.machine
    if seen is None or told is None:
        machine = find_machine()
        return machine_availability(await machine.facilities(), counted_at=machine.asked_at)
    if not seen.live:
        # What the service said last may be hours old, and the form refuses by it.
        with contextlib.suppress(SpawnUnavailableError, TimeoutError):
            async with asyncio.timeout(_FORM_S):
                machine = find_machine()
                found = await machine.facilities()
                return machine_availability(found, counted_at=machine.asked_at)
    return machine_availability(told, live=seen.live, age_s=seen.age_s, counted_at=seen.counted_at)


def machine_availability(
    local: LocalFacilities, *, live: bool = False, age_s: float = 0.0, counted_at: float = 0.0
) -> Availability:
    """Return what a form shows of one machine; without `live`, as it has just said."""
    notes = FormNotes(
        cpu_enforced=local.cpu_enforced,
        memory_enforced=local.memory_enforced,
        memory_detail=local.memory_detail,
    )
    return Availability(
        facilities=machine_facilities(local),
        notes=notes,
        live=live,
        age_s=age_s,
        counted_at=counted_at,
    )


def cluster_availability(
    capacity: CapacityState | None,
    *,
    live: bool = False,
    age_s: float = 0.0,
    counted_at: float = 0.0,
) -> Availability:
    """Return what a form shows of a cluster.

    Parameters
    ----------
    capacity
        What is free now; None when that is not known.
    live
        Whether the offers service tells of every change.
    age_s
        Seconds since it was true.
    counted_at
        When that was, in seconds of the monotonic clock.
    """
    return Availability(
        facilities=Facilities(mode=Mode.KUBERNETES, capacity=capacity),
        notes=FormNotes(cpu_enforced=True, memory_enforced=True),
        live=live,
        age_s=age_s,
        counted_at=counted_at,
    )
