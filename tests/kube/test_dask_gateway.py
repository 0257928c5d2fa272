"""Dask clusters on a real control plane: gateway, controller and proxy as their manifest has them.

No pod runs anything. A stand-in takes the orders of schedulers, and the tests say what schedulers
would: also what a scheduler would that lies.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes_asyncio.client import NetworkingV1Api

from sandlot_hub.domain.dask.names import SCHEDULER, WORKER, secret_name
from support.cluster.audit import uses
from support.cluster.dask import CONTROLLER, GATEWAY, DaskGateway, allowed, dask_hub
from support.cluster.dask_person import DaskPerson
from support.cluster.fates import Fate, fate_annotations
from support.cluster.hub_client import hub_client
from support.cluster.nodes import NodeKind
from support.cluster.objects import GPU
from support.cluster.waiting import until
from support.kube_catalogue import cluster_catalogue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from kubernetes_asyncio.client import ApiClient

    from support.cluster.cluster import Cluster
    from support.cluster.hub import KubeHub
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes, Pool

pytestmark = [pytest.mark.asyncio, pytest.mark.slow, pytest.mark.timeout(180)]

TAINT = (GPU, "present", "NoSchedule")
ABOUT_CLEANING = {("delete", "daskclusters")}
"""What the controller does with records that are hours old, and so never here."""


@dataclass(frozen=True, kw_only=True)
class World:
    """A hub whose users have clusters."""

    hub: KubeHub
    gateway: DaskGateway
    ann: DaskPerson
    bob: DaskPerson


@pytest.fixture
def make_world(
    own_cluster: Cluster, api: ApiClient, namespace: TestNamespace, tmp_path: Path
) -> Callable[..., AbstractAsyncContextManager[World]]:
    """Return what gives a world for some settings."""
    assert own_cluster.plane is not None
    plane = own_cluster.plane

    @asynccontextmanager
    async def made(document: dict[str, Any]) -> AsyncIterator[World]:
        async with (
            dask_hub(
                document,
                plane=plane,
                client=api,
                namespace=namespace,
                folder=tmp_path,
                offers=await namespace.offers_account(),
            ) as (hub, gateway),
            hub.client() as admin,
        ):
            await admin.add_users("ann", "bob")
            tokens = [
                (await admin("POST", f"users/{name}/tokens", json={})).json["token"]
                for name in ("ann", "bob")
            ]
            async with hub_client(hub.url, tokens[0]) as ann, hub_client(hub.url, tokens[1]) as bob:
                both: dict[str, Any] = {"gateway": gateway, "namespace": namespace}
                yield World(
                    hub=hub,
                    gateway=gateway,
                    ann=DaskPerson(client=ann, **both),
                    bob=DaskPerson(client=bob, **both),
                )

    return made


def settings(pool: Pool, **dask: Any) -> dict[str, Any]:
    made = cluster_catalogue(
        node_selector=pool.placement["nodeSelector"], patience={"never_fits": "1 s"}
    )
    made["accelerators"]["l4"]["kubernetes"] = {"tolerations": [{"key": GPU}]}
    made["dask"] = {"scheduler": {"cpus": 0.1, "memory": "128 MiB"}, **dask}
    return made


async def test_a_cluster_lives_while_its_gateway_dies(
    make_world: Callable[..., AbstractAsyncContextManager[World]],
    nodes: FakeNodes,
    namespace: TestNamespace,
    own_cluster: Cluster,
    api: ApiClient,
) -> None:
    """Create, scale, kill both processes, scale again, stop: with the rights of the manifest."""
    pool = await nodes.add(1, NodeKind(gpus=4, taint=TAINT))
    # Schedulers have no GPU, and no taint is theirs to tolerate.
    plain = await nodes.add(1)
    document = settings(pool)
    document["kubernetes"]["node_selector"] = {}
    document["accelerators"]["l4"]["kubernetes"]["node_selector"] = pool.placement["nodeSelector"]
    document["availability"] = {"show_users": {"everybody": True}}
    async with make_world(document) as world:
        ann, gateway = world.ann, world.gateway
        name = await ann.create(worker_size="gpu")
        told = await ann.when(name, "RUNNING")
        (scheduler,) = await ann.pods(name, SCHEDULER)
        assert told["dashboard_address"] == f"http://{scheduler.status.pod_ip}:8787"
        assert scheduler.spec.node_name in plain.names

        assert (await ann("POST", f"clusters/{name}/scale", json={"count": 3})).status == 200
        keys = await ann.keys(name)
        (order,) = gateway.orders()
        assert order["order"] == {"op": "scale", "count": 3}
        assert order["address"] == scheduler.status.pod_ip
        assert order["login"] == f"token {keys['api-token']}"
        assert await ann.beat(name, 3) == 200
        workers = await ann.has_workers(name, 3)
        assert (await ann.look(name))["workers"]["starting"] == 3
        assert await ann.beat(name, 3, *workers) == 200
        assert (await ann.look(name))["workers"]["running"] == 3
        _whose((await ann.pods(name, WORKER))[0], scheduler, pool)
        await _reached_by(api, namespace, name)

        await _is_the_same_after_both_were_killed(world, name, keys, workers)
        assert (await ann("DELETE", f"clusters/{name}")).status == 204
        await namespace.when_empty()
        await ann.when(name, "STOPPED")
        secrets = await namespace.core.list_namespaced_secret(namespace.name)
        assert secret_name(name) not in {each.metadata.name for each in secrets.items}
        assert await ann.beat(name, 1, token=keys["api-token"]) == 401

    _with_the_rights_of_the_manifest(own_cluster, namespace)


async def _is_the_same_after_both_were_killed(
    world: World, name: str, keys: dict[str, str], workers: list[str]
) -> None:
    ann, gateway = world.ann, world.gateway
    for part in (GATEWAY, CONTROLLER):
        gateway.kill(part)
    assert len(await ann.pods(name, WORKER)) == 3
    await asyncio.to_thread(gateway.begin, GATEWAY, CONTROLLER)
    assert (await ann.look(name))["status"] == "RUNNING"
    found = (await ann("GET", f"clusters/{name}")).json
    assert found["tls_key"] == keys["dask.pem"]
    listed = (await ann("GET", "clusters/")).json
    assert "tls_key" not in listed[name]
    assert await ann.beat(name, 4, *workers) == 200
    await ann.has_workers(name, 4)
    bobs = await _a_fifth_gpu_is_waited_for(world)
    # One that does not work yet goes when it is not wanted; those that work are the
    # scheduler's to choose from.
    assert await ann.beat(name, 2, *workers) == 200
    await ann.namespace.core.delete_namespaced_pod(workers[0], ann.namespace.name)
    await _told(world.bob, bobs, lambda told: not told["detail"])
    (worker,) = await world.bob.pods(bobs, WORKER)
    assert worker.spec.node_name, "what is given back is the next one's"
    assert (await world.bob("DELETE", f"clusters/{bobs}")).status == 204


async def _a_fifth_gpu_is_waited_for(world: World) -> str:
    """Have another cluster want a GPU where ann's workers have all four; return its name."""
    bob = world.bob
    name = await bob.create(worker_size="gpu")
    await bob.when(name, "RUNNING")
    assert await bob.beat(name, 1) == 200
    told = await _told(bob, name, lambda told: "NVIDIA L4" in told["detail"])
    assert told["detail"] == "All NVIDIA L4 of the cluster are in use."
    assert (told["status"], told["workers"]["starting"]) == ("RUNNING", 1)
    assert told["size"]["accelerator"] == {"flavor": "l4", "display_name": "NVIDIA L4", "count": 1}
    found: dict[str, Any] = {}

    async def counted() -> bool:
        reply = await bob.client("GET", "/services/offers/api/v1/availability")
        found.update(*reply.json["flavors"])
        return bool(found["state"] and found["state"]["waiting"])

    await until(counted, what="somebody is seen to wait")
    state = found["state"]
    assert (state["total"], state["used"], state["free"], state["waiting"]) == (4, 4, 0, 1)
    assert found["holders"] == [{"user": "ann", "count": 4}]
    return name


