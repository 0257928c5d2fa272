"""What goes wrong in the cluster, as a hub meets it: a sentence, a label, a free place, no exit.

The hub would end with the first start that it counts as its own failure.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from kubernetes_asyncio.client import (
    AdmissionregistrationV1Api,
    ApiException,
    SchedulingV1Api,
)

from support.cluster import faults
from support.cluster.fates import AFTER, FATE
from support.cluster.faults import LIST_PODS, WATCH_PODS, Ending
from support.cluster.hub_client import server_path
from support.cluster.nodes import NodeKind
from support.cluster.objects import GPU, pod, quota
from support.cluster.waiting import until
from support.kube_spawner import SMALL, cluster_document

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from kubernetes_asyncio.client import ApiClient

    from support.cluster.fault_proxy import FaultProxy
    from support.cluster.hub import KubeHub
    from support.cluster.hub_client import HubClient
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes, Pool

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]

KIND = NodeKind(gpus=1, taint=(GPU, "present", "NoSchedule"))
CONFIG = {
    # The hub answers at once that something is under way.
    "JupyterHub": {
        "tornado_settings": {"slow_spawn_timeout": 0, "slow_stop_timeout": 0},
        "allow_named_servers": True,
    },
    "KubeSpawner": {
        "consecutive_failure_limit": 1,
        "k8s_api_request_timeout": 2,
        # A user has the fate of that name; other names are none.
        "extra_annotations": {FATE: "{unescaped_username}"},
    },
    "ResourceReflector": {"timeout_seconds": 1},
}
SLOW = f"""
def fated(spawner, pod):
    if spawner.user.name == "slow":
        pod.metadata.annotations[{AFTER!r}] = "1h"
    return pod
c.KubeSpawner.modify_pod_hook = fated
"""
PATIENCE = {"busy": "1 s", "container": "1 s", "node_lost": "1 s", "stopping": "5 s"}


def at(pools: dict[str, Pool]) -> dict[str, Any]:
    """Return settings with a size of one GPU on each pool, one at a time."""
    document = cluster_document(patience=PATIENCE)
    for name, pool in pools.items():
        placement = pool.placement
        document["accelerators"][name] = {
            "display_name": "NVIDIA L4",
            "kubernetes": {
                "node_selector": placement["nodeSelector"],
                "tolerations": placement["tolerations"],
            },
        }
        document["sizes"][name] = {
            "display_name": f"One on {name}",
            "cpus": 1,
            "memory": "1 GiB",
            "max_running": 1,
            "accelerator": {"flavor": name},
        }
        document["profiles"]["work"]["sizes"].append(name)
    return document


def size(name: str) -> dict[str, str]:
    return {"profile": "work", "image": "base", "size": name}


async def failed(
    client: HubClient, user: str, options: dict[str, str], server: str = ""
) -> dict[str, Any]:
    """Start a server that cannot work; return the event that says why."""
    reply = await client.start(user, options, server=server)
    assert reply.status in {201, 202}, reply.text  # 201 when it has failed by now
    return await failure(client, user, server)


async def failure(client: HubClient, user: str, server: str = "") -> dict[str, Any]:
    """Return what is told of a start once it has failed."""
    found: list[dict[str, Any]] = []

    async def over() -> bool:
        # While the hub cleans up, there is no progress to be had.
        reply = await client("GET", f"{server_path(user, server)}/progress")
        lines = [line for line in reply.text.splitlines() if line.startswith("data:")]
        found.extend(json.loads(line.removeprefix("data:")) for line in lines)
        return bool(found)

    await until(over, what="the start has failed")
    assert found[-1].get("failed"), found
    code = re.search("Code: ([a-z-]+)", found[-1]["html_message"])
    assert code is not None, found
    return {"code": code[1], "message": found[-1]["message"]}


async def reasons(client: HubClient) -> dict[str, tuple[str, int]]:
    """Return status and number of the starts that the hub's metrics know, by reason."""
    text = (await client("GET", "/hub/metrics")).text
    line = re.compile(
        r'server_spawn_duration_seconds_count\{reason="([^"]*)",status="([^"]*)"\} (\d+)'
    )
    found = line.findall(text)
    return {reason: (status, int(number)) for reason, status, number in found if int(number)}


async def pods(namespace: TestNamespace) -> list[str]:
    found = (await namespace.core.list_namespaced_pod(namespace.name)).items
    return sorted(each.metadata.name for each in found)


def outage(hub: KubeHub) -> str:
    return "\n".join(line for line in hub.log.splitlines() if "consecutive spawn" in line)


