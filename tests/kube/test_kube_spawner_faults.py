"""`SandlotKubeSpawner` behind a connection that loses, refuses and cuts: one pod, and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sandlot_hub.spawner import hooks
from sandlot_hub.spawner.exceptions import SpawnFailed
from support.cluster import faults
from support.cluster.faults import CREATE_POD, LIST_PODS, Ending
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


@pytest_asyncio.fixture
async def spawner(
    namespace: TestNamespace,
    nodes: FakeNodes,
    fault_proxy: FaultProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[SandlotKubeSpawner]:
    """A planned start, behind the proxy."""
    account = fault_proxy.through(await namespace.hub_account())
    use_kubeconfig(account.write(tmp_path / "kubeconfig"), monkeypatch)
    pool = await nodes.add(1)
    document = cluster_document(
        node_selector=pool.placement["nodeSelector"], patience={"stopping": "5 s"}
    )
    made = kube_spawner(document, namespace=namespace.name, k8s_api_request_timeout=1)
    await hooks.apply_user_options(made, SMALL)
    yield made
    fault_proxy.heal()
    await made.stop(now=True)
    await close_clients()


@pytest.mark.parametrize(
    "ending",
    [pytest.param(Ending.CUT, id="R06-cut"), pytest.param(Ending.HALF_OPEN, id="R06-silence")],
)
async def test_a_pod_whose_making_was_not_confirmed_is_adopted(
    ending: Ending, spawner: SandlotKubeSpawner, namespace: TestNamespace, fault_proxy: FaultProxy
) -> None:
    """R06: it is neither killed nor made twice."""
    fault_proxy.inject(faults.Lost(then=ending), CREATE_POD, times=1)
    await spawner.start()
    found = (await namespace.core.list_namespaced_pod(namespace.name)).items
    assert [each.metadata.uid for each in found] == [spawner.pod_id]
    assert fault_proxy.count(CREATE_POD) == 2
    deletions = [each for each in fault_proxy.requests() if each.method == "DELETE"]
    assert deletions == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param(409, "Conflict", id="R07-quota-conflict"),
        pytest.param(429, "TooManyRequests", id="R04-too-many"),
        pytest.param(500, "InternalError", id="R04-internal"),
    ],
)
async def test_what_decides_nothing_is_asked_again(
    code: int,
    reason: str,
    spawner: SandlotKubeSpawner,
    fault_proxy: FaultProxy,
) -> None:
    fault_proxy.inject(faults.Answer(code=code, reason=reason), CREATE_POD, times=2)
    await spawner.start()
    assert fault_proxy.count(CREATE_POD) == 3


async def test_r07_the_pod_of_an_earlier_start_is_replaced(
    spawner: SandlotKubeSpawner, namespace: TestNamespace
) -> None:
    await spawner.start()
    earlier = spawner.pod_id
    await hooks.apply_user_options(spawner, SMALL)
    await spawner.start()
    found = (await namespace.core.list_namespaced_pod(namespace.name)).items
    assert [each.metadata.uid for each in found] == [spawner.pod_id]
    assert spawner.pod_id != earlier


async def test_a_cluster_in_trouble_is_a_sentence(
    spawner: SandlotKubeSpawner, fault_proxy: FaultProxy
) -> None:
    fault_proxy.inject(faults.Answer(code=503, reason="ServiceUnavailable"), CREATE_POD)
    with pytest.raises(SpawnFailed) as caught:
        await spawner.start()
    assert caught.value.code == "cluster-trouble"
    assert spawner.story.failure == caught.value.jupyterhub_message


async def test_a_missing_right_is_a_sentence(
    spawner: SandlotKubeSpawner, fault_proxy: FaultProxy
) -> None:
    message = 'pods is forbidden: User "hub" cannot list resource "pods" in API group ""'
    fault_proxy.inject(faults.Answer(code=403, reason="Forbidden", message=message), LIST_PODS)
    with pytest.raises(SpawnFailed) as caught:
        await spawner.start()
    assert caught.value.code == "hub-not-permitted"
    assert "forbidden" not in caught.value.jupyterhub_message


async def test_a_watch_that_could_not_begin_begins_with_the_next_start(
    spawner: SandlotKubeSpawner, fault_proxy: FaultProxy
) -> None:
    fault_proxy.inject(faults.Answer(code=500, reason="InternalError"), LIST_PODS, times=1)
    with pytest.raises(SpawnFailed):
        await spawner.start()
    await hooks.apply_user_options(spawner, SMALL)
    assert (await spawner.start()).startswith("http://")
