"""A hub on Kubernetes as people and administrators meet it, with the rights that it has.

The pods run nothing: a stand-in answers for their servers. What runs in them is in
`test_road.py`, on a real node.
"""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_contracts.offers import OfferList
from sandlot_hub.adapters.managed_service import managed_config
from sandlot_hub.domain.choices.options import field_name
from support.cluster.hub import ADMIN
from support.cluster.nodes import NodeKind
from support.cluster.objects import GPU
from support.cluster.waiting import until
from support.hub_user import HubUser
from support.kube_spawner import L4, cluster_document
from support.processes import arguments, find_below

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from support.cluster.hub import KubeHub
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes, Pool

    MakeHub = Callable[..., Awaitable[KubeHub]]

pytestmark = pytest.mark.asyncio

KIND = NodeKind(gpus=1, product="NVIDIA-L4", taint=(GPU, "present", "NoSchedule"))
FORM = {
    "profile": "work",
    field_name("work", "image"): "base",
    field_name("work", "size"): "l4",
}


def settings_at(pool: Pool) -> dict[str, Any]:
    """Settings whose servers run on these nodes only, and one at a time on the L4."""
    placement = pool.placement
    document = cluster_document(
        node_selector=placement["nodeSelector"], tolerations=placement["tolerations"]
    )
    document["sizes"]["l4"] |= {"max_running": 1, "price": 2.5}
    return document


async def pods_of(namespace: TestNamespace) -> list[Any]:
    found = await namespace.core.list_namespaced_pod(namespace.name)
    return list(found.items)


def submitted(person: HubUser) -> str:
    """Send the spawn form; return the address of the page that comes after it."""
    page = person.get("hub/spawn")
    address = f"{page.url}?_xsrf={person._cookie('hub/')}"
    reply = person.session.post(address, data=FORM, timeout=60)
    assert reply.ok, reply.text
    return reply.url


async def test_a_person_starts_a_server_that_outlives_the_hub(
    make_hub: MakeHub, namespace: TestNamespace, nodes: FakeNodes
) -> None:
    hub = await make_hub(settings_at(await nodes.add(1, KIND)))
    ann, bob = HubUser(hub.url, "ann"), HubUser(hub.url, "bob")
    for person in (ann, bob):
        await asyncio.to_thread(person.log_in, "any")

    page = (await asyncio.to_thread(ann.get, "hub/spawn")).text
    assert "One L4" in page
    assert "2.5 " in page
    # Nobody gave the offers service an account that may look at nodes. The page stays live.
    assert "not known" in page
    assert 'data-stream-url=""' not in page

    await asyncio.to_thread(submitted, ann)
    events = await asyncio.to_thread(lambda: list(ann.progress()))
    assert events[-1]["ready"], events
    assert (await asyncio.to_thread(ann.lab)).text.startswith("<!doctype html><title>/user/ann/")
    (pod,) = await pods_of(namespace)
    assert pod.spec.containers[0].resources.limits[GPU] == "1"

    await the_one_place_is_taken(bob)
    hub.kill()
    await asyncio.to_thread(hub.restart)
    # The same pod, the hub knows it again, and its place is counted from the start.
    assert (await asyncio.to_thread(ann.model))["servers"][""]["ready"]
    assert [each.metadata.uid for each in await pods_of(namespace)] == [pod.metadata.uid]
    await the_one_place_is_taken(bob)

    await asyncio.to_thread(ann.stop)
    assert await pods_of(namespace) == []
    await asyncio.to_thread(bob.start, L4)


async def the_one_place_is_taken(person: HubUser) -> None:
    async def is_live() -> bool:
        return 'data-known="true"' in (await asyncio.to_thread(person.get, "hub/spawn")).text

    # Right after its start the hub has not heard from the offers service: then no page has numbers.
    await until(is_live, what="the spawn page is live")
    page = await asyncio.to_thread(person.get, "hub/spawn")
    assert "The only place of the size " in page.text
    order = functools.partial(person.api, json={"user_options": L4})
    refused = await asyncio.to_thread(order, "POST", f"users/{person.name}/server")
    assert 400 <= refused.status_code < 500, refused.text
    assert "The only place" in refused.json()["message"]
    assert '"code":"size-full"' in refused.headers["Sandlot-Problem"]


async def test_the_offers_service_belongs_to_the_hub_and_may_nothing(
    make_hub: MakeHub, nodes: FakeNodes
) -> None:
    hub = await make_hub(settings_at(await nodes.add(1, KIND)))
    async with hub.client() as client:
        await client.add_users("ann")
        made = await client("POST", "users/ann/tokens", json={"note": "a test"})
        token = made.json["token"]
    async with hub.client(token) as ann:

        async def answered() -> bool:
            return (await ann("GET", "/services/offers/api/v1/offers")).status == 200

        # People can log in before it has started.
        await until(answered, what="the offers service answers")
        reply = await ann("GET", "/services/offers/api/v1/offers")
    offers = OfferList.model_validate_json(reply.text)
    assert [(each.size, each.state) for each in offers.offers] == [
        ("small", "available"),
        ("l4", "unknown"),
    ]

    pid = find_below(hub.pid, "sandlot_hub.services.offers")
    config, _ = managed_config(_environment(pid))
    for its_own in (config.token.get_secret_value(), _environment(pid)["JUPYTERHUB_API_TOKEN"]):
        assert its_own not in arguments(pid)
        assert its_own not in hub.log
        async with hub.client(its_own) as service:
            may = (await service("GET", "user")).json
            assert (await service("GET", "users")).status == 403
        assert may["scopes"] == []

    hub.kill()
    await until(lambda: not Path(f"/proc/{pid}").exists(), what="the service ends with its hub")


def _environment(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


async def test_a_hub_says_at_its_start_what_it_may_not_do(
    make_hub: MakeHub, namespace: TestNamespace
) -> None:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]
    hub = await make_hub(cluster_document(), access=await namespace.hub_account(rules))

    await until(lambda: "lacks rights" in hub.log, what="the hub has asked")
    assert (
        f"this hub's account lacks rights in the namespace {namespace.name}: create, delete pods; "
        "list, watch events. Servers will not start, or nobody will be told why. "
        "Next: config/kubernetes/rbac.yaml has the Role"
    ) in hub.log
    # People can log in all the same.
    person = HubUser(hub.url, ADMIN)
    assert (await asyncio.to_thread(person.log_in, "any")).ok


async def test_the_shipped_role_is_enough(make_hub: MakeHub, namespace: TestNamespace) -> None:
    document = cluster_document(homes={"kind": "claim"})
    hub = await make_hub(document)

    said = f"Sandlot: servers are pods in the namespace {namespace.name}"
    await until(lambda: said in hub.log, what="the hub has asked")
    assert "lacks rights" not in hub.log
