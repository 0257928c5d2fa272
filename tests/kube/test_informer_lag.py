"""R15: what the offers service knows lags behind what is, and the hub decides by it.

Nobody gets what somebody else was just given, and nobody is kept from what is free for longer than
a silent watch is believed. Budgets are given back by what the hub itself knows.
"""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from support.cluster.faults import Ending, EndStream, Match
from support.cluster.nodes import NodeKind
from support.cluster.waiting import until
from support.kube_catalogue import cluster_catalogue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from support.cluster.fault_proxy import FaultProxy
    from support.cluster.hub import KubeHub
    from support.cluster.hub_client import HubClient
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes, Pool

pytestmark = pytest.mark.asyncio

GPU = {"profile": "training"}
WATCHES = Match(path="/api/v1/pods", watch=True)
BELIEVED_S = 13.0 + 2.5
"""How long a watch may say nothing, and how long what it said counts after that."""
LATE_S = 10.0
"""Until everybody has heard of it, beside other tests."""


def settings(pool: Pool) -> dict[str, Any]:
    where = pool.placement["nodeSelector"]
    made = cluster_catalogue(node_selector=where)
    made["accelerators"]["l4"]["kubernetes"] = {"node_selector": where}
    return made


class Told:
    """What somebody is told of the one kind of accelerator."""

    def __init__(self, client: HubClient) -> None:
        self._client = client

    async def free(self) -> int | None:
        reply = await self._client("GET", "/services/offers/api/v1/availability")
        # The service may not have begun yet.
        found = reply.json["flavors"][0]["state"] if reply.status == 200 else None
        return None if found is None else int(found["free"])

    async def when_free(self, count: int | None) -> None:
        async def it_is() -> bool:
            return await self.free() == count

        await until(it_is, what=f"people are told that {count} are free", timeout_s=30)


async def test_what_is_known_too_late_gives_nothing_twice_and_is_not_believed_for_long(
    make_hub: Callable[..., Awaitable[KubeHub]],
    namespace: TestNamespace,
    nodes: FakeNodes,
    fault_proxy: FaultProxy,
) -> None:
    pool = await nodes.add(1, NodeKind(gpus=1))
    offers = fault_proxy.through(await namespace.offers_account())
    hub = await make_hub(settings(pool), offers=offers)
    async with hub.client() as client, AsyncExitStack() as stack:
        await client.add_users("ann", "bob")
        token = (await client("POST", "users/ann/tokens", json={})).json["token"]
        told = Told(await stack.enter_async_context(hub.client(token)))
        await told.when_free(1)

        # Deaf before ann starts: for the informer her GPU stays free.
        fault_proxy.inject(EndStream(ending=Ending.HALF_OPEN), WATCHES)
        fault_proxy.end_now(Ending.HALF_OPEN, WATCHES)
        assert (await client.start("ann", GPU)).status in {201, 202}
        refused = await client.start("bob", GPU)
        assert refused.status == 409
        assert "No NVIDIA L4 is free" in refused.text
        assert {pod.metadata.name for pod in await namespace.pods()} == {"jupyter-ann"}

        fault_proxy.heal()
        await told.when_free(0)

        # Deaf before ann stops: for the informer her GPU stays taken.
        fault_proxy.inject(EndStream(ending=Ending.HALF_OPEN), WATCHES)
        fault_proxy.end_now(Ending.HALF_OPEN, WATCHES)
        await client.stop("ann")
        await namespace.when_empty()
        free = time.monotonic()

        asked: list[float] = []

        async def let_in() -> bool:
            asked.append(time.monotonic())
            return (await client.start("bob", GPU)).status in {201, 202}

        await until(let_in, what="bob gets what is free", timeout_s=BELIEVED_S + 2 * LATE_S)
        assert len(asked) > 1, "the informer was not late"
        assert asked[-1] - free < BELIEVED_S + LATE_S
        assert [event async for event in client.progress("bob")][-1]["ready"]
        assert {pod.metadata.name for pod in await namespace.pods()} == {"jupyter-bob"}
