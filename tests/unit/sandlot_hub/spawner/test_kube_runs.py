"""Whether a server still runs: what KubeSpawner's watch has, and what one question adds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError
from sandlot_hub.domain.settings.cluster import StartPatience
from sandlot_hub.spawner import hooks
from sandlot_hub.spawner.exceptions import SpawnUnavailableError
from sandlot_hub.spawner.kube_pods import RememberingPods
from support.kube_spawner import (
    SMALL,
    close_clients,
    cluster_document,
    kube_spawner,
    use_kubeconfig,
)
from support.kubeconfig import unreachable_kubeconfig
from support.memory_cluster import MemoryCluster
from support.pod_states import condition, container, ended, on_node, pod, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sandlot_hub.domain.pods.documents import Document
    from sandlot_hub.spawner.kube import SandlotKubeSpawner

pytestmark = pytest.mark.asyncio

KEY = "people/jupyter-ann"


class Scene:
    """A server that was started and is ready, and what the watch and the cluster have of it."""

    def __init__(self, spawner: SandlotKubeSpawner) -> None:
        self.spawner = spawner
        self.cluster = spawner.objects = MemoryCluster()
        key = spawner._get_reflector_key("pods")
        self.watch = RememberingPods(parent=spawner, namespace="people")
        # As after its first list; nothing is asked of a cluster here.
        self.watch.first_load_future.set_result(None)
        spawner.reflectors[key] = self.watch

    def ours(self, document: dict[str, Any]) -> dict[str, Any]:
        metadata = document["metadata"] | {"labels": {"sandlot/spawn-id": self.spawner.spawn_id}}
        return document | {"metadata": metadata}

    def see(self, document: dict[str, Any] | None) -> None:
        """Have the watch see the pod; it is in the cluster, too."""
        self.cluster.pods.clear()
        pods: dict[str, Document] = {}
        if document is not None:
            made = self.cluster.put_pod(self.ours(document))
            pods = {KEY: made}
        self.watch.resources = pods

    async def end(self) -> str:
        await self.spawner.poll()
        assert self.spawner.ended is not None
        return self.spawner.ended.code


@pytest_asyncio.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    use_kubeconfig(unreachable_kubeconfig(tmp_path), monkeypatch)
    spawner = kube_spawner(cluster_document())
    await hooks.apply_user_options(spawner, SMALL)
    made = Scene(spawner)
    made.see(running())
    spawner.note_ready()
    yield made
    await close_clients()


async def test_it_runs(scene: Scene) -> None:
    assert scene.spawner.poll_interval == 5
    assert await scene.spawner.poll() is None
    assert scene.spawner.ended is None
    assert scene.cluster.asked == []  # a look asks nobody


async def test_what_an_old_list_lacks_is_looked_for(scene: Scene) -> None:
    """R05: a watch that goes back in time takes nobody's server away."""
    scene.watch.resources = {}
    assert await scene.spawner.poll() is None
    assert scene.cluster.asked == ["read pod"]
    assert scene.spawner.ended is None


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(ClusterUnreachableError(), id="no-answer"),
        pytest.param(ClusterRefusedError(403, {}), id="refused"),
    ],
)
async def test_not_to_know_is_no_end(fault: Exception, scene: Scene) -> None:
    def fail() -> None:
        raise fault

    scene.watch.resources = {}
    scene.cluster.faults.append(fail)
    assert await scene.spawner.poll() is None
    assert scene.spawner.ended is None


