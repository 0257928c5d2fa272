"""Everybody starts at once: twice as many people as GPUs, on the real scheduler."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from kubernetes_asyncio.watch import Watch

from support.cluster.hub_client import server_path
from support.cluster.nodes import NodeKind
from support.cluster.objects import GPU
from support.cluster.waiting import until
from support.kube_spawner import L4, cluster_document

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from support.cluster.hub import KubeHub
    from support.cluster.hub_client import HubClient, Reply
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes

pytestmark = [pytest.mark.asyncio, pytest.mark.slow, pytest.mark.timeout(600)]

GPUS = 100
PEOPLE = [f"user-{number:03}" for number in range(2 * GPUS)]
LOOK_S = 2.0
"""Between two questions to the hub: each costs it a listing of everybody."""
PATIENCE_S = 300.0
ANSWER = aiohttp.ClientTimeout(total=PATIENCE_S)
"""A hub that is asked for everything at once answers one after the other."""
ALIVE = ("Pending", "Running")


@dataclass
class Ledger:
    """Who has which GPU, by every change of every pod. One that is wrong for a moment is wrong."""

    nodes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Node and owner of the pods that have one, by uid."""
    owners: dict[str, str] = field(default_factory=dict)
    """Owner of every pod there is."""
    wrong: list[str] = field(default_factory=list)
    most: int = 0

    def note(self, kind: str, pod: Any) -> None:
        """Take up an event of the watch."""
        uid, owner = pod.metadata.uid, pod.metadata.labels["sandlot/owner"]
        if kind == "DELETED" or pod.status.phase not in ALIVE:
            self.nodes.pop(uid, None)
            self.owners.pop(uid, None)
            return
        self.owners[uid] = owner
        if pod.spec.node_name:
            assert pod.spec.containers[0].resources.limits[GPU] == "1"
            self.nodes[uid] = pod.spec.node_name, owner
        self.most = max(self.most, len(self.nodes))
        self._check()

    def _check(self) -> None:
        twice = {
            "pods": Counter(self.owners.values()),
            "GPUs": Counter(owner for _, owner in self.nodes.values()),
            "owners of a GPU": Counter(node for node, _ in self.nodes.values()),
        }
        for what, counter in twice.items():
            if counter and max(counter.values()) > 1:
                self.wrong.append(f"{counter.most_common(1)[0]} has two {what}")

    async def keep(self, namespace: TestNamespace) -> None:
        """Take up every event, until it is cancelled."""
        async with Watch() as watch:
            async for event in watch.stream(namespace.core.list_namespaced_pod, namespace.name):
                self.note(event["type"], event["object"])


async def begun(client: HubClient, name: str) -> Reply:
    return await client("POST", server_path(name), json={"user_options": L4}, timeout=ANSWER)


async def ended(client: HubClient, name: str) -> Reply:
    return await client("DELETE", server_path(name), timeout=ANSWER)


async def standing(client: HubClient) -> dict[str, str]:
    """Return what the hub says of everybody's server: ready, or what is pending."""
    found = await client("GET", "users?state=active&limit=200", timeout=ANSWER)
    assert found.status == 200, found.text
    servers = {user["name"]: user["servers"][""] for user in found.json if user["servers"]}
    return {
        name: "ready" if server["ready"] else str(server["pending"])
        for name, server in servers.items()
    }


async def when(
    client: HubClient, ready: int, *, waiting: int, say: Callable[[str], None]
) -> dict[str, str]:
    """Return what there is, once so many servers are ready and the others wait."""
    now: dict[str, str] = {}
    said = ""

    async def so_far() -> bool:
        nonlocal now, said
        await asyncio.sleep(LOOK_S)
        now = await standing(client)
        counted = Counter(now.values())
        if said != (said := f"  {counted['ready']} ready, {counted['spawn']} waiting"):
            say(said)
        return counted == Counter(ready=ready, spawn=waiting)

    await until(so_far, what=f"{ready} ready, {waiting} waiting", timeout_s=PATIENCE_S)
    return now


async def test_two_hundred_people_and_a_hundred_gpus(
    make_hub: Callable[..., Awaitable[KubeHub]],
    namespace: TestNamespace,
    nodes: FakeNodes,
    say: Callable[[str], None],
) -> None:
    pool = await nodes.add(GPUS, NodeKind(gpus=1, taint=(GPU, "present", "NoSchedule")))
    hub = await make_hub(
        cluster_document(
            node_selector=pool.placement["nodeSelector"],
            tolerations=pool.placement["tolerations"],
            patience={"busy": "10 min"},
        ),
        config={
            "JupyterHub": {
                # All of them may be on their way at once; JupyterHub's own limit of 100 would
                # turn half of them away, to ask again.
                "concurrent_spawn_limit": len(PEOPLE),
                # What is not done at once is answered at once.
                "tornado_settings": {"slow_spawn_timeout": 0, "slow_stop_timeout": 0},
                "log_level": "WARN",
            },
        },
    )
    ledger = Ledger()
    keeping = asyncio.create_task(ledger.keep(namespace))
    async with hub.client() as client:
        await client.add_users(*PEOPLE)
        say(f"  {len(PEOPLE)} people start at once on {GPUS} GPUs")
        asked = await asyncio.gather(*(begun(client, name) for name in PEOPLE))
        assert {reply.status for reply in asked} <= {201, 202}
        first = await when(client, GPUS, waiting=GPUS, say=say)
        assert set(first) == set(PEOPLE), "somebody was lost"
        served = [name for name, state in first.items() if state == "ready"]

        say("  those who have a GPU stop")
        await asyncio.gather(*(ended(client, name) for name in served))
        second = await when(client, GPUS, waiting=0, say=say)
        assert set(second) == set(PEOPLE) - set(served)

        say("  everybody stops")
        await asyncio.gather(*(ended(client, name) for name in second))
        await namespace.when_empty()
        await when(client, 0, waiting=0, say=say)
    assert not keeping.done(), "the ledger was not kept to the end"
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert ledger.wrong == []
    assert (ledger.most, ledger.owners, ledger.nodes) == (GPUS, {}, {})
