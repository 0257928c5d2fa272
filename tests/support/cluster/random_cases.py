"""Random small clusters, each with a size of servers, for one control plane that has all of them.

Each case has nodes of its own: a label says which, and the settings of the case ask for it. So
hundreds of them share a scheduler, and none sees another's nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from support.cluster.control_plane import FAKE
from support.cluster.fates import Fate, fate_annotations
from support.cluster.nodes import PRODUCT
from support.cluster.objects import GPU, IMAGE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

CASE = "sandlot.test/case"
RESOURCES = (GPU, "nvidia.com/mig-1g.10gb", "amd.com/gpu")
PRODUCTS = ("NVIDIA-L4", "NVIDIA-L4", "NVIDIA-H200", "", "")
MEMORY = (
    "4Gi",
    "8Gi",
    "16Gi",
    "32Gi",
    "15800Mi",
    "16106127360",
    "15728639Ki",
    "9e9",
    "12G",
    "1.5Gi",
)
NODE_CPUS = ("1", "2", "4", "8", "16", "3920m", "15890m", "7.5")
ASKED_CPUS = ("100m", "0.5", "1", "1500m", "2", "1")
ASKED_MEMORY = ("128Mi", "1Gi", "500M", "2Gi", "1e9", "3221225472")
SIZE_CPUS = ("100m", 0.5, 1, "1500m", 2, 3.92, 4, 7.5)
SIZE_MEMORY = ("512 MiB", "1 GiB", "2 GiB", "1.5 GiB", "4 GiB", "8 GiB", "9 GB", 15 * 1024**3)
TAINTS: tuple[Mapping[str, str], ...] = (
    {"key": GPU, "value": "present", "effect": "NoSchedule"},
    {"key": GPU, "value": "present", "effect": "PreferNoSchedule"},
    {"key": "dedicated", "value": "people", "effect": "NoSchedule"},
    {"key": "dedicated", "value": "others", "effect": "NoSchedule"},
    {"key": "maintenance", "effect": "NoExecute"},
)
TOLERATIONS: tuple[Mapping[str, str], ...] = (
    {"key": GPU, "effect": "NoSchedule"},
    {"key": GPU, "operator": "Exists"},
    {"key": "dedicated", "operator": "Equal", "value": "people"},
    {"key": "dedicated", "operator": "Equal", "value": "people", "effect": "NoExecute"},
    {"key": "maintenance"},
    {"key": "maintenance", "effect": "NoSchedule"},
)
ALL_TAINTS = {"operator": "Exists"}
SECURITY = {"allowPrivilegeEscalation": False}


@dataclass(frozen=True, kw_only=True)
class RandomCase:
    """One cluster, and what is asked of it."""

    name: str
    settings: Mapping[str, Any]
    """With the one size ``asked``."""
    options: Mapping[str, Any]
    """What an administrator set for KubeSpawner."""
    nodes: tuple[Mapping[str, Any], ...]
    pods: tuple[Mapping[str, Any], ...]
    """There already, each on its node."""


def random_case(name: str, random: Random, *, overhead: str) -> RandomCase:
    """Return a case.

    Parameters
    ----------
    name
        Its own, good for a label.
    random
        Decides everything.
    overhead
        Name of a RuntimeClass whose pods take more than their containers ask for.
    """
    resource = random.choice(RESOURCES)
    nodes = [_node(f"{name}-{number}", name, resource, random) for number in _up_to(random, 1, 3)]
    return RandomCase(
        name=name,
        settings=_settings(name, resource, random),
        options=_options(random),
        nodes=tuple(nodes),
        pods=tuple(
            _pod(f"{node['metadata']['name']}-{number}", node, resource, random, overhead)
            for node in nodes
            for number in _up_to(random, 0, 3)
        ),
    )


def _up_to(random: Random, least: int, most: int) -> range:
    return range(random.randint(least, most))


def _some(random: Random, values: tuple[Any, ...], chance: float) -> list[Any]:
    return [value for value in values if random.random() < chance]


# --- what is asked ------------------------------------------------------------------------------


def _settings(name: str, resource: str, random: Random) -> dict[str, Any]:
    product = random.choice(PRODUCTS)
    where: dict[str, Any] = {"tolerations": _some(random, TOLERATIONS, 0.4)}
    if product:
        where["node_selector"] = {PRODUCT: product}
    size: dict[str, Any] = {
        "display_name": "Asked",
        "cpus": random.choice(SIZE_CPUS),
        "memory": random.choice(SIZE_MEMORY),
    }
    if random.random() < 0.7:
        size["accelerator"] = {"flavor": "gpu", "count": random.choice((1, 1, 2, 4))}
    return {
        "version": 1,
        "images": {"base": {"display_name": "Base", "reference": IMAGE}},
        "accelerators": {"gpu": {"display_name": "GPU", "resource": resource, "kubernetes": where}},
        "sizes": {"asked": size},
        "profiles": {"work": {"display_name": "Work", "images": ["base"], "sizes": ["asked"]}},
        "kubernetes": {
            "homes": {"kind": "none"},
            "node_selector": {CASE: name},
            "tolerations": _some(random, TOLERATIONS, 0.2),
        },
    }


def _options(random: Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if random.random() < 0.2:
        found["tolerations"] = [{"key": "dedicated", "operator": "Equal", "value": "people"}]
    if random.random() < 0.05:
        found["node_selector"] = {"zone": "a"}
    if random.random() < 0.1:
        found["extra_containers"] = [
            {"name": "beside", "image": IMAGE, "resources": {"requests": {"cpu": "250m"}}}
        ]
    return found


# --- what is there ------------------------------------------------------------------------------


def _node(name: str, case: str, resource: str, random: Random) -> dict[str, Any]:
    offers = {
        "cpu": random.choice(NODE_CPUS),
        "memory": random.choice(MEMORY),
        "pods": str(random.choice((2, 3, 5, 110, 110))),
        "ephemeral-storage": "100Gi",
    }
    has = random.choice((*[resource] * 5, random.choice(RESOURCES), ""))
    if has:
        offers[has] = str(random.choice((1, 2, 4, 8)))
    labels = {CASE: case, "kubernetes.io/hostname": name, "zone": random.choice("ab")}
    labels[PRODUCT] = random.choice(("NVIDIA-L4", "NVIDIA-L4", "NVIDIA-L4", "NVIDIA-H200"))
    # Nobody looks after every tenth one, which is not ready, and stays so.
    silent = random.random() < 0.1
    status: dict[str, Any] = {"capacity": offers, "allocatable": offers}
    if silent:
        status["conditions"] = [{"type": "Ready", "status": "False", "reason": "KubeletNotReady"}]
    return {
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {} if silent else {FAKE: "fake"},
        },
        "spec": {
            "taints": _taints(random),
            "unschedulable": random.random() < 0.1,
        },
        "status": status,
    }


def _taints(random: Random) -> list[Mapping[str, str]]:
    # Of the same key and effect a node has one.
    found = {(each["key"], each["effect"]): each for each in _some(random, TAINTS, 0.08)}
    return [*found.values()]


def is_silent(node: Mapping[str, Any]) -> bool:
    """Return whether nobody looks after a node."""
    return not node["metadata"]["annotations"]


def _pod(
    name: str, node: Mapping[str, Any], resource: str, random: Random, overhead: str
) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "nodeName": node["metadata"]["name"],
        "restartPolicy": "Never",
        # It is there, whatever keeps others off.
        "tolerations": [ALL_TAINTS],
        "containers": [
            _container(f"c{number}", resource, random) for number in _up_to(random, 1, 2)
        ],
    }
    before = [_container(f"i{number}", resource, random) for number in _up_to(random, 0, 2)]
    for each in before:
        if random.random() < 0.5:
            each["restartPolicy"] = "Always"
    if random.random() < 0.15:
        spec["runtimeClassName"] = overhead
    kind = random.random()
    if before and kind < 0.5:
        spec["initContainers"] = before
    elif kind > 0.9:
        # It may not be less than what its containers ask for.
        spec["containers"] = [_container("c0", resource, random)]
        spec["resources"] = {"requests": {"cpu": "2", "memory": "3Gi"}}
    fate = random.random()
    annotations = {}
    # On a node that nobody looks after nothing ends.
    if fate < 0.12 and not is_silent(node):
        annotations = fate_annotations(Fate.EXIT, exit_code=random.choice((0, 1)))
    elif fate < 0.24:
        annotations = fate_annotations(Fate.STUCK)
    return {"metadata": {"name": name, "annotations": annotations}, "spec": spec}


def has_ended(pod: Mapping[str, Any]) -> bool:
    """Return whether a pod that is there shall have ended."""
    return Fate.EXIT.value in pod["metadata"]["annotations"].values()


def is_ending(pod: Mapping[str, Any]) -> bool:
    """Return whether a pod that is there shall have been deleted, and not have gone yet."""
    return Fate.STUCK.value in pod["metadata"]["annotations"].values()


def _container(name: str, resource: str, random: Random) -> dict[str, Any]:
    asked: dict[str, str] = {}
    if random.random() < 0.6:
        asked["cpu"] = random.choice(ASKED_CPUS)
    if random.random() < 0.6:
        asked["memory"] = random.choice(ASKED_MEMORY)
    # Without requests the limits count as such.
    resources: dict[str, dict[str, str]] = {random.choice(("requests", "limits")): asked}
    if random.random() < 0.25:
        resources.setdefault("limits", {})[resource] = str(random.choice((1, 1, 2)))
    return {"name": name, "image": IMAGE, "securityContext": SECURITY, "resources": resources}
