"""`SandlotKubeSpawner` with the rights that the hub has, on a real API server and scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from sandlot_hub.spawner import hooks
from sandlot_hub.spawner.exceptions import SpawnFailed
from support.cluster.fates import Fate, fate_annotations
from support.cluster.nodes import NodeKind
from support.cluster.objects import GPU, claim, pod, quota
from support.cluster.waiting import until
from support.kube_spawner import (
    L4,
    SMALL,
    document_at,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from kubernetes_asyncio.client import CoreV1Api

    from sandlot_hub.spawner.kube import SandlotKubeSpawner
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes

pytestmark = pytest.mark.asyncio

KIND = NodeKind(gpus=1, product="NVIDIA-L4", taint=(GPU, "present", "NoSchedule"))


async def started(spawner: SandlotKubeSpawner, options: dict[str, str] = SMALL) -> str:
    await hooks.apply_user_options(spawner, options)
    url: str = await spawner.start()
    return url


async def failed(spawner: SandlotKubeSpawner, options: dict[str, str] = SMALL) -> SpawnFailed:
    with pytest.raises(SpawnFailed) as caught:
        await started(spawner, options)
    return caught.value


def said(spawner: SandlotKubeSpawner) -> list[str]:
    return [event["message"] for event in spawner.story.told]


async def test_a_server_runs_and_stops(
    make_spawner: Callable[..., SandlotKubeSpawner], namespace: TestNamespace, nodes: FakeNodes
) -> None:
    spawner = make_spawner(document_at(await nodes.add(1, KIND)))
    url = await started(spawner, L4)
    assert url.startswith("http://10.245.")
    found = (await namespace.core.list_namespaced_pod(namespace.name)).items
    assert [each.metadata.labels["sandlot/spawn-id"] for each in found] == [spawner.spawn_id]
    assert found[0].spec.containers[0].resources.limits[GPU] == "1"
    assert await spawner.poll() is None

    await spawner.stop()
    assert (await namespace.core.list_namespaced_pod(namespace.name)).items == []


@pytest.mark.parametrize(
    ("fate", "code", "words"),
    [
        pytest.param(Fate.IMAGE, "image-missing", "The image “Base” does not exist.", id="image"),
        pytest.param(Fate.CONFIG, "container-config", "from its configuration", id="config"),
    ],
)
async def test_a_fate_at_the_start_is_told(
    fate: Fate,
    code: str,
    words: str,
    make_spawner: Callable[..., SandlotKubeSpawner],
    nodes: FakeNodes,
) -> None:
    document = document_at(await nodes.add(1, KIND), patience={"container": "1 s"})
    spawner = make_spawner(document, extra_annotations=fate_annotations(fate))
    failure = await failed(spawner)
    assert (failure.code, failure.reason) == (code, code)
    assert words in failure.jupyterhub_message
    assert said(spawner)[-1] == failure.jupyterhub_message
    await spawner.stop(now=True)


async def test_all_gpus_in_use(
    make_spawner: Callable[..., SandlotKubeSpawner], namespace: TestNamespace, nodes: FakeNodes
) -> None:
    pool = await nodes.add(1, KIND)
    await namespace.create_pod(pod("other", gpus=1, **pool.placement))
    await namespace.pod_when("other", lambda found: found.spec.node_name, what="it has the GPU")
    failure = await failed(make_spawner(document_at(pool, patience={"busy": "1 s"})), L4)
    assert failure.code == "resources-busy"
    assert "All NVIDIA L4 of the cluster are in use." in failure.jupyterhub_message


async def test_no_node_ever_fits(
    make_spawner: Callable[..., SandlotKubeSpawner], nodes: FakeNodes
) -> None:
    pool = await nodes.add(1, NodeKind())
    failure = await failed(make_spawner(document_at(pool, patience={"never_fits": "1 s"})), L4)
    assert failure.code == "never-fits"
    assert "No node of the cluster can hold this server." in failure.jupyterhub_message


async def test_a_quota_is_a_sentence(
    make_spawner: Callable[..., SandlotKubeSpawner], namespace: TestNamespace, nodes: FakeNodes
) -> None:
    await namespace.core.create_namespaced_resource_quota(
        namespace.name, quota("gpus", {"requests.nvidia.com/gpu": "0"})
    )
    failure = await failed(make_spawner(document_at(await nodes.add(1, KIND))), L4)
    assert failure.code == "quota-exceeded"
    assert "NVIDIA L4: 1 asked for, 0 of 0 in use" in failure.jupyterhub_message
    assert "HTTP" not in failure.jupyterhub_message


@pytest_asyncio.fixture
async def volumes(namespace: TestNamespace, core: CoreV1Api) -> AsyncIterator[str]:
    """Two volumes of a storage class of this test's own; a volume is used once."""
    names = [f"{namespace.name}-{number}" for number in range(2)]
    for name in names:
        spec: Any = {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "hostPath": {"path": "/nowhere"},
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": namespace.name,
        }
        volume: Any = {"metadata": {"name": name}, "spec": spec}
        await core.create_persistent_volume(volume)
    yield namespace.name
    for name in names:
        await core.delete_persistent_volume(name, grace_period_seconds=0)


