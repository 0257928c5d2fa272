"""A Dask cluster of real pods, asked for in the server of a person, without any argument."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes_asyncio.client import CoreV1Api
from kubernetes_asyncio.stream import WsApiClient

from sandlot_hub.domain.dask.names import SCHEDULER, WORKER
from support.cluster.dask import CONTROLLER, GATEWAY, dask_hub
from support.cluster.dask_person import DaskPerson
from support.cluster.hub_client import hub_client
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
from dask_gateway import Gateway, GatewayCluster

cluster = GatewayCluster()
cluster.scale(2)
with cluster.get_client() as client:
    client.wait_for_workers(2, timeout=60)
    where = sorted(client.run(socket.gethostname).values())
    total = client.submit(sum, range(1000)).result(timeout=30)
told = {"name": cluster.name, "where": where, "total": total, "link": cluster.dashboard_link}
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
        "dask": {"scheduler": {"cpus": 0.3, "memory": "512 MiB"}},
        "kubernetes": {
            "homes": {"kind": "none"},
            "node_selector": REAL.placement["nodeSelector"],
            "tolerations": REAL.placement["tolerations"],
        },
    }


async def run(api: ApiClient, namespace: str, pod: str, code: str) -> str:
    """Run Python in a person's server, as a terminal of theirs would; return what it told."""
    # The client's types know only one word of a command.
    command: Any = ["python", "-W", "ignore", "-c", code]
    async with WsApiClient(configuration=api.configuration) as client:
        answer: str = await CoreV1Api(client).connect_get_namespaced_pod_exec(
            pod,
            namespace,
            command=command,
            stderr=True,
            stdin=False,
            stdout=True,
            tty=False,
        )
    # Of an answer that is JSON the client makes something else.
    _, word, told = answer.rpartition("told ")
    assert word, answer
    # What a client says about itself at its end comes after it.
    return told.splitlines()[0]


async def test_somebody_computes_on_two_workers(
    cluster: Cluster,
    images: dict[str, Archive],
    api: ApiClient,
    namespace: TestNamespace,
    tmp_path: Path,
) -> None:
    """From their server: a cluster, two workers, a result, the dashboard; then all of it ends."""
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
        await admin.started("ann", {"profile": "everyday", "image": "base", "size": "small"})
        token = (await admin("POST", "users/ann/tokens", json={})).json["token"]
        async with hub_client(hub.url, token) as client:
            ann = DaskPerson(client=client, gateway=gateway, namespace=namespace)
            told = json.loads(await run(api, namespace.name, "jupyter-ann", COMPUTED))
            name = told["name"]
            assert told["total"] == 499500
            workers = [each.metadata.name for each in await ann.pods(name, WORKER)]
            assert told["where"] == sorted(workers)

            async def both_are_told() -> bool:
                return bool((await ann.look(name))["workers"]["running"] == 2)

            # Schedulers tell how many they have every second.
            await until(both_are_told, what="two workers are told", timeout_s=5.0)
            await _is_seen_in_the_server(ann, name, told["link"])
            await _is_computed_on_though_the_gateway_was_killed(gateway)
            assert await run(api, namespace.name, "jupyter-ann", ENDED) == "45"
            await ann.when(name, "STOPPED")
            assert await ann.pods(name, SCHEDULER) == []

            lost = await ann.create(image="nightly")
            told = await ann.when(lost, "FAILED")
            assert told["code"] == "image-missing"


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
