"""What a cluster autoscaler says in its ConfigMap, read with the shipped role and shown."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from kubernetes_asyncio.client import RbacAuthorizationV1Api

from sandlot_hub.adapters.clock import SystemClock
from sandlot_hub.adapters.cluster_informer import InformerMeans
from sandlot_hub.adapters.service_config import ClusterPlace
from sandlot_hub.domain.capacity.inventory import Inventory
from sandlot_hub.services.offers.cluster_watch import ClusterWatch, WatchPace
from support.cluster.audit import uses
from support.cluster.informing import QUICK, reader_for
from support.cluster.namespaces import rights
from support.cluster.nodes import POOL, NodeKind
from support.cluster.waiting import until
from support.counted import counted_settings
from support.house import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from kubernetes_asyncio.client import ApiClient

    from support.cluster.cluster import Cluster
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes, Pool

pytestmark = pytest.mark.asyncio

SHIPPED = ROOT / "config/kubernetes/autoscaler.yaml"
NAME = "cluster-autoscaler-status"
GPUS = 2

STATUS = """\
autoscalerStatus: Running
clusterWide:
  health:
    status: Healthy
nodeGroups:
- health:
    cloudProviderTarget: 1
    maxSize: 4
    minSize: 0
    nodeCounts:
      registered:
        ready: 1
        total: 1
    status: Healthy
  name: aks-gpu-38371103-vmss
  scaleUp:
    status: {scale_up}
time: {time}
"""


def status(scale_up: str) -> dict[str, str]:
    written = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f +0000 UTC")
    return {"status": STATUS.format(scale_up=scale_up, time=written)}


def shipped_role(namespace: str) -> tuple[Any, Any]:
    """Return the role and its binding, for an autoscaler in the namespace of the hub."""
    text = SHIPPED.read_text().replace("namespace: NAMESPACE", f"namespace: {namespace}")
    role, binding = yaml.safe_load_all(text.replace("kube-system", namespace))
    return role, binding


async def _soon(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.05))


@asynccontextmanager
async def _watching(
    pool: Pool, namespace: TestNamespace, kubeconfig: Path
) -> AsyncIterator[ClusterWatch]:
    settings = counted_settings(
        kubernetes={"autoscaler_status": f"{namespace.name}/{NAME}"},
        l4={"node_selector": {POOL: pool.name}, "node_groups": {"aks-gpu-*": GPUS}},
    )
    reader = reader_for(kubeconfig)
    watch = ClusterWatch(
        reader=reader,
        inventory=Inventory(settings=settings),
        place=ClusterPlace(credentials=kubeconfig, namespace=namespace.name),
        means=InformerMeans(
            reader=reader, clock=SystemClock(), jitter=lambda: 0.5, pace=QUICK, sleep=_soon
        ),
        pace=WatchPace(between=0.05),
    )
    task = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_may_be_added_is_shown_and_the_role_is_enough_and_no_more(
    api: ApiClient,
    namespace: TestNamespace,
    nodes: FakeNodes,
    own_cluster: Cluster,
    tmp_path: Path,
) -> None:
    pool = await nodes.add(1, NodeKind(gpus=GPUS))
    account = await namespace.offers_account()
    async with _watching(pool, namespace, account.write(tmp_path / "kubeconfig")) as watch:

        def may_grow() -> int | None:
            state = watch.latest.capacity
            assert state is not None
            return state.flavors["l4"].may_grow

        async def shown(expected: int | None) -> None:
            await until(lambda: may_grow() == expected, what=f"{expected} may be added")

        # Without the role everything else is known.
        await watch.snapshot()
        assert may_grow() is None
        rbac = RbacAuthorizationV1Api(api)
        role, binding = shipped_role(namespace.name)
        made: Any = {"metadata": {"name": NAME}, "data": status("NoActivity")}
        await namespace.core.create_namespaced_config_map(namespace.name, made)
        await rbac.create_namespaced_role(namespace.name, role)
        await rbac.create_namespaced_role_binding(namespace.name, binding)
        await shown(3 * GPUS)
        changed: Any = {"data": status("Backoff")}
        await namespace.core.patch_namespaced_config_map(NAME, namespace.name, changed)
        await shown(0)
        broken: Any = {"data": {"status": "nodeGroups: ["}}
        await namespace.core.patch_namespaced_config_map(NAME, namespace.name, broken)
        await shown(None)

    assert own_cluster.plane is not None
    found = uses(own_cluster.plane.audit_log, namespace.offers_user)
    there = {(each.verb, each.resource) for each in found if each.namespace == namespace.name}
    assert there == rights([(role, binding)])
