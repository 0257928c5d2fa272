"""A Dask cluster of real pods, asked for in the server of a person, without any argument."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.domain.dask.names import (
    API_PORT,
    CLUSTER,
    DASHBOARD_PORT,
    SCHEDULER,
    SCHEDULER_PORT,
    WORKER,
)
from support.cluster.control_plane import STORAGE_CLASS
from support.cluster.dask import CONTROLLER, GATEWAY, PROXY, dask_hub, documents
from support.cluster.dask_person import DaskPerson
from support.cluster.enforcer import REFUSED, enforced
from support.cluster.hub_client import hub_client
from support.cluster.in_pod import OPEN, opened, run_in_pod, stand_in_for
from support.cluster.real_node import REAL, REGISTRY
from support.cluster.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from kubernetes_asyncio.client import ApiClient

    from support.cluster.cluster import Cluster
    from support.cluster.dask import DaskGateway
    from support.cluster.images import Archive
    from support.cluster.namespaces import TestNamespace

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.real_node,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

COMPUTED = """\
import json, socket
from pathlib import Path
from dask_gateway import Gateway, GatewayCluster

(Path.home() / "numbers").write_text("499500")
cluster = GatewayCluster()
cluster.scale(2)
with cluster.get_client() as client:
    client.wait_for_workers(2, timeout=60)
    workers = client.run(socket.gethostname)
    total = client.submit(sum, range(1000)).result(timeout=60)
    # Each worker reads it, at the path at which the server has written it.
    read = client.run(lambda path: Path(path).read_text(), str(Path.home() / "numbers"))
told = {
    "name": cluster.name,
    "workers": {name: address for address, name in workers.items()},
    "total": total,
    "read": [*read.values()],
    "link": cluster.dashboard_link,
}
print("told", json.dumps(told))
cluster.close(shutdown=False)
"""
ENDED = """\
from dask_gateway import Gateway

with Gateway() as gateway:
    (found,) = gateway.list_clusters()
    with gateway.connect(found.name) as cluster, cluster.get_client() as client:
        print("told", client.submit(sum, range(10)).result(timeout=30))
    gateway.stop_cluster(found.name)