async def _told(
    person: DaskPerson, name: str, done: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Wait until the owner of a cluster is told something; return all of it."""
    found: dict[str, Any] = {}

    async def so() -> bool:
        found.update(await person.look(name))
        return done(found)

    await until(so, what=f"the owner of {name} is told")
    return found


def _whose(worker: Any, scheduler: Any, pool: Pool) -> None:
    """Look at who a worker belongs to, and at what it has; the namespace enforces *restricted*."""
    labels = worker.metadata.labels
    assert labels["sandlot/owner"] == labels["sandlot/account"] == "ann"
    assert labels["sandlot/profile"] == "training"
    assert labels["sandlot/flavor"] == "l4"
    assert "sandlot/flavor" not in scheduler.metadata.labels
    assert worker.spec.node_name in pool.names
    (container,) = worker.spec.containers
    assert container.resources.limits[GPU] == "1"
    told = {each.name: each.value for each in container.env}
    assert told["DASK_SCHEDULER_ADDRESS"] == f"tls://{scheduler.status.pod_ip}:8786"
    assert worker.spec.automount_service_account_token is False
    assert worker.spec.enable_service_links is False


async def _reached_by(api: ApiClient, namespace: TestNamespace, name: str) -> None:
    found = await NetworkingV1Api(api).read_namespaced_network_policy(
        f"dask-{name}", namespace.name
    )
    dashboards = found.spec.ingress[-1]
    assert [each.port for each in dashboards.ports] == [8787]
    (who,) = dashboards._from
    assert who.pod_selector.match_labels == {"sandlot/owner": "ann", "sandlot/workload": "server"}


def _with_the_rights_of_the_manifest(cluster: Cluster, namespace: TestNamespace) -> None:
    assert cluster.plane is not None
    for account in (GATEWAY, CONTROLLER):
        user = f"system:serviceaccount:{namespace.name}:{account}"
        asked = uses(cluster.plane.audit_log, user)
        assert [use for use in asked if not use.allowed] == []
        used = {(use.verb, use.resource) for use in asked}
        assert used - allowed(account) == set()
        if account == CONTROLLER:
            used |= ABOUT_CLEANING | {("get", "pods/log")}
        else:
            used |= {("get", "pods/log")}
        assert allowed(account) == used, account


async def test_limits_hold_others_see_nothing_and_failures_are_told(
    make_world: Callable[..., AbstractAsyncContextManager[World]],
    nodes: FakeNodes,
    namespace: TestNamespace,
) -> None:
    pool = await nodes.add(1)
    document = settings(pool, limits={"clusters": 2, "workers": 5})
    async with make_world(document) as world:
        ann, bob = world.ann, world.bob
        first, second = await _one_of_ten(ann)
        await _no_more_workers(world, first, second)
        name = await bob.create()
        await bob.when(name, "RUNNING")
        await _nothing_of_ann_for(bob, first, token=(await bob.keys(name))["api-token"])
        for each in (first, second):
            assert (await ann("DELETE", f"clusters/{each}")).status == 204

        await _ended_by_themselves(bob, namespace, name)
        removed = await bob.create()
        await _removed_by_somebody(bob, namespace, removed)
        await _workers_fail(bob, namespace, await bob.create())
        await namespace.when_empty()


async def _one_of_ten(ann: DaskPerson) -> tuple[str, str]:
    """Ask for ten clusters at once where there is room for one; return both that there are."""
    first = await ann.create()
    replies = await asyncio.gather(
        *(ann("POST", "clusters/", json={"cluster_options": {}}) for _ in range(10))
    )
    assert sorted(reply.status for reply in replies) == [201, *[409] * 9]
    assert {reply.json["code"] for reply in replies if reply.status == 409} == {"cluster-limit"}
    (second,) = [reply.json["name"] for reply in replies if reply.status == 201]
    for name in (first, second):
        await ann.when(name, "RUNNING")
    return first, second


async def _no_more_workers(world: World, first: str, second: str) -> None:
    """Ask for more than five of two clusters together, by each way that there is."""
    ann = world.ann
    reply = await ann("POST", f"clusters/{first}/scale", json={"count": 6})
    assert (reply.status, reply.json["code"]) == (409, "worker-limit")
    assert world.gateway.orders() == []
    # Its scheduler asks for more than it may, again and again.
    for _ in range(3):
        assert await ann.beat(first, 50) == 200
    workers = await ann.has_workers(first, 5)
    assert "you may have 5 workers together" in (await ann.look(first))["detail"]
    assert await ann.beat(second, 1) == 200
    assert (await ann.look(second))["workers"]["wanted"] == 0
    # What it says that it no longer wants, and still has, is nobody else's.
    assert await ann.beat(first, 5, *workers) == 200
    assert await ann.beat(first, 0, *workers) == 200
    assert await ann.beat(second, 1) == 200
    assert (await ann.look(second))["workers"]["wanted"] == 0
    assert len(await ann.pods(first, WORKER)) == 5


async def _nothing_of_ann_for(bob: DaskPerson, name: str, *, token: str) -> None:
    """Ask for another person's cluster by every route there is."""
    asked = [
        ("GET", f"clusters/{name}", {}),
        ("DELETE", f"clusters/{name}", {}),
        ("POST", f"clusters/{name}/scale", {"json": {"count": 0}}),
        ("POST", f"clusters/{name}/adapt", {"json": {"minimum": 0, "maximum": 0}}),
        ("GET", f"sandlot/clusters/{name}", {}),
        ("GET", f"sandlot/clusters/{name}/log", {}),
    ]
    for method, path, body in asked:
        reply = await bob(method, path, **body)
        assert (reply.status, reply.json["code"]) == (404, "cluster-unknown"), path
    listed = await bob("GET", "clusters/")
    assert name not in listed.json
    assert await bob.beat(name, 3, token=token) == 401


async def _ended_by_themselves(bob: DaskPerson, namespace: TestNamespace, name: str) -> None:
    (pod,) = await bob.pods(name, SCHEDULER)
    fate = {"metadata": {"annotations": fate_annotations(Fate.EXIT, exit_code=3)}}
    await namespace.core.patch_namespaced_pod(pod.metadata.name, namespace.name, fate)
    told = await bob.when(name, "FAILED")
    assert told["code"] == "scheduler-ended"
    assert told["reason"].startswith("Its scheduler ended")
    assert "3" in told["reason"]
    assert "Next:" not in told["reason"]
    assert told["next"].startswith("Next:")


async def _removed_by_somebody(bob: DaskPerson, namespace: TestNamespace, name: str) -> None:
    """What has become of it is told at once, while a worker of it takes its time to end."""
    await bob.when(name, "RUNNING")
    assert await bob.beat(name, 1) == 200
    (worker,) = await bob.has_workers(name, 1)
    stuck = fate_annotations(Fate.STUCK)

    async def annotate(values: dict[str, str | None]) -> None:
        change = {"metadata": {"annotations": values}}
        await namespace.core.patch_namespaced_pod(worker, namespace.name, change)

    await annotate({**stuck})
    (pod,) = await bob.pods(name, SCHEDULER)
    await namespace.core.delete_namespaced_pod(pod.metadata.name, namespace.name)
    told = await bob.when(name, "STOPPING")
    assert told["code"] == "vanished"
    assert told["reason"].startswith("Its scheduler was removed from the cluster")
    assert (await bob("GET", f"clusters/{name}")).json["tls_key"] is None
    await annotate(dict.fromkeys(stuck))
    assert (await bob.when(name, "FAILED"))["code"] == "vanished"


async def _workers_fail(bob: DaskPerson, namespace: TestNamespace, name: str) -> None:
    await bob.when(name, "RUNNING")
    await bob.beat(name, 1)
    crash = {"metadata": {"annotations": fate_annotations(Fate.OOM)}}
    for _ in range(3):
        (worker,) = await bob.has_workers(name, 1)
        await namespace.core.patch_namespaced_pod(worker, namespace.name, crash)
        await _another(bob, name, than=worker)
    told = await bob.when(name, "FAILED")
    assert told["code"] == "workers-failed"
    assert "The last one: The worker used all of its memory" in told["reason"]
    assert "Next:" not in told["reason"]
    assert told["next"].startswith("Next:")


async def _another(ann: DaskPerson, name: str, *, than: str) -> None:
    async def so() -> bool:
        if (await ann.look(name))["status"] == "FAILED":
            return True
        found = [each.metadata.name for each in await ann.pods(name, WORKER)]
        return bool(found) and than not in found

    await until(so, what=f"{name} has another worker")
