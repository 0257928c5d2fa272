"""A catalogue of profiles that are alike, and a cluster in which half of its sizes are full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.settings.model import SandlotSettings
from support.capacities import capacity, flavor, size

if TYPE_CHECKING:
    from sandlot_contracts.capacity import CapacityState

PROFILES = 7
SIZES = 6


def alike_catalogue(**keys: Any) -> SandlotSettings:
    """Return profiles that differ in their names only.

    Parameters
    ----------
    **keys
        What is in every profile beside images and sizes.
    """
    sizes = {
        f"s{n}": {
            "display_name": f"Size s{n}",
            "cpus": 1 + n,
            "memory": "1 GiB",
            "accelerator": {"flavor": f"f{n % 2}", "count": 1 + n // 2},
        }
        for n in range(SIZES)
    }
    images = {
        f"i{n}": {"display_name": f"Image i{n}", "reference": f"registry.example/i{n}:1"}
        for n in range(2)
    }
    profile = {"images": list(images), "sizes": list(sizes), **keys}
    return SandlotSettings.model_validate(
        {
            "version": 1,
            "accelerators": {f"f{n}": {"display_name": f"Flavor {n}"} for n in range(2)},
            "images": images,
            "sizes": sizes,
            "profiles": {
                f"p{n}": {**profile, "display_name": f"Profile <p{n}>"} for n in range(PROFILES)
            },
        }
    )


def half_full(settings: SandlotSettings) -> CapacityState:
    """Return that of every second size there is none."""
    return capacity(
        {"f0": flavor(free=5), "f1": flavor(waiting=2)},
        {
            slug: size(0, "accelerator") if number % 2 else size(2)
            for number, slug in enumerate(settings.sizes)
        },
    )
