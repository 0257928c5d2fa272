"""Whose a Dask cluster is, to the cluster that it runs in: who reaches it, and whose files it has.

No pod runs anything; what NetworkPolicies say of the pods and the policies that are there is read
by `support.cluster.reach`. `test_dask_real_node.py` sends traffic.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from kubernetes_asyncio.client import NetworkingV1Api

from sandlot_hub.domain.dask.names import SCHEDULER, WORKER
from support.cluster.control_plane import STORAGE_CLASS
from support.cluster.dask import CONTROLLER, GATEWAY, PROXY, dask_hub, documents
from support.cluster.dask_person import DaskPerson
from support.cluster.hub_client import hub_client
from support.cluster.objects import claim
from support.cluster.reach import Endpoint, Policies
from support.house import ROOT
from support.kube_catalogue import cluster_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from kubernetes_asyncio.client import ApiClient

    from support.cluster.cluster import Cluster
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes

pytestmark = [pytest.mark.asyncio, pytest.mark.slow, pytest.mark.timeout(180)]

COMM, DASHBOARD, ORDERS, ANY = 8786, 8787, 8788, 40000
"""Ports: computing, the dashboard, what the gateway orders, and those of workers."""
REACHES_A_SCHEDULER = {
    "her server": [DASHBOARD],
    "her worker": [COMM, DASHBOARD, ORDERS, ANY],
    "her other cluster": [],
    "his server": [],
    "his worker": [],
    "the gateway": [ORDERS],
    "the proxy": [COMM],
    "the controller": [],
    "the hub": [],
    "the hub's proxy": [],
    "her server elsewhere": [],
    "outside": [],
}
REACHES_A_WORKER = {
    **REACHES_A_SCHEDULER,
    "her scheduler": [COMM, DASHBOARD, ORDERS, ANY],
}
"""A cluster has one policy, so its workers are open where its scheduler is; they listen elsewhere."""
REACHES_THE_GATEWAY = {
    "the hub": [8090],
    "the hub's proxy": [8090],
    "the proxy": [8091],
    "her worker": [],
    "her server": [],
    "his server": [],
    "outside": [],
}
CHOICE = {"profile": "everyday", "image": "base", "size": "small"}


def settings(placement: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with homes in folders, a folder for all, and data for one group."""
    made = cluster_catalogue(
        node_selector=placement["nodeSelector"],
        homes={"kind": "folder", "claim": "files"},
        shared_folder={"claim": "files", "sub_path": "shared"},
        data_volumes={
            "genomes": {
                "claim": "genomes",
                "mount_path": "/data/genomes",
                "allow": {"groups": ["bio"]},
            }
        },
    )
    made["dask"] = {"scheduler": {"cpus": 0.1, "memory": "128 MiB"}, "mount_home": True}
    return made


async def test_they_have_the_files_of_their_owner_and_nobody_else_reaches_them(
    own_cluster: Cluster, api: ApiClient, namespace: TestNamespace, nodes: FakeNodes, tmp_path: Path
) -> None:
    """Two people with a server each, three clusters, and everybody who is there besides."""
    assert own_cluster.plane is not None
    for name in ("files", "genomes"):
        await namespace.core.create_namespaced_persistent_volume_claim(
            namespace.name, claim(name, storage_class=STORAGE_CLASS)
        )
    pool = await nodes.add(1)
    there = dask_hub(
        settings(pool.placement),
        plane=own_cluster.plane,
        client=api,
        namespace=namespace,
        folder=tmp_path,
        groups={"bio": ["ann"]},
    )
    async with there as (hub, gateway), hub.client() as admin:
        await admin.add_users("ann", "bob")
        await asyncio.gather(*(admin.started(each, CHOICE) for each in ("ann", "bob")))
        pods: dict[str, Any] = {}
        for owner, name in (("ann", "her"), ("ann", "her other"), ("bob", "his")):
            token = (await admin("POST", f"users/{owner}/tokens", json={})).json["token"]
            async with hub_client(hub.url, token) as client:
                person = DaskPerson(client=client, gateway=gateway, namespace=namespace)
                pods |= await _cluster_with_a_worker(person, f"{name} ")
        for owner, name in (("ann", "her"), ("bob", "his")):
            pods[f"{name} server"] = await namespace.core.read_namespaced_pod(
                f"jupyter-{owner}", namespace.name
            )
        _have_the_same_files(pods)
        policies = api.sanitize_for_serialization(
            await NetworkingV1Api(api).list_namespaced_network_policy(namespace.name)
        )["items"]
        _are_reached_by(policies, pods, namespace.name)


async def _cluster_with_a_worker(person: DaskPerson, name: str) -> dict[str, Any]:
    made = await person.create()
    await person.when(made, "RUNNING")
    assert await person.beat(made, 1) == 200
    await person.has_workers(made, 1)
    (scheduler,) = await person.pods(made, SCHEDULER)
    (worker,) = await person.pods(made, WORKER)
    return {f"{name}scheduler": scheduler, f"{name}worker": worker}