# --- R12 -----------------------------------------------------------------------------------


async def evict(namespace: TestNamespace, name: str, _: Pool) -> None:
    """Write what the kubelet writes when its node is short of memory."""
    status = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."}
    await namespace.core.patch_namespaced_pod_status(name, namespace.name, {"status": status})


async def run_out_of_memory(namespace: TestNamespace, name: str, _: Pool) -> None:
    """Write what the kubelet writes when the kernel killed the server."""
    end = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    container = {
        "name": "notebook",
        "image": "x",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": end,
    }
    status = {"containerStatuses": [container]}
    await namespace.core.patch_namespaced_pod_status(name, namespace.name, {"status": status})


async def preempt(namespace: TestNamespace, name: str, pool: Pool) -> None:
    """Let something more urgent want the same GPU."""
    urgent = pod("urgent", gpus=1, priorityClassName=namespace.name, **pool.placement)
    await namespace.create_pod(urgent)
    del name


@pytest_asyncio.fixture
async def urgent(api: ApiClient, namespace: TestNamespace) -> AsyncIterator[None]:
    """A priority class of the test's own."""
    scheduling = SchedulingV1Api(api)
    body: Any = {"metadata": {"name": namespace.name}, "value": 1000}
    await scheduling.create_priority_class(body)
    yield
    await scheduling.delete_priority_class(namespace.name)


R12 = {
    "R12-evicted": ("evicted", "short of memory or disk space"),
    "R12-out-of-memory": ("out-of-memory", "used all of its memory"),
    "R12-preempted": ("preempted", "for more urgent work"),
    "R12-node-lost": ("node-lost", "no longer answers"),
    "R12-image": ("image-missing", "does not exist"),
    "R12-config": ("container-config", "from its configuration"),
    "R12-unschedulable": ("resources-busy", "are in use"),
}
"""Metric reason and words of each fate, which happens on a pool of its own."""
AT_THE_IMAGE = {"preempted": preempt, "evicted": evict, "out-of-memory": run_out_of_memory}
"""What makes it happen to a server that waits for its image."""


async def test_r12_every_fate_has_its_sentence_its_reason_and_gives_its_place_back_once(
    make_hub: Callable[..., Awaitable[KubeHub]],
    namespace: TestNamespace,
    nodes: FakeNodes,
    urgent: None,
) -> None:
    pools = {fate.removeprefix("R12-"): await nodes.add(1, KIND) for fate in R12}
    hub = await make_hub(at(pools), config=CONFIG, extra=SLOW)
    async with hub.client() as client:
        await client.add_users("slow", "image-missing", "config-error", "ann", "bob")
        await namespace.create_pod(pod("other", gpus=1, **pools["unschedulable"].placement))
        await namespace.pod_when("other", lambda it: it.spec.node_name, what="it has the GPU")
        seen: dict[str, dict[str, Any]] = {}
        for fate, user in (("image", "image-missing"), ("config", "config-error")):
            seen[fate] = await failed(client, user, size(fate))
        seen["unschedulable"] = await failed(client, "ann", size("unschedulable"))
        for fate in ("preempted", "evicted", "out-of-memory"):
            await client.start("slow", size(fate), server=fate)
            name = await _on_its_node(namespace, pools[fate])
            await AT_THE_IMAGE[fate](namespace, name, pools[fate])
            seen[fate] = await failure(client, "slow", fate)
        hub.keep_silent("bob")
        await client.start("bob", size("node-lost"))
        await _on_its_node(namespace, pools["node-lost"])
        await nodes.lose(pools["node-lost"].names[0])
        seen["node-lost"] = await failure(client, "bob")
        for fate, (reason, words) in R12.items():
            event = seen[fate.removeprefix("R12-")]
            assert (event["code"], words in event["message"]) == (reason, True), event
        assert len({event["message"] for event in seen.values()}) == len(R12)
        counted = await reasons(client)
        assert counted == {reason: ("failure", 1) for reason, _ in R12.values()}

        # One place each: it is free again, and it is one.
        for fate in ("evicted", "preempted", "image"):
            assert (await client.start("ann", size(fate), server=fate)).status == 202
            refused = await client.start("bob", size(fate), server=fate)
            assert (refused.status, "size-full" in refused.text + str(refused.headers)) == (
                409,
                True,
            )


