"""What a small hub on one machine offers: two open profiles fewer than it has."""

from __future__ import annotations

from typing import Any

CATALOGUE: dict[str, Any] = {
    "version": 1,
    "images": {
        "base": {"display_name": "JupyterLab", "local": "base"},
        "scipy": {"display_name": "SciPy", "local": "scipy", "version": "2026-10"},
        "sealed": {
            "display_name": "Sealed",
            "local": "base",
            "hidden": True,
            "allow": {"groups": ["staff"]},
        },
    },
    "sizes": {
        "small": {"display_name": "Small", "cpus": 1, "memory": "2 GiB"},
        "large": {"display_name": "Large", "cpus": 4, "memory": "8 GiB"},
    },
    "profiles": {
        "everyday": {
            "display_name": "Everyday",
            "images": ["base", "scipy", "sealed"],
            "sizes": ["small", "large"],
            "default": True,
        },
        "course": {
            "display_name": "Course",
            "images": ["base"],
            "sizes": ["small"],
            "allow": {"groups": ["cs101"]},
        },
        "vault": {
            "display_name": "Vault",
            "images": ["base"],
            "sizes": ["large"],
            "hidden": True,
            "allow": {"groups": ["staff"]},
        },
    },
    "local": {"start_timeout": "2 s", "stop_grace": "1 s"},
}
