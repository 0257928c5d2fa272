"""What `SandlotKubeSpawner` says of a server that was ready and has ended, on a real cluster."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from kubernetes_asyncio.client import SchedulingV1Api

from sandlot_hub.spawner import hooks
from support.cluster.fates import Fate, fate_annotations
from support.cluster.nodes import NodeKind
from support.cluster.objects import pod
from support.cluster.waiting import until
from support.hub_user import HubUser
from support.kube_spawner import (
    L4,
    SMALL,
    document_at,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from kubernetes_asyncio.client import ApiClient, CoreV1Api

    from sandlot_hub.spawner.kube import SandlotKubeSpawner
    from support.cluster.hub import KubeHub
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def start(
    make_spawner: Callable[..., SandlotKubeSpawner], nodes: FakeNodes
) -> Callable[..., Awaitable[SandlotKubeSpawner]]:
    async def started(**options: Any) -> SandlotKubeSpawner:
        spawner = make_spawner(document_at(await nodes.add(1)), **options)
        await hooks.apply_user_options(spawner, SMALL)
        await spawner.start()
        return spawner

    return started


async def _ended(spawner: SandlotKubeSpawner) -> str:
    async def ended() -> bool:
        return await spawner.poll() is not None

    await until(ended, what="the server has ended")
    assert spawner.ended is not None
    return spawner.ended.code


@pytest.mark.parametrize(
    ("fate", "fields", "code", "words"),
    [
        pytest.param(Fate.OOM, {}, "out-of-memory", "used all of its memory", id="out-of-memory"),
        pytest.param(Fate.EXIT, {"exit_code": 7}, "exited", "(exit code 7)", id="exit-code"),
        pytest.param(Fate.CRASH, {}, "exited", "ended by itself", id="crash"),
        pytest.param(Fate.EVICTED, {}, "evicted", "ran short of memory", id="evicted"),
    ],
)
async def test_by_itself_or_by_its_node(
    fate: Fate,
    fields: dict[str, Any],
    code: str,
    words: str,
    start: Callable[..., Awaitable[SandlotKubeSpawner]],
    namespace: TestNamespace,
) -> None:
    spawner = await start(extra_annotations=fate_annotations(fate, after="2s", **fields))
    assert await spawner.poll() is None
    assert await _ended(spawner) == code
    assert spawner.ended is not None
    assert words in spawner.ended.message
    if fate is not Fate.EVICTED:  # whose pod holds nothing, and goes with the next start
        await namespace.when_empty()


async def test_removed_by_somebody(
    start: Callable[..., Awaitable[SandlotKubeSpawner]], namespace: TestNamespace
) -> None:
    spawner = await start()
    await namespace.core.delete_namespaced_pod("jupyter-ann", namespace.name)
    assert await _ended(spawner) == "vanished"


@pytest_asyncio.fixture
async def urgent(namespace: TestNamespace, api: ApiClient) -> AsyncIterator[str]:
    """A priority above that of servers."""
    priorities = SchedulingV1Api(api)
    priority: Any = {"metadata": {"name": namespace.name}, "value": 1000}
    await priorities.create_priority_class(priority)
    yield namespace.name
    await priorities.delete_priority_class(namespace.name)


async def test_for_more_urgent_work(
    make_spawner: Callable[..., SandlotKubeSpawner],
    namespace: TestNamespace,
    nodes: FakeNodes,
    urgent: str,
) -> None:
    pool = await nodes.add(1, NodeKind(gpus=1))
    spawner = make_spawner(document_at(pool))
    await hooks.apply_user_options(spawner, L4)
    await spawner.start()
    await namespace.create_pod(pod("theirs", gpus=1, priorityClassName=urgent, **pool.placement))
    assert await _ended(spawner) == "preempted"


async def test_stopped_by_the_hub_is_no_news(
    start: Callable[..., Awaitable[SandlotKubeSpawner]],
) -> None:
    spawner = await start()
    await spawner.stop()
    assert await spawner.poll() == 1
    assert spawner.ended is None


def _home(url: str) -> str:
    user = HubUser(url, "ann")
    user.log_in("any")
    return user.get("/hub/home").text


async def test_the_home_page_says_it_and_a_restart_forgets_nothing(
    make_hub: Callable[..., Awaitable[KubeHub]], nodes: FakeNodes, core: CoreV1Api
) -> None:
    hub = await make_hub(document_at(await nodes.add(1)))
    async with hub.client() as client:
        await client.add_users("ann")
        await client.started("ann", SMALL)
        await core.delete_namespaced_pod("jupyter-ann", hub.namespace)

        async def stopped() -> bool:
            return not (await client.user("ann"))["servers"]

        await until(stopped, what="the hub knows that the server has ended")
    assert "The server of ann has ended (vanished)" in hub.log
    told = "Your server was removed from the cluster by somebody else."
    assert told in await asyncio.to_thread(_home, hub.url)
    await asyncio.to_thread(hub.restart)
    assert told in await asyncio.to_thread(_home, hub.url)


async def test_a_server_that_never_answers_is_no_failure_of_the_hub(
    make_hub: Callable[..., Awaitable[KubeHub]], nodes: FakeNodes
) -> None:
    patience = {"answer": "2 s"}
    hub = await make_hub(
        document_at(await nodes.add(1), patience=patience),
        extra="c.JupyterHub.concurrent_spawn_limit = 0\nc.Spawner.consecutive_failure_limit = 1",
    )
    hub.keep_silent("ann")
    async with hub.client() as client:
        await client.add_users("ann")
        await client.start("ann", SMALL)
        told = [event async for event in client.progress("ann")]
        assert told[-1]["failed"] is True
        assert "The server runs, and gets ready to answer." in told[-1]["message"]
        metrics = (await client("GET", "/hub/metrics")).text
        assert 'reason="no-answer",status="failure"' in metrics
        hub.keep_silent()
        await client.started("ann", SMALL)