async def _on_its_node(namespace: TestNamespace, pool: Pool) -> str:
    """Return the name of the pod on a pool, once its node looks after it."""
    found: list[str] = []

    async def there() -> bool:
        pods = (await namespace.core.list_namespaced_pod(namespace.name)).items
        found[:] = [
            each.metadata.name
            for each in pods
            if each.spec.node_name in pool.names and each.status.container_statuses
        ]
        return bool(found)

    await until(there, what="a node has the server")
    return found[0]


# --- R08 -----------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def policy(api: ApiClient, namespace: TestNamespace) -> AsyncIterator[None]:
    """A rule of the cluster that refuses small servers in this namespace, and says so."""
    admission = AdmissionregistrationV1Api(api)
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace.name}}
    pods = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["pods"],
    }
    rule: Any = {
        "metadata": {"name": namespace.name},
        "spec": {
            "matchConstraints": {"resourceRules": [pods]},
            "validations": [
                {
                    "expression": "object.metadata.name != 'jupyter-ann'",
                    "message": "<b>ann</b> has to take the course first",
                }
            ],
        },
    }
    binding: Any = {
        "metadata": {"name": namespace.name},
        "spec": {
            "policyName": namespace.name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": here},
        },
    }
    await admission.create_validating_admission_policy(rule)
    await admission.create_validating_admission_policy_binding(binding)

    async def works() -> bool:
        try:
            asked = namespace.core.create_namespaced_pod
            await asked(namespace.name, pod("jupyter-ann"), dry_run="All")
        except ApiException as error:
            return error.status == 422
        return False

    await until(works, what="the rule is in force")
    yield
    await admission.delete_validating_admission_policy_binding(namespace.name)
    await admission.delete_validating_admission_policy(namespace.name)


async def test_r08_a_denial_is_a_sentence_and_no_failure_of_the_hub(
    make_hub: Callable[..., Awaitable[KubeHub]],
    namespace: TestNamespace,
    nodes: FakeNodes,
    policy: None,
) -> None:
    await nodes.add(1)  # for what asks for no GPU
    hub = await make_hub(at({"l4s": await nodes.add(1, KIND)}), config=CONFIG)
    limit = quota("gpus", {f"requests.{GPU}": "0"})
    await namespace.core.create_namespaced_resource_quota(namespace.name, limit)
    async with hub.client() as client:
        await client.add_users("ann", "bob")
        denied = await failed(client, "ann", SMALL)
        assert denied["code"] == "admission-denied"
        assert "A rule of the cluster refused your server." in denied["message"]
        assert "has to take the course first" in denied["message"]
        over = await failed(client, "bob", size("l4s"))
        assert over["code"] == "quota-exceeded"
        assert "1 asked for, 0 of 0 in use" in over["message"]
        for event in (denied, over):
            assert "HTTP" not in event["message"]
            assert namespace.name not in event["message"]
        counted = await reasons(client)
        assert counted["admission-denied"] == counted["quota-exceeded"] == ("failure", 1)
        # It did not count as the hub's own failure: the hub is there, and starts servers.
        await client.started("bob", SMALL)
        assert (await pods(namespace)) == ["jupyter-bob"]


# --- R04 -----------------------------------------------------------------------------------


async def test_r04_a_hub_outlives_its_cluster(
    make_hub: Callable[..., Awaitable[KubeHub]],
    namespace: TestNamespace,
    nodes: FakeNodes,
    fault_proxy: FaultProxy,
) -> None:
    await nodes.add(1)
    account = fault_proxy.through(await namespace.hub_account())
    hub = await make_hub(cluster_document(patience=PATIENCE), access=account, config=CONFIG)
    async with hub.client() as client:
        await client.add_users("ann", "bob", "cid")
        await client.started("ann", SMALL)
        with fault_proxy.refusing():
            events = await asyncio.gather(*(failed(client, user, SMALL) for user in ("bob", "cid")))
            reply = await client.start("bob", SMALL)
            assert {event["code"] for event in events} == {"cluster-trouble"}, reply
        for fault in (faults.BROKEN, faults.TOO_MANY):
            fault_proxy.inject(fault)
            fault_proxy.end_now(Ending.CUT, WATCH_PODS)
            assert (await failed(client, "bob", SMALL))["code"] == "cluster-trouble"
            fault_proxy.heal()
        # Nobody lost a server meanwhile, and everything goes on.
        await client.started("bob", SMALL)
        assert (await client.user("ann"))["servers"][""]["ready"]
        assert (await reasons(client))["cluster-trouble"][0] == "failure"
        assert fault_proxy.count(LIST_PODS)
        assert outage(hub) == ""
