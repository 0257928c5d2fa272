"""`g.kube.wait`: what servers that wait for a GPU cost the hub, among many that run.

Fifty starts wait in a hub whose watches have a thousand other pods and their events; nobody has to
ask the cluster for anything, so there is none. KubeSpawner as published waits for the same, with
the page of each start open, since it is its page that looks at events.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
from functools import partial
from pathlib import Path
from time import thread_time
from typing import TYPE_CHECKING, Any

import pytest
from jupyterhub import orm
from kubespawner import KubeSpawner
from kubespawner.spawner import EventReflector, PodReflector

from bench.harness import Bar, Measure, Mutation, Size, busy, interval, progress
from bench.kube_start import PEER_VERSION
from sandlot_hub.spawner import hooks
from sandlot_hub.spawner.kube_events import EventsOfPods
from sandlot_hub.spawner.kube_pods import RememberingPods
from support.kube_spawner import L4, close_clients, cluster_document, kube_spawner, use_kubeconfig
from support.kubeconfig import unreachable_kubeconfig
from support.memory_cluster import MemoryCluster
from support.pod_states import condition

if TYPE_CHECKING:
    from collections.abc import Iterator

PAIRS = {Size.SMOKE: 2, Size.FULL: 20}
WAITING = 50
RUNNING = 1000
EVENTS = 5
"""Of each pod."""
SECONDS = 2.0
BUSY = (
    "0/9 nodes are available: 9 Insufficient nvidia.com/gpu. preemption: 0/9 nodes are available: "
    "9 No preemption victims found for incoming pod."
)


class Peer(KubeSpawner):
    """KubeSpawner as published, of which there is no cluster to ask for a pod."""

    async def _make_create_pod_request(self, pod: Any, request_timeout: float) -> bool:
        del pod, request_timeout
        return True


def _pod(spawner: Any, *, waits: bool, number: int) -> dict[str, Any]:
    labels = {"sandlot/flavor": "l4", "sandlot/spawn-id": getattr(spawner, "spawn_id", "")}
    placed = condition("PodScheduled", "False", "Unschedulable", BUSY)
    return {
        "metadata": {
            "name": spawner.pod_name if waits else f"jupyter-runs-{number}",
            "namespace": spawner.namespace,
            "uid": f"uid-{number}",
            "labels": labels if waits else {"sandlot/flavor": "l4"},
            "creationTimestamp": "2026-11-21T12:00:00Z",
        },
        "spec": {} if waits else {"nodeName": "n1"},
        "status": {"phase": "Pending", "conditions": [placed]} if waits else {"phase": "Running"},
    }


def _event(pod: dict[str, Any], number: int) -> dict[str, Any]:
    metadata = pod["metadata"]
    return {
        "metadata": {"name": f"{metadata['name']}.{number}", "uid": f"{metadata['uid']}.{number}"},
        "involvedObject": {"name": metadata["name"], "uid": metadata["uid"]},
        "reason": "FailedScheduling",
        "message": BUSY,
        "type": "Warning",
        "lastTimestamp": f"2026-11-21T12:00:{number:02}Z",
        "eventTime": None,
    }


def _fill(spawners: list[Any], watches: tuple[type[Any], type[Any]]) -> None:
    """Give the spawners watches that have seen everything."""
    first = spawners[0]
    pods = [_pod(each, waits=True, number=number) for number, each in enumerate(spawners)]
    pods += [_pod(first, waits=False, number=WAITING + number) for number in range(RUNNING)]
    events = [_event(pod, number) for pod in pods for number in range(EVENTS)]
    for kind, watch_class, found in zip(("pods", "events"), watches, (pods, events), strict=True):
        watch = watch_class(parent=first, namespace=first.namespace)
        watch.resources = {f"{first.namespace}/{each['metadata']['name']}": each for each in found}
        watch.first_load_future.set_result(None)
        first.reflectors[first._get_reflector_key(kind)] = watch


def _spawners(mutation: Mutation) -> tuple[list[Any], list[Any]]:
    """Return those of both sides."""
    ours: list[Any] = [
        kube_spawner(cluster_document(), name=f"ann{number}", namespace="ours")
        for number in range(WAITING)
    ]
    for spawner in ours:
        spawner.objects = MemoryCluster()
        if mutation is Mutation.SLEEP:
            spawner.events_of = partial(_late, spawner.events_of)
    peers = [
        Peer(user=each.user, hub=each.hub, orm_spawner=orm.Spawner(name=""), config=each.config)
        for each in ours
    ]
    for peer in peers:
        peer.namespace = "peers"
    return ours, peers


def _late(events_of: Any, uid: str) -> Any:
    busy(0.05 / WAITING)
    return events_of(uid)


async def _watched(spawner: Any) -> None:
    async for _ in spawner.progress():
        pass


async def _cost(spawners: list[Any]) -> float:
    """Return the thread CPU of a second of one start that waits."""
    tasks = [asyncio.ensure_future(each.start()) for each in spawners]
    tasks += [asyncio.ensure_future(_watched(each)) for each in spawners]
    await asyncio.sleep(1)  # until each has begun to wait
    began = thread_time()
    await asyncio.sleep(SECONDS)
    spent = thread_time() - began
    assert not any(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return spent / SECONDS / WAITING


async def _measure(pairs: int, mutation: Mutation) -> tuple[list[float], list[float]]:
    ours, peer = [], []
    mine, theirs = _spawners(mutation)
    _fill(theirs, (PodReflector, EventReflector))
    for number in range(pairs):
        for spawner in mine:
            await hooks.apply_user_options(spawner, L4)
        _fill(mine, (RememberingPods, EventsOfPods))
        ours.append(await _cost(mine))
        peer.append(await _cost(theirs))
        progress(
            f"g.kube.wait: pair {number + 1} of {pairs}: "
            f"{ours[-1] * 1e3:.3f} ms, peer {peer[-1] * 1e3:.3f} ms"
        )
    KubeSpawner.reflectors.clear()
    await close_clients()
    return ours, peer


def run(size: Size, mutation: Mutation) -> Iterator[Measure]:
    """Let fifty starts wait, ours and KubeSpawner's in turn."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        use_kubeconfig(unreachable_kubeconfig(Path(folder)), patch)
        ours, peer = asyncio.run(_measure(PAIRS[size], mutation))
    ratios = interval([mine / theirs for mine, theirs in zip(ours, peer, strict=True)])
    bar = Bar.at(1, size)
    yield Measure(
        id="g.kube.wait",
        what=f"thread CPU of a second of a start that waits, {WAITING} of them among {RUNNING} servers",
        ours=statistics.median(ours),
        peer=statistics.median(peer),
        peer_version=PEER_VERSION,
        ratio=ratios.median,
        target=f"<= {bar.value:g}x the peer's{bar.note}",
        ok=ratios.high <= bar.value,
        pairs=len(ours),
        interval=(ratios.low, ratios.high),
        load=os.getloadavg()[0],
    )
