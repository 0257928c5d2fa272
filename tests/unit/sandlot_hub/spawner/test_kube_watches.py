from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from kubespawner import KubeSpawner
from kubespawner.spawner import PodReflector

from sandlot_hub.domain.pods.ports import ClusterUnreachableError
from support.kube_spawner import close_clients, cluster_document, kube_spawner, use_kubeconfig
from support.kubeconfig import unreachable_kubeconfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sandlot_hub.spawner.kube import SandlotKubeSpawner

pytestmark = pytest.mark.asyncio

CROWD = 50


class Watch(PodReflector):
    """KubeSpawner's own, with a cluster that has nothing and is silent, or that does not answer."""

    made = 0
    silent = 0
    """How many of them, from the first one on, get no answer in time."""

    async def _list_and_update(self, resource_version: str | None = None) -> str:
        type(self).made += 1
        await asyncio.sleep(0)
        if self.made <= self.silent:
            raise TimeoutError
        self.resources: dict[str, Any] = {}
        self.first_load_future.set_result(None)
        return resource_version or "1"

    async def _watch_and_update(self) -> None:
        # KubeSpawner's keeps its own end to itself, but not one that comes before it has begun.
        await asyncio.Event().wait()


@pytest_asyncio.fixture(autouse=True)
async def _without_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    use_kubeconfig(unreachable_kubeconfig(tmp_path), monkeypatch)
    monkeypatch.setattr(Watch, "made", 0)
    monkeypatch.setattr(Watch, "silent", 0)
    yield
    for watch in KubeSpawner.reflectors.values():
        if watch.watch_task is not None:
            watch.watch_task.cancel()
    KubeSpawner.reflectors.clear()
    await close_clients()


def crowd() -> list[SandlotKubeSpawner]:
    return [kube_spawner(cluster_document(), name=f"user-{number}") for number in range(CROWD)]


async def begun(spawner: SandlotKubeSpawner, *, replace: bool = False) -> Any:
    return await spawner._start_reflector("pods", Watch, replace=replace)


async def test_a_watch_that_is_replaced_cancels_nobodys_start() -> None:
    spawner = kube_spawner(cluster_document())
    first = await begun(spawner)
    second = await begun(spawner, replace=True)
    assert second is not first
    assert spawner.pod_reflector is second
    assert first.watch_task.cancelled()


async def test_a_start_that_is_cancelled_still_is() -> None:
    starting = asyncio.ensure_future(begun(kube_spawner(cluster_document())))
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting


async def test_a_crowd_is_not_lost_when_the_first_answer_is_late() -> None:
    Watch.silent = 1
    found = await asyncio.gather(*map(begun, crowd()))
    assert len({id(each) for each in found}) == 1
    assert Watch.made == 2


async def test_a_crowd_without_an_answer_is_told_so() -> None:
    Watch.silent = CROWD
    failed = await asyncio.gather(*map(begun, crowd()), return_exceptions=True)
    assert {type(each) for each in failed} == {ClusterUnreachableError}
    assert Watch.made == 2
