"""Nodes and pods of a small cluster, and settings whose flavors and sizes are counted there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.capacity.cluster_records import NodeRecord, PodRecord, Taint
from sandlot_hub.domain.capacity.inventory import Inventory
from sandlot_hub.domain.settings.model import SandlotSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

GIB = 1024**3
GPU = "nvidia.com/gpu"
MIG = "nvidia.com/mig-1g.10gb"
L4 = {"product": "L4"}
A100 = {"product": "A100"}
KEPT = Taint("gpu-only", "yes", "NoSchedule")
"""On all GPU nodes; the flavors tolerate it."""


def a_node(name: str = "n1", **changes: Any) -> NodeRecord:
    """Return a node with 8 CPUs, 32 GiB and 4 L4 on which servers can be."""
    fields: dict[str, Any] = {
        "name": name,
        "ready": True,
        "cordoned": False,
        "labels": L4,
        "taints": (KEPT,),
        "allocatable": has(**{GPU: 4}),
    }
    return NodeRecord(**{**fields, **changes})


def has(cpu: int = 8000, memory: int = 32 * GIB, pods: int = 10, **others: int) -> dict[str, int]:
    """Return amounts of a node."""
    return {"cpu": cpu, "memory": memory, "pods": pods, **others}


def a_pod(key: str = "ns/p1", node: str = "n1", **changes: Any) -> PodRecord:
    """Return somebody's pod with one accelerator, 1 CPU and 1 GiB on a node."""
    fields: dict[str, Any] = {
        "key": key,
        "uid": key,
        "node": node,
        "requests": {"cpu": 1000, "memory": GIB, GPU: 1},
    }
    return PodRecord(**{**fields, **changes})


def counted_settings(
    *,
    l4: dict[str, Any] | None = None,
    kubernetes: dict[str, Any] | None = None,
    sizes: dict[str, Any] | None = None,
    **flavors: Any,
) -> SandlotSettings:
    """Return settings with L4 and A100, told apart by label, slices of a GPU, and some sizes.

    Parameters
    ----------
    l4
        More of what is said about L4 in a cluster.
    kubernetes
        What is said about the cluster.
    sizes
        Further sizes.
    flavors
        Further flavors.
    """
    tolerations = [{"key": "gpu-only"}]
    all_sizes = {
        "plain": _size(2, 4),
        "one": _size(2, 4, "l4", 1),
        "four": _size(2, 4, "l4", 4),
        "big": _size(8, 32, "l4", 1),
        "a100": _size(2, 4, "a100", 2),
        "slice": _size(1, 2, "slice", 1),
        **(sizes or {}),
    }
    return SandlotSettings.model_validate(
        {
            "version": 1,
            "images": {"base": {"display_name": "Base", "reference": "registry/base:1"}},
            "accelerators": {
                "l4": _flavor(GPU, {"node_selector": L4, "tolerations": tolerations, **(l4 or {})}),
                "a100": _flavor(GPU, {"node_selector": A100, "tolerations": tolerations}),
                "slice": _flavor(MIG, {"tolerations": tolerations}),
                **flavors,
            },
            "sizes": all_sizes,
            "profiles": {
                "people": {"display_name": "P", "images": ["base"], "sizes": list(all_sizes)}
            },
            "kubernetes": kubernetes or {},
        }
    )


def an_inventory(
    nodes: Iterable[NodeRecord], pods: Iterable[PodRecord] = (), **settings: Any
) -> Inventory:
    """Return an inventory of nodes and pods; `settings` as `counted_settings` takes them."""
    inventory = Inventory(settings=counted_settings(**settings))
    put_all(inventory, nodes, pods)
    return inventory


def put_all(
    inventory: Inventory, nodes: Iterable[NodeRecord] = (), pods: Iterable[PodRecord] = ()
) -> None:
    """Take all nodes and pods of a cluster."""
    for node in nodes:
        inventory.put_node(node)
    for pod in pods:
        inventory.put_pod(pod)


def _flavor(resource: str, where: dict[str, Any]) -> dict[str, Any]:
    return {"display_name": "A GPU", "resource": resource, "kubernetes": where}


def _size(cpus: int, gib: int, flavor: str = "", count: int = 0) -> dict[str, Any]:
    size: dict[str, Any] = {"display_name": "Size", "cpus": cpus, "memory": gib * GIB}
    if flavor:
        size["accelerator"] = {"flavor": flavor, "count": count}
    return size
