"""`g.kube.rush`: what it costs a hub when many people start at once, beside plain KubeSpawner.

Two hub processes on one API server, one with Sandlot and one with KubeSpawner as published. Everybody
of one hub sends a start in the same moment, then everybody of the other, in turn. What a process
has used until all servers are ready is JupyterHub's own share and the spawner's; the difference is
ours.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from kubernetes_asyncio.client import CoreV1Api

from bench.harness import Measure, Mutation, Size, interval, progress
from bench.hub_process import cpu_seconds
from bench.kube_crowd import PlainKubeHub
from bench.kube_place import own_cluster
from bench.kube_start import PEER_VERSION
from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.offers.profile_list import build_profile_list
from sandlot_hub.domain.offers.profiles import visible
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.domain.values.entitlements import Entitlements
from support.cluster.api import connected
from support.cluster.hub import HubSpec, KubeHub
from support.cluster.hub_client import server_path
from support.cluster.namespaces import TestNamespace
from support.cluster.nodes import FakeNodes, NodeKind
from support.cluster.waiting import until
from support.kube_spawner import SMALL, cluster_document

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from support.cluster.control_plane import ControlPlane
    from support.cluster.hub_client import HubClient, Reply

NODE = NodeKind(cpus=500, memory="2Ti", pods=110)
PATIENCE_S = 300.0
LIMITS = aiohttp.ClientTimeout(total=PATIENCE_S)
EXTRA = """\
c.JupyterHub.concurrent_spawn_limit = 0
c.JupyterHub.log_level = "WARN"
c.Spawner.consecutive_failure_limit = 0
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0, "slow_stop_timeout": 0}
"""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much there is."""

    people: int
    rounds: int
    """Of both hubs each."""


SCALES = {Size.SMOKE: Scale(people=10, rounds=1), Size.FULL: Scale(people=200, rounds=3)}


@dataclass
class Side:
    """One hub and everybody in it, and what was measured of it."""

    hub: KubeHub
    client: HubClient
    names: list[str]
    cpu: list[float] = field(default_factory=list)
    """CPU seconds of its event loop for each start of a round."""
    answered: list[float] = field(default_factory=list)
    """Seconds until the last of a round has an answer."""
    ready: list[float] = field(default_factory=list)
    """Seconds until all servers of a round are ready."""

    async def round(self) -> None:
        """Have everybody start at once, and stop when all servers are ready."""
        before, began = cpu_seconds(self.hub.pid), time.monotonic()
        replies = await asyncio.gather(*(self._ask("POST", name) for name in self.names))
        self.answered.append(time.monotonic() - began)
        assert {reply.status for reply in replies} <= {201, 202}, replies[0].text
        # By the file of its proxy: a question to the hub would cost what is measured.
        await self._routed(len(self.names))
        self.ready.append(time.monotonic() - began)
        self.cpu.append((cpu_seconds(self.hub.pid) - before) / len(self.names))
        await asyncio.gather(*(self._ask("DELETE", name) for name in self.names))
        await self._routed(0)

        async def is_idle() -> bool:
            reply = await self.client("GET", "users?state=active&limit=1", timeout=LIMITS)
            return not reply.json

        await until(is_idle, what="all have stopped", timeout_s=PATIENCE_S)

    async def _ask(self, method: str, name: str) -> Reply:
        asked = {"json": {"user_options": SMALL}} if method == "POST" else {}
        return await self.client(method, server_path(name), timeout=LIMITS, **asked)

    async def _routed(self, count: int) -> None:
        await until(
            lambda: len(self.hub.routes()) == count,
            what=f"{count} servers have a route",
            timeout_s=PATIENCE_S,
        )


def _same_choices() -> Any:
    """Return what people may choose, as KubeSpawner's own form has it."""
    settings = SandlotSettings.model_validate(cluster_document())
    shown = visible(Entitlements(user="user"), settings, Facilities(mode=Mode.KUBERNETES))
    return build_profile_list(shown, None)


@asynccontextmanager
async def _side(hub_class: type[KubeHub], people: int, plane: ControlPlane) -> AsyncIterator[Side]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        api = await stack.enter_async_context(connected(plane.outside.write(folder / "admin")))
        # KubeSpawner's own pods would not pass *restricted*.
        namespace = await TestNamespace.create(
            client=api, access=plane.outside, security="privileged"
        )
        stack.push_async_callback(namespace.remove)
        plain = {"KubeSpawner": {"profile_list": _same_choices()}}
        spec = HubSpec(
            document=cluster_document(),
            namespace=namespace.name,
            access=await namespace.hub_account(),
            extra=EXTRA,
            config=plain if hub_class is PlainKubeHub else {},
        )
        hub = hub_class(spec, plane=plane, folder=folder)
        stack.push_async_callback(asyncio.to_thread, hub.stop)
        await asyncio.to_thread(hub.start)
        client = await stack.enter_async_context(hub.client())
        names = [f"user{number:04}" for number in range(people)]
        await client.add_users(*names)
        yield Side(hub=hub, client=client, names=names)


async def _both(scale: Scale, plane: ControlPlane) -> tuple[Side, Side]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        api = await stack.enter_async_context(connected(plane.outside.write(folder / "admin")))
        nodes = FakeNodes(CoreV1Api(api))
        stack.push_async_callback(nodes.remove)
        await nodes.add(2 * scale.people // (NODE.pods - 10) + 1, NODE)
        ours = await stack.enter_async_context(_side(KubeHub, scale.people, plane))
        peer = await stack.enter_async_context(_side(PlainKubeHub, scale.people, plane))
        for number in range(1 + scale.rounds):
            for side in (ours, peer) if number % 2 else (peer, ours):
                await side.round()
                progress(
                    f"g.kube.rush: {type(side.hub).__name__}: {1000 * side.cpu[-1]:.1f} ms a start, "
                    f"answered after {side.answered[-1]:.1f} s, ready after {side.ready[-1]:.1f} s"
                )
        for side in (ours, peer):
            # The first start of a user makes what later ones have, and watches begin.
            for figures in (side.cpu, side.answered, side.ready):
                del figures[0]
        return ours, peer


def run(size: Size, mutation: Mutation) -> Iterator[Measure]:
    """Have everybody start at once in either hub, in turn."""
    del mutation
    scale = SCALES[size]
    with own_cluster() as plane:
        ours, peer = asyncio.run(_both(scale, plane))
    more = interval([a - b for a, b in zip(ours.cpu, peer.cpu, strict=True)])
    yield Measure(
        id="g.kube.rush.cpu",
        what=f"CPU of the hub's event loop a start, when {scale.people} start at once, until ready",
        ours=statistics.median(ours.cpu),
        peer=statistics.median(peer.cpu),
        peer_version=PEER_VERSION,
        ratio=statistics.median(ours.cpu) / statistics.median(peer.cpu),
        target="for reading",
        ok=None,
        pairs=scale.rounds,
        interval=(more.low, more.high),
        load=os.getloadavg()[0],
    )
    for name, what in {"answered": "the last has an answer", "ready": "all are ready"}.items():
        found = [statistics.median(getattr(side, name)) for side in (ours, peer)]
        yield Measure(
            id=f"g.kube.rush.{name}",
            what=f"{scale.people} start at once until {what}",
            ours=found[0],
            peer=found[1],
            peer_version=PEER_VERSION,
            ratio=found[0] / found[1],
            target="for reading",
            ok=None,
            pairs=scale.rounds,
            load=os.getloadavg()[0],
        )
