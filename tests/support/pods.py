"""Starts in a cluster that has every kind of accelerator."""

from __future__ import annotations

from typing import Any

from sandlot_hub.domain.choices.plan import Plan
from sandlot_hub.domain.offers.profiles import resolve
from sandlot_hub.domain.pods.plan import PodRequest
from sandlot_hub.domain.settings.cluster import ClusterSettings
from sandlot_hub.domain.settings.model import SandlotSettings
from support.catalogue import EVERYTHING_HERE, GIB, person

SPAWN_ID = "0f3c5a1e9b7d4c2f8a6e1d0b9c8f7a65"

_FLAVORS: dict[str, tuple[str, dict[str, Any]]] = {
    "whole": (
        "nvidia.com/gpu",
        {
            "node_selector": {"nvidia.com/gpu.product": "NVIDIA-L4"},
            "tolerations": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}],
            "runtime_class": "nvidia",
            "shm_size": "8 GiB",
        },
    ),
    "mig": (
        "nvidia.com/mig-1g.10gb",
        {"node_selector": {"nvidia.com/mig.strategy": "mixed"}, "shm_size": "64 GiB"},
    ),
    "time-sliced": (
        "nvidia.com/gpu.shared",
        {"node_selector": {"nvidia.com/gpu.sharing-strategy": "time-slicing"}},
    ),
    "amd": (
        "amd.com/gpu",
        {"tolerations": [{"key": "amd.com/gpu", "operator": "Equal", "value": "mi300x"}]},
    ),
    "intel": ("gpu.intel.com/i915", {}),
    "dra": ("nvidia.com/gpu", {"claim_template": "one-l4"}),
}
FLAVORS = tuple(_FLAVORS)


def flavor_settings(flavor: str | None, count: int) -> SandlotSettings:
    """Return settings of one size with so many accelerators of a kind."""
    size: dict[str, Any] = {"display_name": "Size", "cpus": "3500m", "memory": 16 * GIB}
    document: dict[str, Any] = {
        "version": 1,
        "images": {"torch": {"display_name": "PyTorch", "reference": "registry/torch:2"}},
        "sizes": {"size": size},
        "profiles": {"work": {"display_name": "Work", "images": ["torch"], "sizes": ["size"]}},
    }
    if flavor is not None:
        resource, where = _FLAVORS[flavor]
        document["accelerators"] = {
            flavor: {"display_name": "A GPU", "resource": resource, "kubernetes": where}
        }
        size["accelerator"] = {"flavor": flavor, "count": count}
    return SandlotSettings.model_validate(document)


def a_plan(owner: str = "ann", *, flavor: str | None = None, count: int = 1) -> Plan:
    """Return a plan of 3.5 cores, 16 GiB and some accelerators."""
    plan = resolve(
        {},
        entitlements=person(owner),
        settings=flavor_settings(flavor, count),
        facilities=EVERYTHING_HERE,
    )
    assert isinstance(plan, Plan)
    return plan


def a_request(
    owner: str = "ann",
    *groups: str,
    flavor: str | None = None,
    count: int = 1,
    **fields: Any,
) -> PodRequest:
    """Return a start of that plan."""
    return PodRequest(
        plan=a_plan(owner, flavor=flavor, count=count),
        entitlements=person(owner, *groups),
        spawn_id=SPAWN_ID,
        hub="http://hub:8081/hub/api",
        **fields,
    )


def cluster(**sections: Any) -> ClusterSettings:
    """Return settings of a cluster."""
    return ClusterSettings.model_validate(sections)