async def test_a_watch_that_cannot_begin_is_no_end(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """A hub that starts while its cluster is away keeps all servers, and asks with restraint."""
    scene.spawner.reflectors.clear()
    for _ in range(2):
        assert await asyncio.gather(*(scene.spawner.poll() for _ in range(5))) == [None] * 5
    assert caplog.text.count("Initial list of pods failed") == 2  # 10 looks; in a second, 1 more
    assert scene.spawner.ended is None
    with pytest.raises(SpawnUnavailableError, match="The cluster does not answer"):
        await scene.spawner.stop()


async def test_a_watch_that_is_replaced_keeps_what_it_had(scene: Scene) -> None:
    scene.see(None)
    scene.see(running())
    scene.watch.resources.pop("people/other", None)
    successor = RememberingPods(parent=scene.spawner, namespace="people")
    assert list(successor.pods) == [KEY]
    successor.resources = {}
    assert successor.gone(KEY) is not None


async def test_a_refused_start_ends_nothing_of_others(scene: Scene) -> None:
    """The hub stops what did not start, too; another hub may have the pod of that name."""
    scene.see(running())
    scene.spawner.clear_state()
    for labels in ({}, {"sandlot/spawn-id": "theirs", "sandlot/hub": "another"}):
        theirs = pod() | {"metadata": {"name": "jupyter-ann", "labels": labels}}
        scene.watch.resources = {KEY: scene.cluster.put_pod(theirs)}
        assert await scene.spawner.poll() == 1
        await scene.spawner.stop()
    assert list(scene.cluster.pods) == ["jupyter-ann"]


async def test_another_pod_of_its_name_is_not_it(scene: Scene) -> None:
    foreign = scene.cluster.put_pod(pod() | {"metadata": {"name": "jupyter-ann", "labels": {}}})
    scene.watch.resources = {KEY: foreign}
    assert await scene.spawner.poll() == 1
    assert list(scene.cluster.pods) == ["jupyter-ann"]


async def test_a_server_that_ended_is_told_and_removed(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.see(on_node(container(state=ended(137, "OOMKilled")), phase="Failed"))
    scene.cluster.faults.append(lambda: None)
    scene.cluster.faults.append(lambda: setattr(scene.watch, "resources", {}))
    assert await scene.spawner.poll() == 137
    assert scene.spawner.ended is not None
    assert scene.spawner.ended.code == "out-of-memory"
    assert scene.cluster.pods == {}
    assert "(out-of-memory)" in caplog.text
    # The hub looks once more before it forgets the server.
    assert await scene.spawner.poll() == 1
    assert scene.spawner.ended.code == "out-of-memory"


async def test_one_that_ended_can_be_kept_to_look_at(scene: Scene) -> None:
    scene.spawner.delete_stopped_pods = False
    scene.see(on_node(container(state=ended(3)), phase="Failed"))
    assert await scene.spawner.poll() == 3
    assert list(scene.cluster.pods) == ["jupyter-ann"]


async def test_why_it_is_gone_is_remembered(scene: Scene) -> None:
    target = [condition("DisruptionTarget", "True", "PreemptionByScheduler")]
    scene.see(on_node(container(ready=True), phase="Running", conditions=target))
    scene.watch.resources.pop(KEY)
    scene.cluster.pods.clear()
    assert await scene.end() == "preempted"


async def test_what_a_list_no_longer_has_is_remembered_too(scene: Scene) -> None:
    scene.see(on_node(phase="Failed", reason="Evicted"))
    scene.see(None)
    assert await scene.end() == "evicted"


async def test_one_that_somebody_removed(scene: Scene) -> None:
    scene.see(None)
    assert await scene.end() == "vanished"


async def test_a_stop_is_no_end(scene: Scene) -> None:
    scene.cluster.faults.append(lambda: None)
    scene.cluster.faults.append(lambda: setattr(scene.watch, "resources", {}))
    await scene.spawner.stop()
    assert await scene.spawner.poll() == 1
    assert scene.spawner.ended is None


async def test_a_server_that_does_not_end_is_left_to_the_cluster(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.cluster.ends_at_once = False
    scene.spawner.delete_grace_period = 0
    scene.spawner.k8s_api_request_retry_timeout = 0
    patience = StartPatience(stopping=0.2)
    kubernetes = scene.spawner.cluster.model_copy(update={"patience": patience})
    scene.spawner.settings = scene.spawner.required_settings.model_copy(
        update={"kubernetes": kubernetes}
    )
    await scene.spawner.stop()
    assert "does not end" in caplog.text
    assert scene.cluster.asked[-1] == "delete uid-1 in 0 s"


async def test_a_stop_that_the_cluster_never_heard_of_has_failed(scene: Scene) -> None:
    def lost() -> None:
        raise ClusterUnreachableError

    scene.spawner.k8s_api_request_retry_timeout = 1
    scene.cluster.faults += [lost] * 100
    with pytest.raises(TimeoutError):
        await scene.spawner.stop()


async def test_a_start_that_failed_tells_that_itself(scene: Scene) -> None:
    await hooks.apply_user_options(scene.spawner, SMALL)
    scene.spawner.clear_state()
    scene.see(None)
    assert await scene.spawner.poll() == 1
    assert scene.spawner.ended is None


async def test_a_restart_of_the_hub_forgets_nothing(scene: Scene) -> None:
    state = scene.spawner.get_state()
    found = kube_spawner(cluster_document())
    found.load_state(state)
    again = Scene(found)
    again.see(on_node(container(restarts=1, state={"running": {}}, last=ended(1)), phase="Running"))
    again.cluster.faults += [lambda: None, lambda: setattr(again.watch, "resources", {})]
    assert await again.end() == "exited"
    found.clear_state()
    kept = kube_spawner(cluster_document())
    kept.load_state(found.get_state())
    assert kept.ended == found.ended


async def test_a_server_of_plain_kubespawner_is_looked_after(scene: Scene) -> None:
    found = kube_spawner(cluster_document())
    found.load_state({"pod_name": "jupyter-ann", "kubespawner_version": "7.1.0"})
    theirs = Scene(found)
    theirs.see(running())
    assert await found.poll() is None
    theirs.see(on_node(container(state=ended(1)), phase="Failed"))
    theirs.cluster.faults += [lambda: None, lambda: setattr(theirs.watch, "resources", {})]
    assert await theirs.end() == "exited"
