"""Whatever becomes of a node on the API server, its accelerators are counted as what they are."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest
from kubernetes_asyncio.client import V1Eviction, V1ObjectMeta

from sandlot_hub.domain.settings.model import SandlotSettings
from support.cluster.informing import counted
from support.cluster.nodes import POOL, NodeKind
from support.cluster.objects import pod
from support.cluster.waiting import until
from support.kube_spawner import cluster_document

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes, Pool

pytestmark = pytest.mark.asyncio

GPUS = 4


class Nodes:
    """Three nodes of four GPUs, two of which are in use on the first."""

    def __init__(self, namespace: TestNamespace, pool: Pool, nodes: FakeNodes) -> None:
        self.namespace = namespace
        self.names = pool.names
        self.lose = nodes.lose
        document = cluster_document()
        document["accelerators"]["l4"]["kubernetes"] = {"node_selector": {POOL: pool.name}}
        self.settings = SandlotSettings.model_validate(document)

    async def use(self) -> None:
        """Use one GPU each in two pods, on the first node."""
        await asyncio.gather(
            *(
                self.namespace.create_pod(pod(name, gpus=1, nodeName=self.names[0]))
                for name in ("one", "two")
            )
        )

    async def cordon(self, name: str, *, cordoned: bool = True) -> None:
        """Let no more pods onto a node, or let them again."""
        await self.namespace.core.patch_node(name, {"spec": {"unschedulable": cordoned}})

    async def drain(self, name: str) -> None:
        """Take a node out of service, as ``kubectl drain`` does."""
        core, where = self.namespace.core, self.namespace.name
        await self.cordon(name)
        for each in ("one", "two"):
            eviction = V1Eviction(metadata=V1ObjectMeta(name=each, namespace=where))
            await core.create_namespaced_pod_eviction(each, where, eviction)

    async def relabel(self, name: str, pool: str) -> None:
        """Make a node one of another kind."""
        await self.namespace.core.patch_node(name, {"metadata": {"labels": {POOL: pool}}})

    async def delete(self, name: str) -> None:
        """Delete a node."""
        await self.namespace.core.delete_node(name)


async def test_what_becomes_of_a_node_is_seen(
    namespace: TestNamespace, nodes: FakeNodes, tmp_path: Path
) -> None:
    n = Nodes(namespace, await nodes.add(3, NodeKind(gpus=GPUS)), nodes)
    first, second, third = n.names
    await n.use()
    account = await namespace.offers_account()
    # What happens; then there are so many: total, down, used, free, in the largest block.
    steps: list[tuple[str, Callable[[], Awaitable[None]] | None, tuple[int, ...]]] = [
        ("nothing", None, (12, 0, 2, 10, 4)),
        ("cordoned", partial(n.cordon, second), (12, 4, 2, 6, 4)),
        ("open again", partial(n.cordon, second, cordoned=False), (12, 0, 2, 10, 4)),
        ("relabelled", partial(n.relabel, third, "others"), (8, 0, 2, 6, 4)),
        (
            "labelled as before",
            partial(n.relabel, third, third.rpartition("-")[0]),
            (12, 0, 2, 10, 4),
        ),
        ("drained", partial(n.drain, first), (12, 4, 0, 8, 4)),
        ("not ready", partial(n.lose, second), (12, 8, 0, 4, 4)),
        ("deleted", partial(n.delete, third), (8, 8, 0, 0, 0)),
    ]
    async with counted(
        account.write(tmp_path / "kubeconfig"), n.settings, namespace=namespace.name
    ) as watch:
        await watch.snapshot()

        def is_counted(expected: tuple[int, ...]) -> bool:
            capacity = watch.latest.capacity
            assert capacity is not None
            l4 = capacity.flavors["l4"]
            return (l4.total, l4.down, l4.used, l4.free, l4.largest_block) == expected

        for name, happens, expected in steps:
            if happens is not None:
                await happens()
            await until(partial(is_counted, expected), what=f"it is seen: {name}")
