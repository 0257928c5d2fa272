"""A small catalogue in which everything that can be decided about an entry occurs once."""

from __future__ import annotations

from typing import Any

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.domain.values.entitlements import Entitlements

GIB = 1024**3

EVERYTHING_HERE = Facilities(mode=Mode.KUBERNETES)
"""A cluster that has every image, every flavor and no end of memory."""


STAFF = {"allow": {"groups": ["staff"]}, "hidden": True}


def document() -> dict[str, Any]:
    """Return the catalogue as an administrator writes it; the caller may change it."""
    return {
        "version": 1,
        "accelerators": {"l4": {"display_name": "NVIDIA L4"}},
        "images": _images(),
        "sizes": _sizes(),
        "profiles": _profiles(),
    }


def _images() -> dict[str, Any]:
    return {
        "base": _image("Base"),
        "scipy": _image("SciPy", version="2026-10"),
        "cluster-only": {"display_name": "Cluster only", "reference": "registry/r:1"},
        "machine-only": {"display_name": "Machine only", "local": "base"},
        "torch": _image("PyTorch", requires_accelerator=True),
        "course": _image("Course", allow={"groups": ["cs101"]}),
        "secret": _image("Secret", **STAFF),
        "inner": _image("Inner"),
        "scipy-old": {
            "display_name": "SciPy 2025",
            "deprecated": {"redirect": "scipy-older", "message": "It is\nno longer patched."},
        },
        "scipy-older": {"display_name": "SciPy 2024", "deprecated": {"redirect": "scipy"}},
        "base-gone": {"display_name": "Base 2019", "deprecated": {}},
        "secret-old": {"display_name": "Old", "deprecated": {"redirect": "scipy"}, **STAFF},
        "to-secret": {"display_name": "To secret", "deprecated": {"redirect": "secret"}},
    }


def _sizes() -> dict[str, Any]:
    return {
        "small": _size("Small", 1, "2 GiB"),
        "large": _size("Large", 8, "32 GiB", excludes_images=["base"]),
        "gpu": _size("One GPU", 4, "16 GiB", accelerator={"flavor": "l4", "count": 2}),
        "vip": _size("For Vera", 16, "64 GiB", allow={"users": ["vera"]}),
        "secret": _size("Secret", 2, "4 GiB", **STAFF),
        "inner": _size("Inner", 2, "4 GiB"),
        "small-old": _size("Tiny", 0.5, "1 GiB", deprecated={"redirect": "small"}),
        "small-gone": _size("Micro", 0.1, "512 MiB", deprecated={}),
    }


def _profiles() -> dict[str, Any]:
    return {
        "cpu": {
            "display_name": "CPU",
            "description": "For everyday work",
            "images": ["base", "scipy", "cluster-only", "course", "secret", "base-gone"],
            "sizes": ["large", "small", "vip", "secret", "small-gone"],
            "defaults": {"image": "scipy", "size": "small"},
            "default": True,
        },
        "gpu": {
            "display_name": "GPU",
            "images": ["torch", "base"],
            "sizes": ["small", "gpu"],
        },
        "lab": {
            "display_name": "Teaching lab",
            "images": ["course"],
            "sizes": ["small"],
            "allow": {"groups": ["cs101"]},
        },
        "machine": {
            "display_name": "Machine",
            "images": ["machine-only"],
            "sizes": ["small"],
        },
        "vault": {
            "display_name": "Vault",
            "images": ["inner", "secret"],
            "sizes": ["inner"],
            **STAFF,
        },
        "cpu-old": {
            "display_name": "CPU 2025",
            "images": ["base-gone"],
            "sizes": ["small-gone"],
            "deprecated": {"redirect": "cpu"},
        },
        "vault-old": {
            "display_name": "Vault 2025",
            "images": ["inner"],
            "sizes": ["inner"],
            "deprecated": {"redirect": "vault"},
        },
        "gpu-secret": {
            "display_name": "Secret GPU",
            "images": ["torch"],
            "sizes": ["gpu"],
            "deprecated": {"redirect": "gpu"},
            **STAFF,
        },
        "cpu-gone": {
            "display_name": "CPU 2019",
            "images": ["base"],
            "sizes": ["small"],
            "deprecated": {"message": "Nobody used it."},
        },
    }


def _image(display_name: str, **more: Any) -> dict[str, Any]:
    return {"display_name": display_name, "reference": "registry/x:1", "local": "base", **more}


def _size(display_name: str, cpus: float, memory: str, **more: Any) -> dict[str, Any]:
    return {"display_name": display_name, "cpus": cpus, "memory": memory, **more}


def catalogue(**sections: Any) -> SandlotSettings:
    """Return the catalogue, with whole sections replaced."""
    return SandlotSettings.model_validate({**document(), **sections})


def person(user: str = "ann", *groups: str) -> Entitlements:
    """Return somebody of some groups."""
    return Entitlements(user=user, groups=frozenset(groups))
