"""Accelerators of two flavors: the settings that name them, and what is counted of them."""

from __future__ import annotations

from typing import Any

from sandlot_contracts.capacity import CapacityState, FlavorState
from sandlot_hub.adapters.settings_file import LoadedSettings, load_settings


def accelerator_settings(**changes: Any) -> LoadedSettings:
    """Return settings with two flavors: one for everybody, one that only `ml` may know of."""
    return load_settings(
        {
            "version": 1,
            "images": {"base": {"display_name": "Base", "reference": "registry.example/base:1"}},
            "accelerators": {
                "l4": {"display_name": "NVIDIA <L4>"},
                "a100": {"display_name": "NVIDIA A100 80 GB"},
            },
            "sizes": {
                "small": {"display_name": "Small", "cpus": 1, "memory": "1 GiB"},
                "one": _size("One L4", "l4"),
                "big": _size("One A100", "a100"),
            },
            "profiles": {
                "gpu": {"display_name": "GPU", "images": ["base"], "sizes": ["small", "one"]},
                "large": {
                    "display_name": "Large",
                    "images": ["base"],
                    "sizes": ["big"],
                    "allow": {"groups": ["ml"]},
                    "hidden": True,
                },
            },
            **changes,
        }
    )


def _size(name: str, flavor: str) -> dict[str, Any]:
    return {
        "display_name": name,
        "cpus": 1,
        "memory": "1 GiB",
        "accelerator": {"flavor": flavor},
    }


def flavor_state(**changes: Any) -> FlavorState:
    """Return eight accelerators, of which three are free and one is down."""
    values = {"total": 8, "down": 1, "used": 4, "free": 3, "largest_block": 2, "waiting": 0}
    return FlavorState(**{**values, **changes})


def cluster(**flavors: FlavorState) -> CapacityState:
    """Return a cluster with these flavors."""
    return CapacityState(scope="cluster", flavors=flavors, sizes={})
