"""What is free, made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_contracts.capacity import CapacityState, FlavorState, SizeState

if TYPE_CHECKING:
    from sandlot_contracts.capacity import CapacityScope, Lack


def flavor(free: int = 0, total: int = 8, **more: object) -> FlavorState:
    """Return a flavor; those that are neither free nor down are in use."""
    down = more.pop("down", 0)
    known = {
        "total": total,
        "down": down,
        "used": total - free - int(str(down)),
        "free": free,
        "largest_block": free,
        "waiting": 0,
        "may_grow": 0,
    }
    return FlavorState.model_validate({**known, **more})


def size(fits: int, *lacking: Lack, ever: bool = True) -> SizeState:
    """Return that so many servers of a size fit, or what they lack."""
    return SizeState(fits=fits, fits_ever=ever, lacking=lacking)


def capacity(
    flavors: dict[str, FlavorState] | None = None,
    sizes: dict[str, SizeState] | None = None,
    *,
    scope: CapacityScope = "cluster",
) -> CapacityState:
    """Return a capacity; what is not named is not known."""
    return CapacityState(scope=scope, flavors=flavors or {}, sizes=sizes or {})