"""
SERVER = "jupyter-ann"
CHOICE = {"profile": "everyday", "image": "base", "size": "small"}


def _only(*which: str) -> dict[str, str]:
    every = ("computing", "dashboard", "orders", "worker")
    return {each: OPEN if each in which else REFUSED for each in every}


REACHED = {
    "her server": _only("dashboard"),
    "her worker": _only("computing", "dashboard", "orders", "worker"),
    "his server": _only(),
    "his worker": _only(),
    GATEWAY: _only("orders"),
    PROXY: _only("computing"),
}
"""Who may open which connection to a cluster of hers."""
STRANGERS = ("his server", "his worker")


def document(reference: str) -> dict[str, Any]:
    return {
        "version": 1,
        "images": {
            "base": {"display_name": "JupyterLab", "reference": reference},
            "nightly": {
                "display_name": "Nightly build",
                "reference": f"{REGISTRY}/sandlot/nightly:2026-11-21",
            },
        },
        "sizes": {"small": {"display_name": "Small", "cpus": 0.3, "memory": "768 MiB"}},
        "profiles": {
            "everyday": {
                "display_name": "Everyday work",
                "images": ["base", "nightly"],
                "sizes": ["small"],
            }
        },
        "dask": {"scheduler": {"cpus": 0.3, "memory": "512 MiB"}, "mount_home": True},
        "kubernetes": {
            "homes": {
                "kind": "claim",
                "size": "1 GiB",
                "storage_class": STORAGE_CLASS,
                # Of the one node; workers of several ask for it.
                "access_mode": "ReadWriteMany",
            },
            "node_selector": REAL.placement["nodeSelector"],
            "tolerations": REAL.placement["tolerations"],
        },
    }


async def test_somebody_computes_on_two_workers(
    cluster: Cluster,
    images: dict[str, Archive],
    api: ApiClient,
    namespace: TestNamespace,
    tmp_path: Path,
) -> None:
    """From their server: a cluster, two workers, a result, the dashboard; then all of it ends.

    All of it happens under NetworkPolicies that the kernel enforces.
    """
    assert cluster.plane is not None
    there = dask_hub(
        document(images["base"].reference),
        plane=cluster.plane,
        client=api,
        namespace=namespace,
        folder=tmp_path,
        stand_in=False,
    )
    async with there as (hub, gateway), hub.client() as admin:
        await admin.add_users("ann")
        token = (await admin("POST", "users/ann/tokens", json={})).json["token"]
        async with hub_client(hub.url, token) as client:
            ann = DaskPerson(client=client, gateway=gateway, namespace=namespace)
            async with enforced(api, cluster.plane.network) as enforcer:
                await admin.started("ann", CHOICE)
                told = json.loads(await run_in_pod(api, namespace.name, SERVER, COMPUTED))
                name = told["name"]
                assert told["total"] == 499500
                assert told["read"] == ["499500", "499500"]
                workers = [each.metadata.name for each in await ann.pods(name, WORKER)]
                assert sorted(told["workers"]) == sorted(workers)

                async def both_are_told() -> bool:
                    return bool((await ann.look(name))["workers"]["running"] == 2)

                # Schedulers tell how many they have every second.
                await until(both_are_told, what="two workers are told")
                await _is_seen_in_the_server(ann, name, told["link"])
                await _is_computed_on_though_the_gateway_was_killed(gateway)
                targets = await _targets(ann, name, told["workers"])
                others = await _others(ann, name, images["base"])
                await enforcer.refresh()
                assert await _reached(api, namespace, others, targets) == REACHED
            # The same without enforcement: what was refused was there.
            strangers = {each: others[each] for each in STRANGERS}
            found = await _reached(api, namespace, strangers, targets)
            assert found == dict.fromkeys(STRANGERS, dict.fromkeys(targets, OPEN))

            assert await run_in_pod(api, namespace.name, SERVER, ENDED) == "45"
            await ann.when(name, "STOPPED")
            assert await ann.pods(name, SCHEDULER) == []

            lost = await ann.create(image="nightly")
            failed = await ann.when(lost, "FAILED")
            assert failed["code"] == "image-missing"
            await _is_told_when_its_scheduler_is_lost(ann)


# --- who reaches it ------------------------------------------------------------------------


async def _targets(ann: DaskPerson, name: str, workers: dict[str, str]) -> dict[str, Any]:
    (scheduler,) = await ann.pods(name, SCHEDULER)
    address = scheduler.status.pod_ip
    host, _, port = workers[min(workers)].rpartition("/")[2].rpartition(":")
    return {
        "computing": (address, SCHEDULER_PORT),
        "dashboard": (address, DASHBOARD_PORT),
        "orders": (address, API_PORT),
        "worker": (host, int(port)),
    }


async def _others(ann: DaskPerson, name: str, image: Archive) -> dict[str, str]:
    """Return the pods from which it is tried: her server, a worker, and stand-ins for others."""
    namespace = ann.namespace
    server = await namespace.core.read_namespaced_pod(SERVER, namespace.name)
    *_, worker = sorted(await ann.pods(name, WORKER), key=lambda each: str(each.metadata.name))
    his = {"sandlot/owner": "bob", "sandlot/account": "bob"}
    labels = {
        "his server": {**server.metadata.labels, **his},
        "his worker": {**worker.metadata.labels, **his, CLUSTER: "f" * 32},
    }
    for part in (GATEWAY, PROXY):
        template = documents("Deployment")[part]["spec"]["template"]
        labels[part] = template["metadata"]["labels"]
    made = await asyncio.gather(
        *(
            stand_in_for(namespace, image, each.replace(" ", "-"), wanted)
            for each, wanted in labels.items()
        )
    )
    return {
        "her server": SERVER,
        "her worker": worker.metadata.name,
        **dict(zip(labels, made, strict=True)),
    }


async def _reached(
    api: ApiClient, namespace: TestNamespace, pods: dict[str, str], targets: dict[str, Any]
) -> dict[str, dict[str, str]]:
    found = await asyncio.gather(
        *(opened(api, namespace.name, pod, targets) for pod in pods.values())
    )
    return dict(zip(pods, found, strict=True))


# --- what is seen of it --------------------------------------------------------------------


async def _is_seen_in_the_server(ann: DaskPerson, name: str, link: str) -> None:
    base = f"/user/ann/sandlot/api/v1/clusters/{name}"
    assert link == f"{base}/dashboard/status"
    page = await ann.client("GET", link)
    assert page.status == 200, page.text
    assert "Dask Diagnostic UI" in page.text
    log = await ann.client("GET", f"{base}/log")
    assert any("Scheduler at" in line for line in log.json["scheduler"])


async def _is_computed_on_though_the_gateway_was_killed(gateway: DaskGateway) -> None:
    for part in (GATEWAY, CONTROLLER):
        gateway.kill(part)
    await asyncio.to_thread(gateway.begin, GATEWAY, CONTROLLER)


async def _is_told_when_its_scheduler_is_lost(ann: DaskPerson) -> None:
    """Whoever looks from the server is told why it ends."""
    name = await ann.create()
    await ann.when(name, "RUNNING")
    assert await _listed(ann, name) == ("RUNNING", "")
    (pod,) = await ann.pods(name, SCHEDULER)
    core, namespace = ann.namespace.core, ann.namespace.name
    await core.delete_namespaced_pod(pod.metadata.name, namespace, grace_period_seconds=0)

    async def is_told() -> bool:
        status, code = await _listed(ann, name)
        return status in {"STOPPING", "FAILED"} and code == "vanished"

    await until(is_told, what="it is told that the scheduler is lost")
    assert (await ann.when(name, "FAILED"))["code"] == "vanished"


async def _listed(ann: DaskPerson, name: str) -> tuple[str, str]:
    """Return what the person's own server tells of a cluster."""
    reply = await ann.client("GET", "/user/ann/sandlot/api/v1/clusters")
    assert reply.status == 200, reply.text
    (found,) = [each for each in reply.json["clusters"] if each["name"] == name]
    return found["status"], found["code"]
