"""Devices that claims get, given out by the real scheduler and counted as it gives them out."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes_asyncio.client import ResourceV1Api

from sandlot_hub.adapters.clock import SystemClock
from sandlot_hub.adapters.cluster_informer import InformerMeans
from sandlot_hub.adapters.service_config import ClusterPlace
from sandlot_hub.domain.capacity.inventory import Inventory
from sandlot_hub.services.offers.cluster_watch import ClusterWatch, WatchPace
from support.cluster.informing import QUICK, reader_for
from support.cluster.nodes import POOL
from support.cluster.objects import pod
from support.cluster.waiting import until
from support.counted import GIB, counted_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from kubernetes_asyncio.client import ApiClient

    from sandlot_contracts.capacity import CapacityState
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes, Pool

pytestmark = pytest.mark.asyncio


def _driver(pool: Pool) -> str:
    return f"{pool.name}.example.com"


def _watch(pool: Pool, namespace: TestNamespace, kubeconfig: Path) -> ClusterWatch:
    where = {
        "node_selector": {POOL: pool.name},
        "claim_template": "one",
        "devices": {"driver": _driver(pool), "attributes": {"product": "H100"}},
    }
    size = {"display_name": "S", "cpus": 1, "memory": GIB}
    settings = counted_settings(
        claimed={"display_name": "Claimed", "kubernetes": where},
        sizes={
            "claimed": {**size, "accelerator": {"flavor": "claimed"}},
            "pair": {**size, "accelerator": {"flavor": "claimed", "count": 2}},
        },
    )
    reader = reader_for(kubeconfig)
    return ClusterWatch(
        reader=reader,
        inventory=Inventory(settings=settings),
        place=ClusterPlace(credentials=kubeconfig, namespace=namespace.name),
        means=InformerMeans(reader=reader, clock=SystemClock(), jitter=lambda: 0.5, pace=QUICK),
        pace=WatchPace(between=0.05),
    )


@asynccontextmanager
async def _running(watch: ClusterWatch) -> AsyncIterator[None]:
    task = asyncio.create_task(watch.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _announced(api: ResourceV1Api, pool: Pool, namespace: str) -> AsyncIterator[None]:
    """Have the driver announce two devices of the kind and one of another."""
    driver = _driver(pool)
    products = {"gpu-0": "H100", "gpu-1": "H100", "gpu-2": "T4"}
    spec: Any = {
        "driver": driver,
        "pool": {"name": pool.names[0], "generation": 1, "resourceSliceCount": 1},
        "nodeName": pool.names[0],
        "devices": [
            {"name": name, "attributes": {"product": {"string": product}}}
            for name, product in products.items()
        ],
    }
    wanted = f"device.driver == '{driver}' && device.attributes['{driver}'].product == 'H100'"
    named: Any = {"name": pool.name}
    announced: Any = {"metadata": named, "spec": spec}
    await api.create_resource_slice(announced)
    kind: Any = {"metadata": named, "spec": {"selectors": [{"cel": {"expression": wanted}}]}}
    await api.create_device_class(kind)
    asked = {"devices": {"requests": [{"name": "one", "exactly": {"deviceClassName": pool.name}}]}}
    template: Any = {"metadata": {"name": "one"}, "spec": {"spec": asked}}
    await api.create_namespaced_resource_claim_template(namespace, template)
    try:
        yield
    finally:
        await api.delete_device_class(pool.name)
        await api.delete_resource_slice(pool.name)


def _claiming(name: str, pool: Pool) -> Any:
    claims = [{"name": "accelerator-0", "resourceClaimTemplateName": "one"}]
    made = pod(name, resourceClaims=claims, labels={"sandlot/flavor": "claimed"}, **pool.placement)
    made["spec"]["containers"][0]["resources"] = {"claims": [{"name": "accelerator-0"}]}
    return made


async def test_claimed_devices_are_counted_as_the_scheduler_gives_them_out(
    api: ApiClient, namespace: TestNamespace, nodes: FakeNodes, tmp_path: Path
) -> None:
    pool = await nodes.add()
    account = await namespace.offers_account(devices=True)
    watch = _watch(pool, namespace, account.write(tmp_path / "kubeconfig"))

    def capacity() -> CapacityState | None:
        found = watch.latest.facilities
        return None if found is None else found.capacity

    def counted() -> tuple[int, ...] | None:
        state = capacity()
        flavor = None if state is None else state.flavors.get("claimed")
        if state is None or flavor is None:
            return None
        sizes = state.sizes["claimed"].fits, state.sizes["pair"].fits
        return flavor.used, flavor.free, flavor.waiting, *sizes

    async def until_counted(*wanted: int) -> None:
        await until(lambda: counted() == wanted, what=f"counted as {wanted}, not {counted()}")

    async with _announced(ResourceV1Api(api), pool, namespace.name), _running(watch):
        await until_counted(0, 2, 0, 2, 1)
        for name in ("first", "second", "third"):
            await namespace.create_pod(_claiming(name, pool))
        await until_counted(2, 0, 1, 0, 0)
        state = capacity()
        assert state is not None
        assert state.sizes["claimed"].lacking == ("accelerator",)
        await namespace.core.delete_collection_namespaced_pod(namespace.name)
        await until_counted(0, 2, 0, 2, 1)


async def test_without_the_rights_to_see_claims_everything_else_is_known(
    namespace: TestNamespace, nodes: FakeNodes, tmp_path: Path
) -> None:
    pool = await nodes.add()
    account = await namespace.offers_account()
    watch = _watch(pool, namespace, account.write(tmp_path / "kubeconfig"))
    async with _running(watch):
        facilities = (await watch.snapshot()).facilities
        assert facilities is not None
        assert facilities.capacity is not None
        assert {"plain", "one"} <= facilities.capacity.sizes.keys()
        assert "claimed" not in facilities.capacity.sizes
        assert "claimed" not in facilities.capacity.flavors
