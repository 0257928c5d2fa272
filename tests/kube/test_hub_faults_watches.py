"""Watches that end, expire, fall silent or go back in time: no start is lost, no server either."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from kubernetes_asyncio.watch import Watch

from sandlot_hub.spawner import hooks
from sandlot_hub.spawner.exceptions import SpawnFailed
from support.cluster import faults
from support.cluster.faults import LIST_PODS, PODS, WATCH_PODS, Ending, Match
from support.cluster.waiting import until
from support.kube_spawner import (
    SMALL,
    close_clients,
    cluster_document,
    kube_spawner,
    use_kubeconfig,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sandlot_hub.spawner.kube import SandlotKubeSpawner
    from support.cluster.fault_proxy import FaultProxy
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes

pytestmark = pytest.mark.asyncio

LISTS = Match(method="GET", path=f"{PODS}|{PODS.replace('pods', 'events')}", watch=False)
SHORT = {"timeout_seconds": 1}
"""Watches that end after a second, so that what takes one of them does not take ten."""


@dataclass(frozen=True, kw_only=True)
class People:
    """Users of one hub, whose servers share their watches."""

    namespace: TestNamespace
    document: dict[str, Any]

    def spawner(self, name: str) -> SandlotKubeSpawner:
        return kube_spawner(
            self.document,
            name=name,
            namespace=self.namespace.name,
            watches=SHORT,
            k8s_api_request_timeout=1,
            k8s_api_request_retry_timeout=5,
        )

    async def started(self, name: str) -> SandlotKubeSpawner:
        made = self.spawner(name)
        await hooks.apply_user_options(made, SMALL)
        assert (await made.start()).startswith("http://")
        return made

    async def end_of(self, pod: str, *, since: str) -> int:
        """Return the version at which a pod was gone."""
        listed = self.namespace.core.list_namespaced_pod
        async with Watch() as watch:
            async for event in watch.stream(listed, self.namespace.name, resource_version=since):
                metadata = event["raw_object"]["metadata"]
                if (event["type"], metadata["name"]) == ("DELETED", pod):
                    return int(metadata["resourceVersion"])
        raise AssertionError(pod)

    async def pods(self) -> set[str]:
        found = await self.namespace.core.list_namespaced_pod(self.namespace.name)
        return {each.metadata.name for each in found.items}


@pytest_asyncio.fixture
async def people(
    namespace: TestNamespace,
    nodes: FakeNodes,
    fault_proxy: FaultProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[People]:
    """Their hub is behind the proxy."""
    account = fault_proxy.through(await namespace.hub_account())
    use_kubeconfig(account.write(tmp_path / "kubeconfig"), monkeypatch)
    pool = await nodes.add(1)
    document = cluster_document(
        node_selector=pool.placement["nodeSelector"], patience={"stopping": "5 s"}
    )
    yield People(namespace=namespace, document=document)
    fault_proxy.heal()
    await close_clients()


async def test_r01_watches_that_close_again_and_again_lose_no_start(
    people: People, fault_proxy: FaultProxy
) -> None:
    rule = fault_proxy.inject(
        faults.EndStream(ending=Ending.CLOSE, after_events=1), Match(watch=True)
    )
    made = await asyncio.gather(*(people.started(f"user-{number}") for number in range(5)))
    assert await asyncio.gather(*(each.poll() for each in made)) == [None] * 5
    await asyncio.gather(*(each.stop() for each in made))
    assert await people.pods() == set()
    assert rule.hits > 5


async def test_r01_what_closes_cleanly_goes_on_where_it_was(
    people: People, fault_proxy: FaultProxy
) -> None:
    ann, bob = await people.started("ann"), people.spawner("bob")
    await hooks.apply_user_options(bob, SMALL)
    lists, watches = fault_proxy.count(LISTS), fault_proxy.count(WATCH_PODS)
    await until(lambda: fault_proxy.count(WATCH_PODS) >= watches + 3, what="three empty ends")

    gap = faults.Hold()
    rule = fault_proxy.inject(gap, WATCH_PODS)
    fault_proxy.end_now(Ending.CLOSE, WATCH_PODS)
    await until(lambda: rule.hits, what="nothing is seen")
    await people.namespace.core.delete_namespaced_pod(ann.pod_name, people.namespace.name)
    starting = asyncio.ensure_future(bob.start())
    await people.namespace.pod_when(bob.pod_name, lambda it: it.status.pod_ip, what="it runs")
    assert (await ann.poll(), starting.done()) == (None, False)
    gap.release()
    await starting
    assert await ann.poll() is not None

    before = await people.namespace.core.list_namespaced_pod(people.namespace.name)
    await bob.stop()
    asked = fault_proxy.count(WATCH_PODS)
    fault_proxy.end_now(Ending.CLOSE, WATCH_PODS)
    await until(lambda: fault_proxy.count(WATCH_PODS) > asked, what="it goes on")
    ended = await people.end_of(bob.pod_name, since=before.metadata.resource_version)

    requests = fault_proxy.requests(WATCH_PODS)
    versions = [int(each.query["resourceVersion"]) for each in requests]
    assert versions == sorted(versions)
    assert versions[asked] >= ended, "the end of a pod is told twice"
    assert fault_proxy.count(LISTS) == lists


@pytest.mark.parametrize(
    "way", [pytest.param("status", id="R02-status"), pytest.param("event", id="R02-event")]
)
async def test_a_version_that_is_too_old_loses_no_start_and_no_end(
    way: str, people: People, fault_proxy: FaultProxy
) -> None:
    ann, bob = await people.started("ann"), people.spawner("bob")
    await hooks.apply_user_options(bob, SMALL)
    if way == "event":
        fault_proxy.inject(
            faults.EndStream(ending=Ending.EXPIRED, after_events=0), WATCH_PODS, times=2
        )
    else:
        fault_proxy.inject(faults.EXPIRED, WATCH_PODS, times=2)
    fault_proxy.end_now(Ending.EXPIRED, WATCH_PODS)
    # In the gap one server goes and another comes.
    name = ann.pod_name
    await people.namespace.core.delete_namespaced_pod(name, people.namespace.name)
    await bob.start()

    async def ended() -> bool:
        return await ann.poll() is not None

    await until(ended, what="the end in the gap is seen")
    assert await people.pods() == {bob.pod_name}


async def test_r03_a_watch_that_fell_silent_is_replaced_during_a_start(
    people: People, fault_proxy: FaultProxy
) -> None:
    fault_proxy.inject(faults.EndStream(ending=Ending.HALF_OPEN), Match(watch=True), times=4)
    async with asyncio.timeout(10):
        ann = await people.started("ann")
    assert await ann.poll() is None


async def test_r03_a_watch_that_fell_silent_hides_no_end(
    people: People, fault_proxy: FaultProxy
) -> None:
    ann = await people.started("ann")
    fault_proxy.inject(faults.EndStream(ending=Ending.HALF_OPEN), WATCH_PODS, times=1)
    fault_proxy.end_now(Ending.HALF_OPEN, WATCH_PODS)
    await people.namespace.core.delete_namespaced_pod(ann.pod_name, people.namespace.name)

    async def ended() -> bool:
        return await ann.poll() is not None

    await until(ended, what="the end is seen", timeout_s=10)


async def test_r04_a_cluster_that_refuses_connections_is_a_sentence_and_no_failure_of_the_hub(
    people: People, fault_proxy: FaultProxy
) -> None:
    bob = await people.started("bob")
    ann = people.spawner("ann")
    await hooks.apply_user_options(ann, SMALL)
    with fault_proxy.refusing():
        with pytest.raises(SpawnFailed) as caught:
            await ann.start()
        assert await bob.poll() is None
    assert (caught.value.code, caught.value.status_code) == ("cluster-trouble", 503)
    assert ann.story.failure == caught.value.jupyterhub_message
    await people.started("ann")
    assert await bob.poll() is None


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.TOO_MANY, id="R04-429"),
        pytest.param(faults.BROKEN, id="R04-500"),
        pytest.param(faults.TIMEOUT, id="R04-504"),
    ],
)
async def test_a_cluster_that_answers_with_errors_is_asked_less_and_less(
    fault: faults.Answer, people: People, fault_proxy: FaultProxy
) -> None:
    ann = await people.started("ann")
    before = fault_proxy.count(LIST_PODS)
    rule = fault_proxy.inject(fault, LIST_PODS)
    fault_proxy.end_now(Ending.CUT, WATCH_PODS)
    await until(lambda: rule.hits >= 4, what="it was asked four times")
    # 0.2 s, 0.4 s, 0.8 s lie between them at least.
    assert fault_proxy.count(LIST_PODS) - before <= 5
    assert await ann.poll() is None
    fault_proxy.heal()
    await people.started("bob")


async def _stale_with_a_silent_watch(fault_proxy: FaultProxy) -> None:
    """Let the watch be what the kept list says: nothing that came or went since is seen."""
    fault_proxy.inject(faults.EndStream(ending=Ending.HALF_OPEN), WATCH_PODS)
    await _listed_again(fault_proxy)
    await until(lambda: fault_proxy.under_way(WATCH_PODS), what="the silent watch began")


async def _listed_again(fault_proxy: FaultProxy) -> None:
    """Let the watch list anew, as it does when its version is too old."""
    before = fault_proxy.count(LIST_PODS)
    fault_proxy.end_now(Ending.EXPIRED, WATCH_PODS)
    await until(lambda: fault_proxy.count(LIST_PODS) > before, what="it is listed again")


async def test_r05_a_stale_list_makes_no_running_server_look_dead(
    people: People, fault_proxy: FaultProxy
) -> None:
    await people.started("bob")
    fault_proxy.inject(faults.Stale(), LIST_PODS)
    await _listed_again(fault_proxy)
    ann = await people.started("ann")
    await _stale_with_a_silent_watch(fault_proxy)
    watch = ann.pod_reflector
    await until(lambda: list(watch.pods) == [f"{ann.namespace}/jupyter-bob"], what="it is stale")
    assert await ann.poll() is None
    fault_proxy.heal()
    await until(lambda: len(watch.pods) == 2, what="it has caught up")
    assert await ann.poll() is None


async def test_r05_a_stale_list_makes_no_stopped_server_look_alive_for_long(
    people: People, fault_proxy: FaultProxy
) -> None:
    ann = await people.started("ann")
    fault_proxy.inject(faults.Stale(), LIST_PODS)
    await _listed_again(fault_proxy)
    await ann.stop()
    # The list has it again, and the watch that follows says at once that it is gone.
    fault_proxy.end_now(Ending.EXPIRED, WATCH_PODS)

    async def ended() -> bool:
        return await ann.poll() is not None

    await until(ended, what="it has ended", timeout_s=5)
    assert await people.pods() == set()