async def test_a_home_that_was_deleted_is_made_again(
    make_spawner: Callable[..., SandlotKubeSpawner],
    namespace: TestNamespace,
    nodes: FakeNodes,
    volumes: str,
) -> None:
    homes = {"kind": "claim", "size": "1 GiB", "storage_class": volumes}
    spawner = make_spawner(document_at(await nodes.add(1, KIND), homes=homes))
    await started(spawner)
    await spawner.stop()
    claims = namespace.core.list_namespaced_persistent_volume_claim
    first = (await claims(namespace.name)).items[0]
    assert first.metadata.labels["sandlot/owner"] == "ann"

    await namespace.core.delete_namespaced_persistent_volume_claim("claim-ann", namespace.name)

    async def gone() -> bool:
        return not (await claims(namespace.name)).items

    await until(gone, what="the claim is gone")
    await started(spawner)
    again = (await claims(namespace.name)).items[0]
    assert again.metadata.uid != first.metadata.uid
    assert again.metadata.labels == first.metadata.labels
    told = "The volume of your home was deleted; an empty one is being made."
    assert told in said(spawner)
    await spawner.stop()


async def test_what_is_not_ours_stays(
    make_spawner: Callable[..., SandlotKubeSpawner], namespace: TestNamespace, nodes: FakeNodes
) -> None:
    pool = await nodes.add(1, KIND)
    await namespace.create_pod(pod("jupyter-ann", **pool.placement))
    spawner = make_spawner(document_at(pool))
    assert (await failed(spawner)).code == "name-taken"
    await spawner.stop(now=True)
    found = (await namespace.core.list_namespaced_pod(namespace.name)).items
    assert [each.metadata.name for each in found] == ["jupyter-ann"]


async def test_a_home_of_before_sandlot_is_taken_up(
    make_spawner: Callable[..., SandlotKubeSpawner],
    namespace: TestNamespace,
    nodes: FakeNodes,
    volumes: str,
) -> None:
    """A claim as KubeSpawner made it for a name that is no plain one; nothing remembers it."""
    homes = {"kind": "claim", "size": "1 GiB", "storage_class": volumes}
    document = document_at(await nodes.add(1, KIND), homes=homes)
    theirs: Any = claim("claim-ann-40x-2eorg", storage_class=volumes)
    theirs["metadata"]["annotations"] = {"hub.jupyter.org/username": "ann@x.org"}
    claims = namespace.core.list_namespaced_persistent_volume_claim
    await namespace.core.create_namespaced_persistent_volume_claim(namespace.name, theirs)
    spawner = make_spawner(document, name="ann@x.org")
    await started(spawner)
    assert [each.metadata.name for each in (await claims(namespace.name)).items] == [
        "claim-ann-40x-2eorg"
    ]
    (mounted,) = [
        each.persistent_volume_claim.claim_name
        for each in (await namespace.pods())[0].spec.volumes
        if each.persistent_volume_claim
    ]
    assert mounted == "claim-ann-40x-2eorg"
    assert spawner.get_state()["pvc_name"] == "claim-ann-40x-2eorg"
    await spawner.stop()