# --- files ---------------------------------------------------------------------------------


def _have_the_same_files(pods: Mapping[str, Any]) -> None:
    shared = ("files", "shared", "/home/jovyan/shared", False)
    hers = {
        ("files", "home/ann", "/home/jovyan", False),
        shared,
        ("genomes", None, "/data/genomes", True),
    }
    his = {("files", "home/bob", "/home/jovyan", False), shared}
    for name, pod in pods.items():
        assert _files(pod) == (his if name.startswith("his") else hers), name


def _files(pod: Any) -> set[tuple[str, str | None, str, bool]]:
    """Return claim, folder, path, and whether it is read only, of what a pod has of volumes."""
    claims = {
        each.name: each.persistent_volume_claim.claim_name
        for each in pod.spec.volumes
        if each.persistent_volume_claim
    }
    (container,) = pod.spec.containers
    return {
        (claims[each.name], each.sub_path, each.mount_path, bool(each.read_only))
        for each in container.volume_mounts
        if each.name in claims
    }


# --- who reaches whom ----------------------------------------------------------------------


def _are_reached_by(policies: list[Any], pods: Mapping[str, Any], namespace: str) -> None:
    everybody = _everybody(pods, namespace)
    enforced = Policies(policies)
    scheduler, gateway = everybody["her scheduler"], everybody["the gateway"]
    sources = [*REACHES_A_SCHEDULER]
    ports = (COMM, DASHBOARD, ORDERS, ANY)

    def reached(by: Policies, target: Endpoint, who: Iterable[str], *which: int) -> Any:
        return {
            each: [port for port in which if by.allow(everybody[each], target, port)]
            for each in who
        }

    assert reached(enforced, scheduler, sources, *ports) == REACHES_A_SCHEDULER
    nobody: dict[str, list[int]] = {each: [] for each in sources}
    found = reached(enforced, everybody["her worker"], REACHES_A_WORKER, *ports)
    assert found == REACHES_A_WORKER
    found = reached(enforced, gateway, REACHES_THE_GATEWAY, 8090, 8091)
    assert found == REACHES_THE_GATEWAY
    assert enforced.allow(scheduler, gateway, 8091)
    proxy = reached(enforced, everybody["the proxy"], sources, COMM)
    servers = {"her server": [COMM], "his server": [COMM]}
    assert proxy == nobody | servers | {"the proxy": [COMM]}  # itself

    # The manifest's alone close what no cluster's own policy has opened yet.
    names = documents("NetworkPolicy")
    first = Policies([each for each in policies if each["metadata"]["name"] in names])
    assert reached(first, scheduler, sources, *ports) == nobody
    _servers_may_leave_for_them(policies, everybody, namespace)


def _everybody(pods: Mapping[str, Any], namespace: str) -> dict[str, Endpoint]:
    labels = {name: pod.metadata.labels for name, pod in pods.items()}
    for name, part in (("gateway", GATEWAY), ("proxy", PROXY), ("controller", CONTROLLER)):
        template = documents("Deployment")[part]["spec"]["template"]
        labels[f"the {name}"] = template["metadata"]["labels"]
    # As Zero to JupyterHub labels them.
    labels["the hub"] = {"app": "jupyterhub", "component": "hub"}
    labels["the hub's proxy"] = {"app": "jupyterhub", "component": "proxy"}
    found = {
        name: Endpoint(name=name, namespace=namespace, labels=each) for name, each in labels.items()
    }
    found["her other cluster"] = found["her other worker"]
    elsewhere = Endpoint(name="elsewhere", namespace="elsewhere", labels=labels["her server"])
    outside = Endpoint(name="outside", address="192.0.2.7")
    return {**found, "her server elsewhere": elsewhere, "outside": outside}


def _servers_may_leave_for_them(
    policies: Sequence[Any], everybody: Mapping[str, Endpoint], namespace: str
) -> None:
    """Zero to JupyterHub closes servers for what leaves them; our values open what is needed."""
    values = yaml.safe_load((ROOT / "config/kubernetes/values-dask.yaml").read_text())
    opened = values["singleuser"]["networkPolicy"]["egress"]
    server = everybody["her server"]
    ways = [("the proxy", COMM), ("her scheduler", DASHBOARD)]
    for egress, expected in (([], []), (opened, ways)):
        chart = {
            "metadata": {"name": "singleuser", "namespace": namespace},
            "spec": {
                "podSelector": {"matchLabels": {"component": "singleuser-server"}},
                "policyTypes": ["Egress"],
                "egress": egress,
            },
        }
        enforced = Policies([*policies, chart])
        assert [
            (name, port) for name, port in ways if enforced.allow(server, everybody[name], port)
        ] == expected
