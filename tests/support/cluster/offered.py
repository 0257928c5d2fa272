"""What a developer finds on the cluster of ``make cluster``: nodes, and a hub's settings."""

from __future__ import annotations

from typing import Any

from support.cluster.control_plane import STORAGE_CLASS
from support.cluster.fates import Fate, fate_annotations
from support.cluster.nodes import PRODUCT, NodeKind
from support.cluster.objects import GPU

L4 = "NVIDIA-L4"
NODES = {
    "3 nodes without GPUs": (3, NodeKind()),
    "2 nodes with 4 × NVIDIA L4 (taint nvidia.com/gpu)": (
        2,
        NodeKind(gpus=4, product=L4, taint=(GPU, "present", "NoSchedule")),
    ),
}


def offered_settings() -> dict[str, Any]:
    """Return settings with a choice for every way in which a start can go."""
    return {
        "version": 1,
        "images": {
            "base": _image("Base", "starts at once"),
            "slow": _image("Slow", "is being got for 20 seconds", Fate.SLOW, after="20s"),
            "missing": _image("Missing", "is in no registry", Fate.IMAGE, after="1s"),
            "broken": _image("Broken", "ends again and again", Fate.CRASH, after="1s"),
            "greedy": _image("Greedy", "is ended for its memory after 30 s", Fate.OOM, after="30s"),
        },
        "accelerators": {
            "l4": {
                "display_name": "NVIDIA L4",
                "kubernetes": {
                    "node_selector": {PRODUCT: L4},
                    "tolerations": [{"key": GPU, "effect": "NoSchedule"}],
                },
            }
        },
        "sizes": {
            "small": {"display_name": "Small", "cpus": 1, "memory": "2 GiB"},
            "one": _gpus("One L4", 1),
            "four": _gpus("Four L4", 4),
            "eight": _gpus("Eight L4, which no node has", 8),
        },
        "profiles": {
            "work": {
                "display_name": "Work",
                "images": ["base", "slow", "missing", "broken", "greedy"],
                "sizes": ["small", "one", "four", "eight"],
            }
        },
        "kubernetes": {"homes": {"kind": "claim", "size": "1 GiB", "storage_class": STORAGE_CLASS}},
    }


def _image(name: str, what: str, fate: Fate | None = None, *, after: str = "") -> dict[str, Any]:
    image: dict[str, Any] = {
        "display_name": name,
        "description": f"Runs nothing; {what}.",
        "reference": f"registry.invalid/sandlot/{name.lower()}:1",
    }
    if fate is not None:
        annotations = fate_annotations(fate, after=after)
        image["kubespawner_override"] = {"extra_annotations": annotations}
    return image


def _gpus(name: str, count: int) -> dict[str, Any]:
    return {
        "display_name": name,
        "cpus": 2 * count,
        "memory": f"{8 * count} GiB",
        "accelerator": {"flavor": "l4", "count": count},
    }
