"""What a cluster offers: the small hub's catalogue, with container images, a GPU and images to name."""

from __future__ import annotations

import copy
from typing import Any

from .local_catalogue import CATALOGUE

NAMED = {
    "display_name": "Another image",
    "allow": [
        {"registry": "quay.io", "repository": "lab/notebook-*", "tag": "2026-*"},
        {"registry": "quay.io", "repository": f"slow/{'*a' * 30}b"},
    ],
}
"""The second one is what a matcher that tries every way would take years for."""


def cluster_catalogue(**kubernetes: Any) -> dict[str, Any]:
    """Return settings for a cluster; the caller may change them.

    Parameters
    ----------
    kubernetes
        What they say of the cluster; there are no homes unless it says so.
    """
    made = copy.deepcopy(CATALOGUE)
    for slug, image in made["images"].items():
        image["reference"] = f"registry.invalid/sandlot/{slug}:1"
    made["accelerators"] = {"l4": {"display_name": "NVIDIA L4"}}
    made["sizes"]["gpu"] = {
        "display_name": "One L4",
        "cpus": 1,
        "memory": "1 GiB",
        "accelerator": {"flavor": "l4"},
    }
    made["profiles"]["everyday"]["custom_images"] = NAMED
    made["profiles"]["training"] = {
        "display_name": "Training",
        "images": ["base"],
        "sizes": ["gpu"],
    }
    made["kubernetes"] = {"homes": {"kind": "none"}, **kubernetes}
    return made
