"""`h.kube.*`: what is left and what is lost when a hub with many servers is killed.

A hub process is killed while servers run and others start, and is started again on the same
database; people who were starting press *Start* again. The orders of a few reach the cluster only
when the next hub has given their servers up: a request that was sent cannot be called back. KubeSpawner as
published has the same behind it, at the same time, in a namespace of its own.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kubernetes_asyncio.client import CoreV1Api

from bench.harness import Measure, Mutation, Size, progress
from bench.kube_crowd import START_S, Crowd, PlainKubeHub, State, slow_starts
from bench.kube_place import own_cluster
from bench.kube_start import PEER_VERSION
from support.cluster.api import connected
from support.cluster.fault_proxy import FaultProxy
from support.cluster.hub import HubSpec, KubeHub
from support.cluster.namespaces import TestNamespace
from support.cluster.nodes import FakeNodes, NodeKind
from support.cluster.waiting import until
from support.kube_spawner import cluster_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.cluster.control_plane import ControlPlane

LOOK_S = 1.0
PATIENT = {"k8s_api_request_timeout": 300, "k8s_api_request_retry_timeout": 600}
ASKED_OF = 20
"""Servers that are asked for an answer through the proxy."""
NODE = NodeKind(cpus=500, memory="2Ti", pods=110)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much there is."""

    started: int
    """Servers that are really started."""
    copied: int
    late: int
    """Starts in flight."""
    held: int
    """More of them, whose orders arrive late."""
    slow_s: float
    """How long a start takes."""
    right_s: float
    """How long things may be wrong after that."""

    @property
    def nodes(self) -> int:
        """How many nodes two such crowds need."""
        pods = 2 * (self.started + self.copied + self.late + self.held)
        return pods // (NODE.pods - 10) + 1


SCALES = {
    Size.SMOKE: Scale(started=20, copied=0, late=4, held=1, slow_s=5, right_s=15),
    Size.FULL: Scale(started=20, copied=980, late=45, held=5, slow_s=20, right_s=60),
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it."""

    state: State
    unreachable: int
    restart_s: float
    """From the start of the process until the hub answers."""
    right_s: float
    """From the arrival of the last late order until nothing is wrong; the limit, if it never was."""


async def _outcome(
    hub_class: type[KubeHub], scale: Scale, mutation: Mutation, plane: ControlPlane
) -> Outcome:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        client = await stack.enter_async_context(connected(plane.outside.write(folder / "admin")))
        namespace = await TestNamespace.create(
            client=client, access=plane.outside, security="privileged"
        )
        stack.push_async_callback(namespace.remove)
        proxy = stack.enter_context(FaultProxy(plane.outside))
        spec = HubSpec(
            document=cluster_document(),
            namespace=namespace.name,
            access=proxy.through(await namespace.hub_account()),
            extra=slow_starts(scale.slow_s),
            # Else the hub gives an order that is held up, and sends it again.
            config={"KubeSpawner": PATIENT},
        )
        hub = hub_class(spec, plane=plane, folder=folder)
        stack.push_async_callback(asyncio.to_thread, hub.stop)
        # In an orderly end it would stop everybody's server first.
        stack.callback(hub.kill)
        await asyncio.to_thread(hub.start)
        crowd = Crowd(hub=hub, namespace=namespace, proxy=proxy)
        await crowd.start_running(scale.started)
        if scale.copied:
            await crowd.copy_running(scale.copied)
        progress(f"h.kube: {hub_class.__name__}: {len(crowd.running)} servers run")
        if mutation is Mutation.LEAVE_ONE:
            await crowd.leave_one()
        return await _killed(crowd, hub, scale)


async def _killed(crowd: Crowd, hub: KubeHub, scale: Scale) -> Outcome:
    label = f"h.kube: {type(hub).__name__}"
    await crowd.begin(late=scale.late, held=scale.held)
    half = len(crowd.running) + scale.late // 2

    async def under_way() -> bool:
        return len(await crowd.owners()) >= half

    await until(under_way, what="half of the starts have pods", timeout_s=START_S)
    hub.kill()
    began = time.monotonic()
    await asyncio.to_thread(hub.start, within_s=START_S)
    answered = time.monotonic()
    progress(f"{label}: killed, and back after {answered - began:.1f} s")
    await crowd.start_again()
    await crowd.let_go()
    settled = time.monotonic()
    state = await crowd.look()
    while not state.is_right and time.monotonic() < settled + scale.right_s:
        await asyncio.sleep(LOOK_S)
        state = await crowd.look()
    right = time.monotonic()
    progress(f"{label}: after {right - settled:.1f} s {state}")
    return Outcome(
        state=state,
        unreachable=len(await crowd.unreachable(ASKED_OF)),
        restart_s=answered - began,
        right_s=right - settled,
    )


async def _both(scale: Scale, mutation: Mutation, plane: ControlPlane) -> list[Outcome]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        client = await stack.enter_async_context(connected(plane.outside.write(folder / "admin")))
        nodes = FakeNodes(CoreV1Api(client))
        stack.push_async_callback(nodes.remove)
        await nodes.add(scale.nodes, NODE)
        ours = _outcome(KubeHub, scale, mutation, plane)
        peer = _outcome(PlainKubeHub, scale, Mutation.NONE, plane)
        return [*await asyncio.gather(ours, peer)]


def run(size: Size, mutation: Mutation) -> Iterator[Measure]:
    """Kill a hub of each kind, start it again, and report what is wrong after a minute."""
    scale = SCALES[size]
    with own_cluster() as plane:
        ours, peer = asyncio.run(_both(scale, mutation, plane))
    servers, starts = scale.started + scale.copied, scale.late + scale.held
    behind = f"{servers} servers and {starts} starts in flight, {scale.right_s:g} s after"
    counts = {
        "orphans": "pods that no server of the hub has",
        "doubles": "people with two pods",
        "lost": "servers that ran, and which the hub does not have any more",
    }
    for name, what in counts.items():
        found = [len(getattr(side.state, name)) for side in (ours, peer)]
        yield _count(name, f"{what}: {behind}", *found)
    what = f"of {min(ASKED_OF, servers)} servers, those that the proxy does not reach: {behind}"
    yield _count("unreachable", what, ours.unreachable, peer.unreachable)
    yield _seconds("start", "killed until the hub answers again", ours.restart_s, peer.restart_s)
    what = "from when the last late order has arrived until nothing is wrong"
    yield _seconds("right", what, ours.right_s, peer.right_s)


def _count(name: str, what: str, ours: int, peer: int) -> Measure:
    return Measure(
        id=f"h.kube.{name}",
        what=what,
        ours=ours,
        peer=peer,
        peer_version=PEER_VERSION,
        ratio=None,
        target="0",
        ok=ours == 0,
        unit="count",
        load=os.getloadavg()[0],
    )


def _seconds(name: str, what: str, ours: float, peer: float) -> Measure:
    return Measure(
        id=f"h.kube.{name}",
        what=what,
        ours=ours,
        peer=peer,
        peer_version=PEER_VERSION,
        ratio=ours / peer if peer else None,
        target="for reading",
        ok=None,
        load=os.getloadavg()[0],
    )
