"""What can be started here, as a form shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandlot_hub.domain.machine import machine_facilities

from .form import FormNotes

if TYPE_CHECKING:
    from sandlot_contracts.supervisor import LocalFacilities
    from sandlot_hub.domain.facilities import Facilities


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


def machine_availability(
    local: LocalFacilities, *, live: bool = False, age_s: float = 0.0
) -> Availability:
    """Return what a form shows of one machine; without the others, as it has just said."""
    notes = FormNotes(
        cpu_enforced=local.cpu_enforced,
        memory_enforced=local.memory_enforced,
        memory_detail=local.memory_detail,
    )
    return Availability(facilities=machine_facilities(local), notes=notes, live=live, age_s=age_s)
