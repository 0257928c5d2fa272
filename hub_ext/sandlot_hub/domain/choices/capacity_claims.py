"""What is left of a capacity after starts that it does not know of yet."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_contracts.capacity import CapacityState, FlavorState, Lack, SizeState
    from sandlot_hub.domain.settings.model import SandlotSettings, SizeSettings


def capacity_after(
    capacity: CapacityState, started: Mapping[str, int], *, settings: SandlotSettings
) -> CapacityState:
    """Return a capacity with room taken by servers that were let in since it was counted.

    On which nodes they end up is not known, so what is left is estimated from below: for a moment
    somebody may be told that there is nothing left where a little is.

    Parameters
    ----------
    capacity
        As counted.
    started
        How many servers were let in since, by size.
    settings
        What the sizes need.
    """
    begun = {slug: count for slug, count in started.items() if count and slug in settings.sizes}
    if not begun:
        return capacity
    flavors = dict(capacity.flavors)
    for slug, count in begun.items():
        wanted = settings.sizes[slug].accelerator
        if wanted is not None and wanted.flavor in flavors:
            flavors[wanted.flavor] = _taken(flavors[wanted.flavor], count * wanted.count)
    sizes = {
        slug: _fewer(state, settings.sizes[slug], begun, settings=settings)
        if slug in settings.sizes
        else state
        for slug, state in capacity.sizes.items()
    }
    return capacity.model_copy(update={"flavors": flavors, "sizes": sizes})


def _taken(flavor: FlavorState, count: int) -> FlavorState:
    taken = min(count, flavor.free)
    free = flavor.free - taken
    return flavor.model_copy(
        update={
            "free": free,
            "used": flavor.used + taken,
            "largest_block": min(flavor.largest_block, free),
        }
    )


def _fewer(
    state: SizeState, size: SizeSettings, begun: Mapping[str, int], *, settings: SandlotSettings
) -> SizeState:
    lost = sum(count * _share(settings.sizes[slug], size) for slug, count in begun.items())
    if lost == 0 or state.fits == 0:
        return state
    fits = max(0, state.fits - lost)
    lack: Lack = "memory" if size.accelerator is None else "accelerator"
    return state.model_copy(update={"fits": fits, "lacking": () if fits else (lack,)})


def _share(started: SizeSettings, size: SizeSettings) -> int:
    """Return for how many servers of a size the room of another one would have been."""
    has, wants = started.accelerator, size.accelerator
    if has is not None and wants is not None and has.flavor == wants.flavor:
        return math.ceil(has.count / wants.count)
    if has is None and wants is None:
        return math.ceil(max(started.cpus / size.cpus, started.memory / size.memory))
    return 0
