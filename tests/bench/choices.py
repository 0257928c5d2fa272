"""One large catalogue in two shapes: ours, and what an administrator of KubeSpawner writes."""

from __future__ import annotations

from typing import Any

from sandlot_hub.domain.settings.model import SandlotSettings

PROFILES = 20
CHOICES = 15
GROUP = "vision"
"""Whoever is in it sees all profiles."""
TEAMS = ("ml", "geo", "bio", "ops")
"""Groups that see a quarter of the profiles each."""
_WORDS = "For training models on images, with notebooks that the whole group shares."


def large_settings(*, images: int = CHOICES, sizes: int = CHOICES) -> SandlotSettings:
    """Return 20 profiles with so many images and sizes each."""
    catalogue: dict[str, Any] = {
        "images": {
            f"image-{n}": {
                "display_name": f"Image {n}",
                "description": _WORDS,
                "reference": f"registry.example/images/{n}:2026",
                "local": "base",
            }
            for n in range(images)
        },
        "sizes": {
            f"size-{n}": {
                "display_name": f"Size {n}",
                "description": _WORDS,
                # Small enough for any machine: nothing is off.
                "cpus": f"{100 + n}m",
                "memory": f"{64 + n} MiB",
                "max_running": 100,
                "price": n,
            }
            for n in range(sizes)
        },
    }
    catalogue["profiles"] = {
        f"profile-{n}": {
            "display_name": f"Profile {n}",
            "description": _WORDS,
            "images": list(catalogue["images"]),
            "sizes": list(catalogue["sizes"]),
            "allow": {"groups": [GROUP, TEAMS[n % len(TEAMS)]]},
            "hidden": True,
        }
        for n in range(PROFILES)
    }
    return SandlotSettings.model_validate({"version": 1, **catalogue})


def kubespawner_list(settings: SandlotSettings) -> list[dict[str, Any]]:
    """Return the same choices as KubeSpawner's ``profile_list``, as somebody would write it."""
    return [
        {
            "slug": slug,
            "display_name": profile.display_name,
            "description": profile.description,
            "default": number == 0,
            "profile_options": {
                "image": {
                    "display_name": "Image",
                    "choices": {
                        name: {
                            "display_name": settings.images[name].display_name,
                            "kubespawner_override": {"image": settings.images[name].reference},
                        }
                        for name in profile.images
                    },
                },
                "size": {
                    "display_name": "Size",
                    "choices": {
                        name: {
                            "display_name": settings.sizes[name].display_name,
                            "kubespawner_override": {
                                "cpu_limit": settings.sizes[name].cpus,
                                "mem_limit": settings.sizes[name].memory,
                            },
                        }
                        for name in profile.sizes
                    },
                },
            },
        }
        for number, (slug, profile) in enumerate(settings.profiles.items())
    ]
