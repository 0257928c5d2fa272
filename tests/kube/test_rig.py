"""The rig keeps its promises: a real API server, scheduler and controllers, and pods with fates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes_asyncio.client import ApiException, CoreV1Api, VersionApi

from support.cluster.api import connected
from support.cluster.builder import KUBERNETES
from support.cluster.fates import FATE, Fate
from support.cluster.nodes import PRODUCT, NodeKind
from support.cluster.objects import GPU, claim, pod, quota, service, state_of
from support.cluster.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from kubernetes_asyncio.client import ApiClient

    from support.cluster.cluster import Cluster
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes

pytestmark = pytest.mark.asyncio

L4 = NodeKind(gpus=4, product="NVIDIA-L4", taint=(GPU, "present", "NoSchedule"))


async def test_the_api_server_says_its_version(api: ApiClient, own_cluster: Cluster) -> None:
    assert (await VersionApi(api).get_code()).git_version == KUBERNETES


async def test_nodes_offer_gpus_to_the_real_scheduler(
    namespace: TestNamespace, nodes: FakeNodes
) -> None:
    pool = await nodes.add(2, L4)
    for number in range(3):
        await namespace.create_pod(pod(f"p{number}", gpus=4, **pool.placement))
    running = [
        await namespace.pod_when(f"p{number}", _runs, what=f"p{number} runs") for number in (0, 1)
    ]
    waiting = await namespace.pod_when("p2", _unschedulable, what="p2 finds no GPU")

    assert {each.spec.node_name for each in running} == set(pool.names)
    assert "Insufficient nvidia.com/gpu" in waiting.status.conditions[0].message


async def test_a_node_says_which_gpu_it_has(nodes: FakeNodes, core: CoreV1Api) -> None:
    pool = await nodes.add(1, L4)
    node = await core.read_node(pool.names[0])

    assert node.metadata.labels[PRODUCT] == "NVIDIA-L4"
    assert node.status.allocatable[GPU] == "4"


async def test_a_pod_without_tolerations_stays_away_from_gpus(
    namespace: TestNamespace, nodes: FakeNodes
) -> None:
    pool = await nodes.add(1, L4)
    placement = {**pool.placement, "tolerations": []}
    await namespace.create_pod(pod("p", **placement))
    waiting = await namespace.pod_when("p", _unschedulable, what="it is kept away")

    assert "untolerated taint" in waiting.status.conditions[0].message


FATES = [
    # fate, more of the pod, phase, state, reason, reasons of events
    pytest.param(None, {}, "Running", "running", "", [], id="none"),
    pytest.param(
        Fate.SLOW,
        {"after": "300ms"},
        "Running",
        "running",
        "",
        ["Pulling", "Pulled", "Created", "Started"],
        id="slow",
    ),
    pytest.param(
        Fate.IMAGE,
        {},
        "Pending",
        "waiting",
        "ImagePullBackOff",
        ["Pulling", "Failed", "BackOff"],
        id="image-missing",
    ),
    pytest.param(
        Fate.CONFIG,
        {},
        "Pending",
        "waiting",
        "CreateContainerConfigError",
        ["Failed"],
        id="config-error",
    ),
    pytest.param(
        Fate.CRASH, {}, "Running", "waiting", "CrashLoopBackOff", ["BackOff"], id="crash-loop"
    ),
    pytest.param(
        Fate.OOM,
        {"restartPolicy": "Never"},
        "Failed",
        "terminated",
        "OOMKilled",
        ["Started"],
        id="out-of-memory",
    ),
    pytest.param(
        Fate.OOM, {}, "Running", "waiting", "CrashLoopBackOff", [], id="out-of-memory-restarted"
    ),
    pytest.param(
        Fate.EXIT,
        {"exit_code": 3, "restartPolicy": "Never"},
        "Failed",
        "terminated",
        "Error",
        [],
        id="exit-3",
    ),
    pytest.param(
        Fate.EXIT, {"exit_code": 0}, "Succeeded", "terminated", "Completed", [], id="exit-0"
    ),
    pytest.param(Fate.EVICTED, {}, "Failed", "terminated", "Error", ["Evicted"], id="evicted"),
    pytest.param(Fate.STUCK, {}, "Running", "running", "", ["Started"], id="stuck"),
]


@pytest.mark.parametrize(("fate", "more", "phase", "state", "reason", "events"), FATES)
async def test_a_pod_meets_its_fate(
    namespace: TestNamespace,
    nodes: FakeNodes,
    fate: Fate | None,
    more: dict[str, Any],
    phase: str,
    state: str,
    reason: str,
    events: list[str],
) -> None:
    pool = await nodes.add()
    await namespace.create_pod(pod("p", fate=fate, **more, **pool.placement))

    def met(found: Any) -> bool:
        return found.status.phase == phase and state_of(found.status) == (state, reason)

    await namespace.pod_when("p", met, what=f"{phase}, {state}, {reason}")

    async def reported() -> bool:
        seen = {each for _, each, _ in await namespace.events_of("p")}
        return seen >= set(events)

    await until(reported, what=f"events {events}")


async def test_what_the_kubelet_says_of_an_end_is_in_the_status(
    namespace: TestNamespace, nodes: FakeNodes
) -> None:
    pool = await nodes.add()
    for name, fate in (("oom", Fate.OOM), ("exit", Fate.EXIT), ("evicted", Fate.EVICTED)):
        await namespace.create_pod(pod(name, fate=fate, exit_code=7, **pool.placement))
    oom = await namespace.pod_when("oom", _restarted, what="it was killed")
    exited = await namespace.pod_when("exit", _restarted, what="it has ended")
    evicted = await namespace.pod_when(
        "evicted", lambda found: found.status.phase == "Failed", what="it was evicted"
    )

    assert oom.status.container_statuses[0].last_state.terminated.exit_code == 137
    assert oom.status.container_statuses[0].last_state.terminated.reason == "OOMKilled"
    assert exited.status.container_statuses[0].last_state.terminated.exit_code == 7
    assert evicted.status.reason == "Evicted"
    assert "low on resource: memory" in evicted.status.message


async def test_a_slow_pod_is_pulling_until_then(namespace: TestNamespace, nodes: FakeNodes) -> None:
    pool = await nodes.add()
    await namespace.create_pod(pod("p", fate=Fate.SLOW, after="1h", **pool.placement))
    found = await namespace.pod_when(
        "p", lambda each: state_of(each.status)[0] == "waiting", what="its image is pulled"
    )

    assert state_of(found.status) == ("waiting", "ContainerCreating")


async def test_a_stuck_pod_goes_when_it_is_let_go(
    namespace: TestNamespace, nodes: FakeNodes, core: CoreV1Api
) -> None:
    pool = await nodes.add()
    await namespace.create_pod(pod("stuck", fate=Fate.STUCK, **pool.placement))
    await namespace.create_pod(pod("other", **pool.placement))
    for name in ("stuck", "other"):
        await namespace.pod_when(name, _runs, what=f"{name} runs")
        await core.delete_namespaced_pod(name, namespace.name)
    await _gone(namespace, "other")

    there = await core.read_namespaced_pod("stuck", namespace.name)
    assert there.metadata.deletion_timestamp is not None
    let_go = {"metadata": {"annotations": {FATE: None}}}
    await core.patch_namespaced_pod("stuck", namespace.name, let_go)
    await _gone(namespace, "stuck")


async def test_a_pod_on_a_lost_node_is_not_ready_and_is_taken_away(
    namespace: TestNamespace, nodes: FakeNodes
) -> None:
    pool = await nodes.add(3)
    impatient = {
        "key": "node.kubernetes.io/unreachable",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 1,
    }
    await namespace.create_pod(pod("p", **{**pool.placement, "tolerations": [impatient]}))
    running = await namespace.pod_when("p", _runs, what="it runs")
    await nodes.lose(running.spec.node_name)
    await namespace.pod_when("p", _not_ready, what="its node is lost")
    found = await namespace.pod_when(
        "p", lambda each: each.metadata.deletion_timestamp is not None, what="it is taken away"
    )

    reasons = {each.reason for each in found.status.conditions}
    assert found.status.phase == "Running"
    assert "DeletionByTaintManager" in reasons


async def test_an_empty_quota_is_refused_with_403(
    namespace: TestNamespace, core: CoreV1Api
) -> None:
    await core.create_namespaced_resource_quota(
        namespace.name, quota("gpus", {f"requests.{GPU}": "2"})
    )

    async def counted() -> bool:
        found = await core.read_namespaced_resource_quota("gpus", namespace.name)
        return bool(found.status.hard)

    await until(counted, what="the quota is counted")
    with pytest.raises(ApiException) as refusal:
        await namespace.create_pod(pod("p", gpus=3))

    assert refusal.value.status == 403
    assert "exceeded quota: gpus" in str(refusal.value.body)


async def test_pod_security_refuses_a_root_pod(namespace: TestNamespace) -> None:
    manifest = pod("p", securityContext={})
    with pytest.raises(ApiException) as refusal:
        await namespace.create_pod(manifest)

    assert refusal.value.status == 403
    assert 'violates PodSecurity "restricted' in json.loads(str(refusal.value.body))["message"]


async def test_a_claim_without_a_provider_stays_pending(
    namespace: TestNamespace, nodes: FakeNodes, core: CoreV1Api
) -> None:
    pool = await nodes.add()
    await core.create_namespaced_persistent_volume_claim(namespace.name, claim("home"))
    volume = {"name": "home", "persistentVolumeClaim": {"claimName": "home"}}
    await namespace.create_pod(pod("p", volumes=[volume], **pool.placement))
    found = await namespace.pod_when("p", _unschedulable, what="it waits for its volume")

    assert "unbound immediate PersistentVolumeClaims" in found.status.conditions[0].message


async def test_the_hub_may_do_what_its_role_says_and_nothing_else(
    namespace: TestNamespace, tmp_path: Path
) -> None:
    account = await namespace.hub_account()
    async with connected(account.write(tmp_path / "hub")) as client:
        hub = CoreV1Api(client)
        await hub.create_namespaced_pod(namespace.name, pod("p"))
        await hub.list_namespaced_pod(namespace.name)
        await hub.list_namespaced_event(namespace.name)
        await hub.delete_namespaced_pod("p", namespace.name)
        refused = [
            await _status(hub.list_namespaced_secret(namespace.name)),
            await _status(hub.read_namespaced_pod_log("p", namespace.name)),
            await _status(hub.create_namespaced_service(namespace.name, service("s"))),
            await _status(hub.list_namespaced_pod("default")),
            await _status(hub.create_namespaced_pod("default", pod("p"))),
            await _status(hub.list_node()),
        ]

    assert refused == [403] * 6


async def _status(call: Any) -> int:
    """Return the status that a call is refused with."""
    with pytest.raises(ApiException) as refusal:
        await call
    return int(refusal.value.status)


async def _gone(namespace: TestNamespace, name: str) -> None:
    async def gone() -> bool:
        found = await namespace.core.list_namespaced_pod(namespace.name)
        return name not in {each.metadata.name for each in found.items}

    await until(gone, what=f"{name} is gone")


def _runs(found: Any) -> bool:
    return bool(found.status.phase == "Running")


def _unschedulable(found: Any) -> bool:
    return any(each.reason == "Unschedulable" for each in found.status.conditions or ())


def _not_ready(found: Any) -> bool:
    return any(
        each.type == "Ready" and each.status == "False" for each in found.status.conditions or ()
    )


def _restarted(found: Any) -> bool:
    statuses = found.status.container_statuses
    return bool(statuses and statuses[0].restart_count)
