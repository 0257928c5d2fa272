"""A start that is cancelled, asked for twice, or crossed by a stop: the last word holds.

Afterwards there is one pod or none, the home stays, and the place is free again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from support.cluster import faults
from support.cluster.fates import AFTER, FATE
from support.cluster.faults import CREATE_POD, PODS, Match
from support.cluster.nodes import NodeKind
from support.cluster.objects import GPU, pod
from support.cluster.waiting import until
from support.kube_spawner import L4, SMALL, cluster_document

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from support.cluster.fault_proxy import FaultProxy
    from support.cluster.hub import KubeHub
    from support.cluster.hub_client import HubClient
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]

KIND = NodeKind(gpus=1, product="NVIDIA-L4", cpus=64, taint=(GPU, "present", "NoSchedule"))
CONFIG = {
    # The hub answers at once that something is under way.
    "JupyterHub": {"tornado_settings": {"slow_spawn_timeout": 0, "slow_stop_timeout": 0}},
    # A user has the fate of that name; other names are none.
    "KubeSpawner": {"extra_annotations": {FATE: "{unescaped_username}", AFTER: "1h"}},
}
DELETE_POD = Match(method="DELETE", path=rf"{PODS}/[^/]+")
PLACES = 2
"""How many servers of a size may run at once."""


def at(placement: dict[str, Any], homes: str) -> dict[str, Any]:
    document = cluster_document(
        node_selector=placement["nodeSelector"],
        tolerations=placement["tolerations"],
        homes={"kind": "claim", "size": "1 GiB", "storage_class": homes},
    )
    document["sizes"]["l4"]["max_running"] = PLACES
    return document


def stopped(client: HubClient, user: str) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return not (await client.user(user))["servers"]

    return look


async def cancelled(client: HubClient, user: str) -> list[dict[str, Any]]:
    """Cancel a start; return what its progress told until then."""
    told: list[dict[str, Any]] = []

    async def read() -> None:
        told.extend([event async for event in client.progress(user)])

    reading = asyncio.ensure_future(read())
    assert (await client.stop(user)).status in {202, 204}
    await until(stopped(client, user), what="the start is cancelled")
    await reading
    return told


async def pods(namespace: TestNamespace) -> list[str]:
    found = (await namespace.core.list_namespaced_pod(namespace.name)).items
    return sorted(each.metadata.name for each in found)


async def claims(namespace: TestNamespace) -> list[str]:
    found = await namespace.core.list_namespaced_persistent_volume_claim(namespace.name)
    return sorted(each.metadata.name for each in found.items)


async def test_a_start_is_cancelled_in_every_phase(
    make_hub: Callable[..., Awaitable[KubeHub]],
    make_volumes: Callable[[int], Awaitable[str]],
    namespace: TestNamespace,
    nodes: FakeNodes,
    fault_proxy: FaultProxy,
) -> None:
    pool = await nodes.add(1, KIND)
    hub = await make_hub(
        at(pool.placement, await make_volumes(8)),
        access=fault_proxy.through(await namespace.hub_account()),
        config=CONFIG,
    )
    await namespace.create_pod(pod("other", gpus=1, **pool.placement))
    await namespace.pod_when("other", lambda found: found.spec.node_name, what="it has the GPU")

    async with hub.client() as client:
        await client.add_users("place", "slow", "answer", "held", "lost")

        async def is_at(user: str, words: str) -> None:
            async for event in client.progress(user):
                if words in event["message"]:
                    return
                assert not event.get("failed"), event

        # Waiting for a place, for the image, for the answer.
        await client.start("place", L4)
        await is_at("place", "in use")
        await client.start("slow", SMALL)
        await is_at("slow", "image")
        hub.keep_silent("answer")
        await client.start("answer", SMALL)
        await namespace.pod_when("jupyter-answer", lambda it: it.status.pod_ip, what="it runs")
        for user in ("place", "slow", "answer"):
            assert "cancelled" in (await cancelled(client, user))[-1]["message"], user
        assert await pods(namespace) == ["other"]

        # While the pod is ordered: the order has not arrived, or its answer does not.
        fault_proxy.inject(faults.Hold(), CREATE_POD, times=1)
        await client.start("held", SMALL)
        await until(lambda: fault_proxy.under_way(CREATE_POD), what="the order is held")
        await cancelled(client, "held")
        fault_proxy.inject(faults.Lost(), CREATE_POD, times=1)
        await client.start("lost", SMALL)
        await namespace.pod_when("jupyter-lost", lambda _: True, what="it is made")
        await cancelled(client, "lost")
        assert await pods(namespace) == ["other"]

        # Homes stay, places are free: all that there are can be taken again.
        everybody = ("place", "slow", "answer", "held", "lost")
        assert await claims(namespace) == sorted(f"claim-{user}" for user in everybody)
        for user in everybody[:PLACES]:
            assert (await client.start(user, L4)).status == 202, user
        await client.start("held", L4)
        told = [event async for event in client.progress("held")]
        assert "Code: size-full" in told[-1]["html_message"], told


async def test_r10_and_r11_the_last_request_decides(
    make_hub: Callable[..., Awaitable[KubeHub]],
    make_volumes: Callable[[int], Awaitable[str]],
    namespace: TestNamespace,
    nodes: FakeNodes,
    fault_proxy: FaultProxy,
) -> None:
    pool = await nodes.add(1, KIND)
    hub = await make_hub(
        at(pool.placement, await make_volumes(4)),
        access=fault_proxy.through(await namespace.hub_account()),
        config=CONFIG,
    )
    async with hub.client() as client:
        await client.add_users("ann", "bob", "cid")

        # R10: two clients, one server. Who comes second is told that it starts.
        replies = await asyncio.gather(*(client.start("ann", L4) for _ in range(5)))
        assert min(reply.status for reply in replies) in {201, 202}
        assert {reply.status for reply in replies} <= {201, 202, 400}, replies
        async for _ in client.progress("ann"):
            pass
        assert await pods(namespace) == ["jupyter-ann"]
        assert fault_proxy.count(CREATE_POD) == 1

        # R11: stopped while it starts, started while it stops.
        await client.start("bob", SMALL)
        await cancelled(client, "bob")
        assert await pods(namespace) == ["jupyter-ann"]
        await client.started("bob", SMALL)
        stop = faults.Hold()
        fault_proxy.inject(stop, DELETE_POD, times=1)
        await client.stop("bob")
        await until(lambda: fault_proxy.under_way(DELETE_POD), what="the stop is on its way")
        too_early = await client.start("bob", SMALL)
        assert too_early.status == 400, too_early
        assert "pending stop" in too_early.text
        stop.release()
        await until(stopped(client, "bob"), what="it is stopped")
        first = {each["started"] for each in (await client.user("bob"))["servers"].values()}
        assert first == set()
        await client.started("bob", SMALL)
        assert await pods(namespace) == ["jupyter-ann", "jupyter-bob"]
