"""Every plan is a pod that *restricted* takes; what an administrator adds is judged by the cluster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from kubernetes_asyncio.client import ApiException, NodeV1Api, SchedulingV1Api

from sandlot_hub.spawner import hooks
from sandlot_hub.spawner.exceptions import SpawnFailed
from support.house import ROOT
from support.kube_spawner import (
    L4,
    close_clients,
    cluster_document,
    kube_spawner,
    use_kubeconfig,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from kubernetes_asyncio.client import ApiClient

    from sandlot_hub.spawner.kube import SandlotKubeSpawner
    from support.cluster.namespaces import TestNamespace

pytestmark = pytest.mark.asyncio

GOLDEN = ROOT / "tests/unit/sandlot_hub/domain/pods/golden"
CHART = "manifest-chart"
"""With what an administrator adds: a privileged container that runs first, an account."""
PLANS = sorted(path.stem for path in GOLDEN.glob("manifest-*.json") if path.stem != CHART)
PRIVILEGED = {
    "name": "block-cloud-metadata",
    "image": "registry.invalid/tools:1",
    "securityContext": {"privileged": True, "runAsUser": 0},
}


@pytest_asyncio.fixture
async def classes(api: ApiClient) -> AsyncIterator[None]:
    """The classes that the plans name; the API server takes no pod of one that it does not know."""
    nodes, scheduling = NodeV1Api(api), SchedulingV1Api(api)
    runtime: Any = {"metadata": {"name": "nvidia"}, "handler": "nvidia"}
    priority: Any = {"metadata": {"name": "theirs"}, "value": 1}
    made = [
        await _made(nodes.create_runtime_class(runtime), nodes.delete_runtime_class),
        await _made(scheduling.create_priority_class(priority), scheduling.delete_priority_class),
    ]
    yield
    for name, remove in filter(None, made):
        await remove(name)


async def _made(creating: Any, remove: Callable[[str], Any]) -> tuple[str, Any] | None:
    """Return what removes an object again; None when it was there before."""
    try:
        return (await creating).metadata.name, remove
    except ApiException as error:
        if error.status != 409:
            raise
        return None


def golden(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())
    return document


@pytest.mark.usefixtures("classes")
@pytest.mark.parametrize("plan", PLANS)
async def test_restricted_takes_every_plan(plan: str, namespace: TestNamespace) -> None:
    assert await namespace.refusal_of(golden(plan)) == ""


@pytest.mark.usefixtures("classes")
async def test_restricted_refuses_what_an_administrator_may_add(
    make_namespace: Callable[..., Any],
) -> None:
    """The row that shows that the rows above would be refused if they could be."""
    said = {}
    for security in ("restricted", "privileged"):
        namespace = await make_namespace(security=security)
        account: Any = {"metadata": {"name": "notebooks"}}
        await namespace.core.create_namespaced_service_account(namespace.name, account)
        said[security] = await namespace.refusal_of(golden(CHART))
    assert 'violates PodSecurity "restricted' in said["restricted"]
    assert said["privileged"] == ""


async def test_a_server_keeps_to_the_standard_and_has_no_account(
    make_spawner: Callable[..., SandlotKubeSpawner], namespace: TestNamespace
) -> None:
    home = {"kind": "claim", "storage_class": "none"}
    spawner = make_spawner(cluster_document(homes=home, shm_size="64 MiB"))
    await hooks.apply_user_options(spawner, L4)
    pod: Any = spawner.plain(await spawner.get_pod_manifest())
    taken = await namespace.core.create_namespaced_pod(namespace.name, pod, dry_run="All")
    # The API server has had its say: it mounts a token wherever nobody says no.
    mounts = taken.spec.containers[0].volume_mounts
    assert [mount.mount_path for mount in mounts] == ["/home/jovyan", "/dev/shm"]  # noqa: S108
    assert taken.spec.enable_service_links is False
    claim: Any = spawner.plain(spawner.get_pvc_manifest())
    make_claim = namespace.core.create_namespaced_persistent_volume_claim
    assert (await make_claim(namespace.name, claim, dry_run="All")).spec.resources.requests


async def test_an_administrators_container_is_refused_by_the_cluster_alone(
    make_spawner: Callable[..., SandlotKubeSpawner], namespace: TestNamespace
) -> None:
    spawner = make_spawner(cluster_document(), init_containers=[PRIVILEGED])
    await hooks.apply_user_options(spawner, {"profile": "work"})
    pod: Any = spawner.plain(await spawner.get_pod_manifest())
    assert pod["spec"]["initContainers"][0]["name"] == PRIVILEGED["name"]
    with pytest.raises(SpawnFailed) as caught:
        await spawner.start()
    assert caught.value.code == "admission-denied"
    assert caught.value.jupyterhub_message == (
        "Your server does not keep to the security standard of the cluster. Next: tell an "
        "administrator: what is added to servers has to keep to it; the hub's log names it."
    )
    assert (await namespace.core.list_namespaced_pod(namespace.name)).items == []


async def test_an_administrators_container_runs_where_the_cluster_takes_it(
    make_namespace: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespace = await make_namespace(security="privileged")
    access = await namespace.hub_account()
    use_kubeconfig(access.write(tmp_path / "kubeconfig"), monkeypatch)
    spawner = kube_spawner(
        cluster_document(), namespace=namespace.name, init_containers=[PRIVILEGED]
    )
    await hooks.apply_user_options(spawner, {"profile": "work"})
    try:
        pod: Any = spawner.plain(await spawner.get_pod_manifest())
        taken = await namespace.core.create_namespaced_pod(namespace.name, pod, dry_run="All")
    finally:
        await close_clients()
    assert taken.spec.init_containers[0].security_context.privileged is True
    # The administrator's own, and still not the person's.
    assert taken.spec.containers[0].security_context.allow_privilege_escalation is False
