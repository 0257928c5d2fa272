"""What needs no cluster: KubeSpawner's options, manifests, and what is asked of the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
import yaml
from kubernetes_asyncio.client import V1Pod

from sandlot_hub.domain.pods.ports import ClusterRefusedError
from sandlot_hub.spawner import hooks
from sandlot_hub.spawner.exceptions import SpawnFailed, SpawnRefused, SpawnUnavailableError
from support.house import ROOT
from support.kube_spawner import (
    L4,
    SMALL,
    close_clients,
    cluster_document,
    kube_spawner,
    use_kubeconfig,
)
from support.memory_cluster import MemoryCluster, status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sandlot_hub.spawner.kube import SandlotKubeSpawner
    from support.golden import Golden

pytestmark = pytest.mark.asyncio

NOWHERE = """
apiVersion: v1
kind: Config
current-context: nowhere
clusters: [{name: nowhere, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: nobody, user: {token: invented}}]
contexts: [{name: nowhere, context: {cluster: nowhere, user: nobody}}]
"""
HOMES = {"kind": "claim", "size": "5 GiB", "storage_class": "fast", "access_mode": "ReadWriteMany"}
QUOTA = "exceeded quota: q, requested: pods=1, used: pods=9, limited: pods=9"


@pytest_asyncio.fixture(autouse=True)
async def _without_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    (tmp_path / "kubeconfig").write_text(NOWHERE)
    use_kubeconfig(tmp_path / "kubeconfig", monkeypatch)
    yield
    await close_clients()


async def _planned(
    document: dict[str, Any] | None = None, options: dict[str, str] = SMALL, **fields: Any
) -> SandlotKubeSpawner:
    spawner = kube_spawner(document or cluster_document(), **fields)
    await hooks.apply_user_options(spawner, options)
    spawner.spawn_id = "0f3c5a1e9b7d4c2f8a6e1d0b9c8f7a65"
    return spawner


async def _manifest(spawner: SandlotKubeSpawner) -> dict[str, Any]:
    return spawner.plain(await spawner.get_pod_manifest())


async def test_names_and_homes_come_from_the_settings() -> None:
    spawner = kube_spawner(cluster_document(homes=HOMES), name="ann@x.org")
    assert spawner.pod_name == "jupyter-ann-x-org---gz5b45bqfrzsjbk273v2hb6tyu"
    assert spawner.pvc_name == "claim-ann-x-org---gz5b45bqfrzsjbk273v2hb6tyu"
    assert spawner.storage_pvc_ensure is True
    assert spawner.storage_capacity == str(5 * 1024**3)
    assert (spawner.storage_class, spawner.storage_access_modes) == ("fast", ["ReadWriteMany"])
    assert spawner.start_timeout == 3630


async def test_an_administrators_options_hold() -> None:
    spawner = kube_spawner(
        cluster_document(homes=HOMES),
        pod_name_template="theirs-{username}",
        pvc_name_template="home-{username}",
        storage_capacity="1Ti",
        start_timeout=300,
    )
    assert (spawner.pod_name, spawner.pvc_name) == ("theirs-ann", "home-ann")
    assert spawner.storage_capacity == "1Ti"
    # The hub would give up after five minutes, with words that tell nothing.
    assert spawner.patience.in_all == 295


@pytest.mark.parametrize("homes", [{"kind": "none"}, {"kind": "folder", "claim": "c"}])
async def test_other_homes_need_no_claim(homes: dict[str, Any]) -> None:
    assert kube_spawner(cluster_document(homes=homes)).storage_pvc_ensure is False


async def test_the_manifest_of_a_plan(golden: Golden) -> None:
    flavor = {"node_selector": {"gpu": "l4"}, "shm_size": "512 MiB"}
    spawner = await _planned(cluster_document(homes=HOMES, flavor=flavor), L4)
    found = await _manifest(spawner)
    versions = found["metadata"]["annotations"]
    for name in ("kubespawner-version", "jupyterhub-version"):
        assert versions.pop(f"hub.jupyter.org/{name}")
    server = found["spec"]["containers"][0]
    # What the hub itself tells a server is not ours, and changes with the hub's version.
    server["env"] = sorted(each["name"] for each in server["env"])
    golden.check("kube-manifest", found)
    claim = spawner.plain(spawner.get_pvc_manifest())
    assert claim["metadata"]["labels"]["sandlot/owner"] == "ann"


async def test_the_server_is_told_what_it_has() -> None:
    env = (await _planned(mem_limit="7G", image="theirs/x:1")).get_env()
    assert env["JUPYTER_IMAGE"] == env["JUPYTER_IMAGE_SPEC"] == "registry.invalid/sandlot/base:1"
    assert env["MEM_LIMIT"] == str(1024**3)
    assert env["CPU_LIMIT"] == "1.0"


async def test_the_next_start_inherits_nothing() -> None:
    spawner = await _planned(options=L4)
    first = await _manifest(spawner)
    assert first["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    await hooks.apply_user_options(spawner, SMALL)
    second = await _manifest(spawner)
    assert "nvidia.com/gpu" not in second["spec"]["containers"][0]["resources"]["limits"]


@pytest.mark.parametrize(
    "name", ["{userid.__class__}", "$(JUPYTERHUB_API_TOKEN)", "a{x:>99}", "{", "安娜", "x" * 200]
)
async def test_a_user_name_is_text_and_nothing_else(name: str) -> None:
    spawner = await _planned(cluster_document(homes=HOMES), name=name)
    found = await _manifest(spawner)
    assert found["metadata"]["annotations"]["hub.jupyter.org/username"] == name
    env = {each["name"]: each["value"] for each in found["spec"]["containers"][0]["env"]}
    assert env["JUPYTERHUB_USER"] == name.replace("$", "$$")
    assert len(found["metadata"]["name"]) <= 63


async def test_fields_that_an_administrator_added_stay() -> None:
    spawner = await _planned(
        extra_pod_config={"dns_policy": "None", "hostAliases": [{"ip": "10.0.0.1"}]},
        extra_container_config={"envFrom": [{"configMapRef": {"name": "c"}}]},
        environment={"REGION": "$(JUPYTERHUB_USER)"},
        init_containers=[{"name": "block-cloud-metadata", "image": "x"}],
    )
    found = await _manifest(spawner)
    assert found["spec"]["dnsPolicy"] == "None"
    assert found["spec"]["initContainers"][0]["name"] == "block-cloud-metadata"
    server = found["spec"]["containers"][0]
    assert server["envFrom"] == [{"configMapRef": {"name": "c"}}]
    assert {"name": "REGION", "value": "$(JUPYTERHUB_USER)"} in server["env"]


async def test_an_administrators_hook_gets_a_model() -> None:
    spawner = await _planned(modify_pod_hook=lambda _, pod: pod)
    pod = await spawner.get_pod_manifest()
    assert isinstance(pod, V1Pod)
    assert pod.metadata.labels["sandlot/owner"] == "ann"
    assert pod.spec.containers[0].resources.limits["memory"] == "1073741824"


async def test_what_was_decided_by_nobody_is_not_started(caplog: pytest.LogCaptureFixture) -> None:
    spawner = await _planned()
    spawner.extra_pod_config = {"hostNetwork": True}
    assert (await _manifest(spawner))["spec"]["hostNetwork"] is True  # the administrator's own

    # A template of an option that names a user who may choose the name.
    spawner = await _planned(name="bob", extra_labels={"sandlot/admin": "{username}"})
    with pytest.raises(SpawnFailed) as caught:
        await spawner.get_pod_manifest()
    assert caught.value.code == "pod-label"
    assert "metadata.labels.sandlot/admin" in caplog.text


async def test_nothing_planned_is_nothing_started() -> None:
    with pytest.raises(SpawnUnavailableError) as caught:
        await kube_spawner(cluster_document()).get_pod_manifest()
    assert caught.value.code == "plan-missing"


BAD_OPTIONS: list[Any] = [
    pytest.param({"image": "base"}, "profile-required", id="S01"),
    pytest.param({"profile": "nope"}, "profile-unknown", id="S02"),
    pytest.param({"profile": "work", "image": "nope"}, "image-unknown", id="S03"),
    pytest.param({"profile": "work", "image": ["base"]}, "options-type", id="S04-list"),
    pytest.param(
        {"profile": "work", "image": "x" * 10_000_000}, "options-too-large", id="S04-10-MB"
    ),
    pytest.param({"profile": "work", "image--unlisted-choice": "e/x"}, "option-unknown", id="S05"),
    pytest.param({"profile": "work", "reference": "evil/x:1"}, "reference-not-allowed", id="S07"),
    pytest.param({"profile": "{0}"}, "profile-unknown", id="S08"),
    pytest.param({"profile": "$(PATH)"}, "profile-unknown", id="S09"),
    pytest.param({"profile": "work", "namespace": "kube-system"}, "option-unknown", id="S10"),
    pytest.param({"profile": "work", "size": "l4 "}, "size-unknown", id="S11"),
]


@pytest.mark.parametrize(("options", "code"), BAD_OPTIONS)
async def test_bad_options_are_refused_before_anything_is_asked(
    options: dict[str, Any], code: str
) -> None:
    spawner = kube_spawner(cluster_document())
    cluster = spawner.objects = MemoryCluster()
    with pytest.raises(SpawnRefused) as caught:
        await hooks.apply_user_options(spawner, options)
    assert caught.value.code == code
    assert caught.value.status_code < 500
    assert spawner.plan is None
    assert cluster.asked == []


async def test_kubespawners_own_reading_of_options_decides_nothing() -> None:
    spawner = await _planned(
        profile_list=[{"display_name": "x", "kubespawner_override": {"image": "evil/x:1"}}]
    )
    await spawner.load_user_options()
    assert (await _manifest(spawner))["spec"]["containers"][0]["image"] == (
        "registry.invalid/sandlot/base:1"
    )


async def test_a_claim_that_may_not_be_made_is_a_sentence() -> None:
    spawner = await _planned(cluster_document(homes=HOMES))
    cluster = spawner.objects = MemoryCluster()
    claim = spawner.get_pvc_manifest()
    cluster.refusals = [
        ClusterRefusedError(503, {}),
        ClusterRefusedError(403, status("Forbidden", QUOTA)),
    ]
    assert await spawner._make_create_pvc_request(claim, 3) is False
    with pytest.raises(SpawnFailed) as caught:
        await spawner._make_create_pvc_request(claim, 3)
    assert caught.value.code == "quota-exceeded"
    assert await spawner._make_create_pvc_request(claim, 3) is True
    assert list(cluster.claims) == ["claim-ann"]


async def test_only_the_pod_of_the_start_is_removed() -> None:
    spawner = await _planned()
    cluster = spawner.objects = MemoryCluster()
    theirs = await _manifest(await _planned())
    theirs["metadata"]["labels"]["sandlot/spawn-id"] = "another"
    cluster.put_pod(theirs)
    assert await spawner._make_delete_pod_request("jupyter-ann", None, 1, 3) is True
    assert list(cluster.pods) == ["jupyter-ann"]

    cluster.put_pod(await _manifest(spawner))
    assert await spawner._make_delete_pod_request("jupyter-ann", None, 1, 3) is True
    assert cluster.pods == {}
    assert cluster.asked[-1] == "delete uid-2 in 1 s"


async def test_a_server_of_plain_kubespawner_can_still_be_stopped() -> None:
    spawner = kube_spawner(cluster_document())
    spawner.load_state({"pod_name": "jupyter-ann", "kubespawner_version": "7.1.0"})
    cluster = spawner.objects = MemoryCluster()
    cluster.put_pod({"metadata": {"name": "jupyter-ann", "labels": {}}})
    assert await spawner._make_delete_pod_request("jupyter-ann", None, 1, 3) is True
    assert cluster.pods == {}


@pytest.mark.parametrize(
    ("template", "removed"),
    [
        pytest.param("claim-{user_server}", ["claim-ann"], id="of-each-server"),
        pytest.param("claim-{username}", [], id="of-all-servers"),
    ],
)
async def test_homes_as_an_administrator_names_them_go_with_their_server(
    template: str, removed: list[str]
) -> None:
    class Claims:
        def __init__(self) -> None:
            self.removed: list[str] = []

        async def delete_namespaced_persistent_volume_claim(
            self, *, name: str, namespace: str
        ) -> None:
            assert namespace == "people"
            self.removed.append(name)

    spawner = kube_spawner(cluster_document(), storage_pvc_ensure=True, pvc_name_template=template)
    claims = spawner.api = Claims()
    spawner.orm_spawner.name = "work"
    await spawner.delete_forever()
    assert claims.removed == removed


async def test_the_hubs_role_has_no_more_than_this() -> None:
    """Whether it is enough is asked of a real API server; more than this needs a reason here."""
    documents = yaml.safe_load_all((ROOT / "config/kubernetes/rbac.yaml").read_text())
    rules = {
        resource: sorted(rule["verbs"])
        for document in documents
        for rule in document.get("rules", ())
        for resource in rule["resources"]
    }
    assert rules == {
        "pods": ["create", "delete", "get", "list", "watch"],
        "persistentvolumeclaims": ["create", "delete", "get"],
        "events": ["list", "watch"],
    }
