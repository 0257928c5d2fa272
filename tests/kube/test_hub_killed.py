"""R09: the hub is killed at every request of a start and a stop, and in every wait of a start.

What a request asks for may have been done or not when its hub dies, and may even be done later. The
next hub takes up what its database knows of, and removes the rest. Nothing is there twice, and
people start again at once.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from support.cluster import faults
from support.cluster.fates import AFTER, FATE
from support.cluster.faults import CREATE_POD, LIST_PODS, WATCH_PODS, Match
from support.cluster.killed_hub import ADOPTED, REMOVED, KilledHub
from support.cluster.nodes import NodeKind
from support.cluster.objects import GPU, pod
from support.cluster.waiting import until
from support.kube_spawner import L4, SMALL, document_at

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from support.cluster.fault_proxy import FaultProxy
    from support.cluster.faults import Fault, Request
    from support.cluster.hub import KubeHub
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes, Pool

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]

KIND = NodeKind(gpus=1, product="NVIDIA-L4", cpus=64, taint=(GPU, "present", "NoSchedule"))
CONFIG = {
    # The hub answers at once that something is under way.
    "JupyterHub": {"tornado_settings": {"slow_spawn_timeout": 0, "slow_stop_timeout": 0}},
    "KubeSpawner": {
        # A user has the fate of that name; other names are none.
        "extra_annotations": {FATE: "{unescaped_username}", AFTER: "1h"},
        # Longer than the test: what is held is not tried again.
        "k8s_api_request_timeout": 60,
        "http_timeout": 3,
    },
}


@dataclass(kw_only=True)
class Scene(KilledHub):
    """Users of a hub behind the proxy, each stopped at another point."""

    proxy: FaultProxy

    async def hold_start(self, user: str, match: Match, fault: Fault) -> None:
        await self.client.add_users(user)
        rule = self.proxy.inject(fault, match, times=1)
        assert (await self.client.start(user, SMALL)).status == 202
        await until(lambda: rule.hits, what=f"{user} is held")

    async def hold_stop(self, user: str, match: Match, fault: Fault) -> None:
        await self.client.add_users(user)
        await self.client.started(user, SMALL)
        rule = self.proxy.inject(fault, match, times=1)
        assert (await self.client.stop(user)).status == 202
        await until(lambda: rule.hits, what=f"{user} is held")

    @override
    async def killed_and_restarted(self) -> None:
        self.hub.kill()
        self.proxy.heal()
        await super().killed_and_restarted()


class _OfOneServer(Match):
    """Requests for one server, not those of the watches, which all servers share."""

    def __call__(self, request: Request) -> bool:
        own = re.fullmatch(
            r"/api/v1/namespaces/[^/]+/(pods|persistentvolumeclaims)/.+", request.path
        )
        return own is not None or (request.method == "POST" and "/namespaces/" in request.path)


OF_ONE_SERVER = _OfOneServer()


async def _recorded(scene: Scene) -> dict[str, list[Request]]:
    """Return what an undisturbed start and its stop ask the cluster for."""
    await scene.client.add_users("first")
    await scene.client.started("first", SMALL)
    start = scene.proxy.requests(OF_ONE_SERVER)
    await scene.client.stop("first")
    await until(scene.stopped("first"), what="it is stopped")
    stop = scene.proxy.requests(OF_ONE_SERVER)[len(start) :]
    assert {CREATE_POD(each) for each in start} == {True, False}, start
    assert {each.method for each in stop} == {"GET", "DELETE"}, stop
    return {"start": start, "stop": stop}


def _like(request: Request) -> Match:
    """Return what matches the same request for anybody."""
    path = re.sub(r"(jupyter|claim)-first", r"\1-[^/]+", request.path)
    return Match(method=request.method, path=path)


BEFORE_AND_AFTER = {"before": faults.Hold, "after": faults.Lost}
"""How a request is held: it has not arrived, or it was done and the answer did not arrive."""


async def _hold_every_request(scene: Scene, recorded: Mapping[str, Sequence[Request]]) -> None:
    """Have a user held at each request, in both ways."""
    for action, requests in recorded.items():
        for number, request in enumerate(requests):
            for when, fault in BEFORE_AND_AFTER.items():
                user = f"{action}-{number}-{request.method.lower()}-{when}"
                hold = scene.hold_start if action == "start" else scene.hold_stop
                await hold(user, _like(request), fault())


async def _hold_every_wait(scene: Scene, nodes_of: Pool) -> None:
    """Have users in each wait of a start, one that works, and one that is being stopped."""
    client, namespace = scene.client, scene.namespace
    await client.add_users("works", "slow", "place", "answer", "stuck")
    await client.started("works", SMALL)
    await client.start("slow", SMALL)
    await namespace.create_pod(pod("other", gpus=1, **nodes_of.placement))
    await namespace.pod_when("other", lambda found: found.spec.node_name, what="it has the GPU")
    await client.start("place", L4)
    scene.hub.keep_silent("answer")
    await client.start("answer", SMALL)
    await namespace.pod_when("jupyter-answer", lambda it: it.status.phase == "Running", what="runs")
    await client.started("stuck", SMALL)
    await client.stop("stuck")
    await namespace.pod_when(
        "jupyter-stuck", lambda found: found.metadata.deletion_timestamp, what="it is to end"
    )


async def test_r09_killed_at_every_request_and_in_every_wait(
    make_hub: Callable[..., Awaitable[KubeHub]],
    make_volumes: Callable[[int], Awaitable[str]],
    namespace: TestNamespace,
    nodes: FakeNodes,
    fault_proxy: FaultProxy,
) -> None:
    pool = await nodes.add(1, KIND)
    homes = {"kind": "claim", "size": "1 GiB", "storage_class": await make_volumes(24)}
    hub = await make_hub(
        document_at(pool, homes=homes),
        access=fault_proxy.through(await namespace.hub_account()),
        config=CONFIG,
    )
    async with hub.client() as client:
        scene = Scene(hub=hub, client=client, namespace=namespace, proxy=fault_proxy)
        recorded = await _recorded(scene)
        await _hold_every_wait(scene, pool)
        await _hold_every_request(scene, recorded)
        late, later = faults.Late(), faults.Late()
        await scene.hold_start("late", CREATE_POD, late)
        await scene.hold_start("later", CREATE_POD, later)
        await scene.note_spawn_ids()

        await scene.killed_and_restarted()
        await namespace.core.patch_namespaced_pod(
            "jupyter-stuck", namespace.name, {"metadata": {"annotations": {FATE: "none"}}}
        )
        await scene.settled()
        assert await scene.outcomes() == OUTCOMES

        # People start again at once, and what arrives now meets what is there by then.
        again = [user for user, outcome in OUTCOMES.items() if outcome == REMOVED]
        again = [user for user in again if user not in {"late", "slow", "place"}]
        await asyncio.gather(*(client.started(user, SMALL) for user in again))
        late.release()
        later.release()
        await namespace.pod_when("jupyter-late", lambda _: True, what="the late order arrived")
        await scene.settled()
        adopted = [user for user, outcome in OUTCOMES.items() if outcome == ADOPTED]
        assert await scene.pods() == sorted([*adopted, *again])
        claims = await namespace.core.list_namespaced_persistent_volume_claim(namespace.name)
        assert len(claims.items) <= len(OUTCOMES)
        secrets = await namespace.core.list_namespaced_secret(namespace.name)
        assert secrets.items == []


OUTCOMES = {
    "first": REMOVED,
    "start-0-post-before": REMOVED,
    "start-0-post-after": REMOVED,
    "start-1-post-before": REMOVED,
    "start-1-post-after": ADOPTED,
    "stop-0-get-before": ADOPTED,
    "stop-0-get-after": ADOPTED,
    "stop-1-delete-before": ADOPTED,
    "stop-1-delete-after": REMOVED,
    "late": REMOVED,
    "later": REMOVED,
    "works": ADOPTED,
    "slow": REMOVED,
    "place": REMOVED,
    "answer": ADOPTED,
    "stuck": REMOVED,
}


EVENTS = LIST_PODS.path.replace("pods", "events")
SHARED = {
    "list-pods": LIST_PODS,
    "watch-pods": WATCH_PODS,
    "list-events": Match(method="GET", path=EVENTS, watch=False),
    "watch-events": Match(method="GET", path=EVENTS, watch=True),
}
"""Requests with which the first start of a hub begins the watches of all."""


async def test_r09_killed_while_the_watches_begin(
    make_hub: Callable[..., Awaitable[KubeHub]],
    namespace: TestNamespace,
    nodes: FakeNodes,
    fault_proxy: FaultProxy,
) -> None:
    pool = await nodes.add(1, KIND)
    account = fault_proxy.through(await namespace.hub_account())
    hub = await make_hub(document_at(pool), access=account, config=CONFIG)
    async with hub.client() as client:
        scene = Scene(hub=hub, client=client, namespace=namespace, proxy=fault_proxy)
        for name, match in SHARED.items():
            # They only read: whether an answer came back makes no difference to the cluster.
            await scene.hold_start("ann", match, faults.Hold())
            await scene.killed_and_restarted()
            await scene.settled()
            assert len(await scene.pods()) == len((await client.user("ann"))["servers"]), name
            if await scene.server("ann") is None:
                await client.started("ann", SMALL)
            assert await scene.pods() == ["ann"], name
            await client.stop("ann")
            await until(scene.stopped("ann"), what="it is stopped")
            # The next hub has no server to look after, and so no watch before the next start.
            await scene.killed_and_restarted()
