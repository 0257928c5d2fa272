"""Fake nodes: real objects with real numbers for the scheduler, and kwok for a kubelet."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from support.cluster.api import watched
from support.cluster.control_plane import FAKE
from support.cluster.fates import Fate, fate_annotations
from support.cluster.objects import GPU

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubernetes_asyncio.client import CoreV1Api

POOL = "sandlot.test/pool"
PRODUCT = "nvidia.com/gpu.product"


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Nodes that were made together."""

    name: str
    names: tuple[str, ...]
    taint: tuple[str, str, str] | None = None
    """Key, value and effect."""

    @property
    def placement(self) -> dict[str, Any]:
        """Fields of a pod's specification that let it run here and nowhere else."""
        tolerations = []
        if self.taint is not None:
            key, value, effect = self.taint
            tolerations = [{"key": key, "value": value, "operator": "Equal", "effect": effect}]
        return {"nodeSelector": {POOL: self.name}, "tolerations": tolerations}


@dataclass(frozen=True, kw_only=True)
class NodeKind:
    """What each node of a pool offers."""

    gpus: int = 0
    resource: str = GPU
    """Name of the resource that its accelerators are asked for by."""
    product: str = ""
    """Value of the label that NVIDIA's feature discovery sets."""
    cpus: int = 16
    memory: str = "64Gi"
    pods: int = 110
    taint: tuple[str, str, str] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


class FakeNodes:
    """Makes fake nodes, and removes all that it has made.

    Parameters
    ----------
    core
        API of an administrator.
    """

    def __init__(self, core: CoreV1Api) -> None:
        self._core = core
        self._pools: list[Pool] = []

    async def add(self, count: int = 1, kind: NodeKind | None = None) -> Pool:
        """Make nodes, and wait until the scheduler may use them."""
        kind = kind or NodeKind()
        name = f"pool-{secrets.token_hex(3)}"
        names = tuple(f"{name}-{number}" for number in range(count))
        pool = Pool(name=name, names=names, taint=kind.taint)
        self._pools.append(pool)
        await asyncio.gather(*(self._core.create_node(_node(each, pool, kind)) for each in names))
        await asyncio.gather(*(self._usable(each, pool) for each in names))
        return pool

    async def lose(self, name: str) -> None:
        """Let a node fall silent: nobody reports for it any more, and its pods are unknown.

        Kwok lets go of it. Then node and pods get what the node controller writes once a kubelet
        has not reported for 50 seconds; it goes on from there by itself, with its taint. What is
        deleted there stays, since nobody is left to end it. Pods are taken away only while more
        than half of the cluster's nodes report: else it thinks that its own network is broken.
        """
        await self._core.patch_node(name, {"metadata": {"annotations": {FAKE: "lost"}}})
        silent = {
            "type": "Ready",
            "status": "Unknown",
            "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.",
        }
        await self._core.patch_node_status(name, {"status": {"conditions": [silent]}})
        there = await self._core.list_pod_for_all_namespaces(field_selector=f"spec.nodeName={name}")
        unready = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}
        stuck = {"metadata": {"annotations": fate_annotations(Fate.STUCK)}}
        for pod in there.items:
            found = pod.metadata
            await self._core.patch_namespaced_pod(found.name, found.namespace, stuck)
            await self._core.patch_namespaced_pod_status(found.name, found.namespace, unready)
            await self._core.create_namespaced_event(found.namespace, _not_ready(found))

    async def remove(self) -> None:
        """Remove every node that was made here."""
        for pool in self._pools:
            await self._core.delete_collection_node(label_selector=f"{POOL}={pool.name}")
        self._pools.clear()

    async def _usable(self, name: str, pool: Pool) -> None:
        await watched(
            self._core.list_node,
            name=name,
            wanted=lambda node: _is_usable(node, pool),
            what=f"node {name} can be used",
        )


def _not_ready(pod: Any) -> Any:
    """Return what the node controller reports about a pod whose node fell silent."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "metadata": {"generateName": f"{pod.name}.", "namespace": pod.namespace},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": pod.name,
            "namespace": pod.namespace,
            "uid": pod.uid,
        },
        "type": "Warning",
        "reason": "NodeNotReady",
        "message": "Node is not ready",
        "source": {"component": "node-controller"},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


def _is_usable(node: Any, pool: Pool) -> bool:
    """Whether it is ready, and carries no taint but its own."""
    own = pool.taint[0] if pool.taint else ""
    ready = any(
        each.type == "Ready" and each.status == "True" for each in node.status.conditions or ()
    )
    return ready and all(taint.key == own for taint in node.spec.taints or ())


def _node(name: str, pool: Pool, kind: NodeKind) -> Any:
    offers = {"cpu": str(kind.cpus), "memory": kind.memory, "pods": str(kind.pods)}
    labels = {POOL: pool.name, "kubernetes.io/hostname": name, **kind.labels}
    if kind.gpus:
        offers[kind.resource] = str(kind.gpus)
    if kind.product:
        labels[PRODUCT] = kind.product
    taints = []
    if kind.taint is not None:
        key, value, effect = kind.taint
        taints = [{"key": key, "value": value, "effect": effect}]
    return {
        "metadata": {"name": name, "labels": labels, "annotations": {FAKE: "fake"}},
        "spec": {"taints": taints},
        "status": {"capacity": offers, "allocatable": offers},
    }
