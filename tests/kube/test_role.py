"""The shipped roles, by what was really done with them: enough, and nothing that never is."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from support.cluster.audit import uses
from support.cluster.control_plane import STORAGE_CLASS
from support.cluster.namespaces import offers_roles, rights, shipped_roles
from support.cluster.nodes import NodeKind
from support.cluster.objects import pod
from support.cluster.waiting import until
from support.kube_catalogue import cluster_catalogue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from support.cluster.cluster import Cluster
    from support.cluster.hub import KubeHub
    from support.cluster.hub_client import HubClient
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes

pytestmark = pytest.mark.asyncio

ABOUT_ITSELF = ("create", "selfsubjectaccessreviews")
"""What both ask at their start. Every account may ask it, so that it is in no role of ours."""
GPU = {"profile": "training"}

TROUBLES = """\
def trouble(spawner):
    if spawner.user.name == "homeless":
        spawner.storage_class = "nobody"
    if spawner.user.name == "imageless":
        spawner.extra_annotations = {"sandlot.test/fate": "image-missing"}

c.Spawner.pre_spawn_hook = trouble
"""
"""Starts that fail, by who starts: the volume never comes, the image is not there."""


def used(cluster: Cluster, user: str, *, where: str) -> set[tuple[str, str]]:
    """Return what an account made use of in one namespace, having been denied nothing."""
    assert cluster.plane is not None
    asked = [
        use
        for use in uses(cluster.plane.audit_log, user)
        if (use.verb, use.resource) != ABOUT_ITSELF
    ]
    assert [use for use in asked if not use.allowed] == []
    assert {use.namespace for use in asked} == {where}
    return {(use.verb, use.resource) for use in asked}


async def a_life(hub: KubeHub, namespace: TestNamespace) -> None:
    """Do all that a hub does with the cluster: start, wait, fail, stop, restart, remove."""
    async with hub.client() as client:
        await client.add_users("ann", "bob", "homeless", "imageless", "dra")
        await client.started("ann")
        await client.started("ann", GPU, server="second")
        for name, code in (("homeless", "volume-pending"), ("imageless", "image-missing")):
            assert code in (await failed(client, name))["html_message"]
        await failed(client, "dra", {"profile": "devices"})
        await namespace.core.delete_namespaced_pod("jupyter-ann", namespace.name)
    await asyncio.to_thread(hub.restart)
    async with hub.client() as client:
        await client.started("bob")
        hub.kill()
        await asyncio.to_thread(hub.start)
    async with hub.client() as client:
        for name, server in (("ann", ""), ("ann", "second"), ("bob", "")):
            assert (await client.stop(name, server)).status in {202, 204, 404}
        await namespace.when_empty()
        for name in ("ann", "bob", "homeless", "imageless", "dra"):
            assert (await client("DELETE", f"users/{name}")).status == 204


async def failed(
    client: HubClient, name: str, options: dict[str, str] | None = None
) -> dict[str, Any]:
    """Start a server that fails; return what its owner was told at last."""
    await client.start(name, options)
    *_, last = [event async for event in client.progress(name)]
    assert last.get("failed"), last
    return last


def settings(pool: Any, **kubernetes: Any) -> dict[str, Any]:
    made = cluster_catalogue(
        node_selector=pool.placement["nodeSelector"],
        patience={"volume": "2 s", "never_fits": "2 s", "preparing": "2 s"},
        **kubernetes,
    )
    made["accelerators"]["device"] = {
        "display_name": "Device",
        "kubernetes": {"claim_template": "one-device"},
    }
    made["sizes"]["device"] = {
        **made["sizes"]["gpu"],
        "accelerator": {"flavor": "device"},
    }
    made["profiles"]["devices"] = {
        "display_name": "Devices",
        "images": ["base"],
        "sizes": ["device"],
    }
    return made


async def test_the_roles_are_enough_and_no_more(
    make_hub: Callable[..., Awaitable[KubeHub]],
    namespace: TestNamespace,
    nodes: FakeNodes,
    own_cluster: Cluster,
) -> None:
    pool = await nodes.add(1, NodeKind(gpus=2))
    homes = {"kind": "claim", "size": "1 GiB", "storage_class": STORAGE_CLASS}
    await a_life(await make_hub(settings(pool, homes=homes), extra=TROUBLES), namespace)

    assert used(own_cluster, namespace.hub_user, where=namespace.name) == rights(shipped_roles())
    claims = namespace.core.list_namespaced_persistent_volume_claim

    async def gone() -> bool:
        return not (await claims(namespace.name)).items

    await until(gone, what="the homes of removed users are gone")


async def test_without_claims_the_smaller_role_is_enough_and_no_more(
    make_hub: Callable[..., Awaitable[KubeHub]],
    namespace: TestNamespace,
    nodes: FakeNodes,
    own_cluster: Cluster,
) -> None:
    pool = await nodes.add(1)
    account = await namespace.hub_account(homes=False)
    hub = await make_hub(settings(pool), access=account)
    async with hub.client() as client:
        await client.add_users("ann")
        await client.started("ann")
        await client.stop("ann")
        await namespace.when_empty()
        assert (await client("DELETE", "users/ann")).status == 204

    assert used(own_cluster, namespace.hub_user, where=namespace.name) == rights(
        shipped_roles(homes=False)
    )


async def test_the_roles_of_the_offers_service_are_enough_and_no_more(
    make_hub: Callable[..., Awaitable[KubeHub]],
    namespace: TestNamespace,
    nodes: FakeNodes,
    own_cluster: Cluster,
) -> None:
    pool = await nodes.add(1, NodeKind(gpus=2))
    offered = settings(pool)
    offered["accelerators"]["l4"]["kubernetes"] = {"node_selector": pool.placement["nodeSelector"]}
    claimed = {"claim_template": "one-device", "devices": {"driver": "gpu.example.com"}}
    offered["accelerators"]["device"]["kubernetes"] = claimed
    offers = await namespace.offers_account(devices=True)
    hub = await make_hub(offered, offers=offers)
    async with hub.client() as client, AsyncExitStack() as stack:
        await client.add_users("ann")
        token = (await client("POST", "users/ann/tokens", json={})).json["token"]
        ann = await stack.enter_async_context(hub.client(token))

        async def free() -> dict[str, int | None]:
            reply = await ann("GET", "/services/offers/api/v1/availability")
            # The service may not have begun yet.
            found = reply.json["flavors"] if reply.status == 200 else ()
            return {each["slug"]: (each["state"] or {}).get("free") for each in found}

        async def there_are(l4: int) -> None:
            async def counted() -> bool:
                return await free() == {"l4": l4, "device": 0}

            await until(counted, what=f"people are told of {l4} free accelerators")

        await there_are(2)
        await namespace.create_pod(pod("somebody-else", gpus=1, **pool.placement))
        await there_are(1)
        await client.started("ann", GPU)
        await there_are(0)
        await client.stop("ann")
        await there_are(1)

    assert used(own_cluster, namespace.offers_user, where="") == rights(
        offers_roles(namespace.name, devices=True)
    )
    # The hub, which may make pods, sees those of its own namespace and no node.
    assert used(own_cluster, namespace.hub_user, where=namespace.name) <= rights(shipped_roles())


async def test_a_server_has_no_token_of_the_cluster(
    make_hub: Callable[..., Awaitable[KubeHub]], namespace: TestNamespace, nodes: FakeNodes
) -> None:
    pool = await nodes.add(1)
    hub = await make_hub(settings(pool))
    async with hub.client() as client:
        await client.add_users("ann")
        await client.started("ann")
        (server,) = await namespace.pods()
        # What was made without our care gets one: the cluster would have given it.
        other: Any = {"metadata": {"name": "other"}, "spec": _plain(server)}
        given = await namespace.core.create_namespaced_pod(namespace.name, other, dry_run="All")

    def tokens(found: Any) -> list[Any]:
        sources = [each for volume in found.spec.volumes or () for each in _sources(volume)]
        return [source for source in sources if source.service_account_token is not None]

    assert len(tokens(given)) == 1
    assert tokens(server) == []
    assert server.spec.containers[0].volume_mounts is None
    assert server.spec.enable_service_links is False
    named = {each.name for each in server.spec.containers[0].env}
    assert not {name for name in named if name.startswith("KUBERNETES")}


def _sources(volume: Any) -> list[Any]:
    return list(volume.projected.sources) if volume.projected is not None else []


def _plain(server: Any) -> dict[str, Any]:
    """Return the same server without what keeps a token from it."""
    container = server.spec.containers[0]
    return {
        "containers": [
            {
                "name": container.name,
                "image": container.image,
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }
