"""What KubeSpawner does stays: for people, and for what an administrator has set for it."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from yarl import URL

from support.cluster.control_plane import STORAGE_CLASS
from support.cluster.hub import HubSpec, KubeHub
from support.cluster.nodes import NodeKind
from support.cluster.waiting import until
from support.hub_app import NAVIGATION, Browser
from support.kube_catalogue import cluster_catalogue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from support.cluster.cluster import Cluster
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes, Pool

    MakeHub = Callable[..., Awaitable[KubeHub]]

pytestmark = pytest.mark.asyncio

LARGE = {"profile": "everyday", "image": "scipy", "size": "large"}
HOMES = {"kind": "claim", "size": "1 GiB", "storage_class": STORAGE_CLASS}


def settings(pool: Pool, **kubernetes: Any) -> dict[str, Any]:
    return cluster_catalogue(node_selector=pool.placement["nodeSelector"], **kubernetes)


@asynccontextmanager
async def browsing(hub: KubeHub, user: str) -> AsyncIterator[Browser]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, headers=NAVIGATION) as session:
        browser = Browser(session, URL(f"{hub.url}hub/"))
        await browser.log_in(user)
        yield browser


async def claims(namespace: TestNamespace) -> dict[str, str]:
    """Return the owner of each home, by its claim's name."""
    found = await namespace.core.list_namespaced_persistent_volume_claim(namespace.name)
    return {
        each.metadata.name: (each.metadata.labels or {}).get("sandlot/owner", "")
        for each in found.items
    }


async def sizes(namespace: TestNamespace) -> dict[str, str]:
    """Return the size of each server, by its name."""
    return {
        pod.metadata.annotations.get("hub.jupyter.org/servername", ""): pod.metadata.labels[
            "sandlot/size"
        ]
        for pod in await namespace.pods()
    }


@pytest.mark.parametrize("per", ["user", "server"])
async def test_named_servers(
    per: str, make_hub: MakeHub, namespace: TestNamespace, nodes: FakeNodes
) -> None:
    hub = await make_hub(settings(await nodes.add(1), homes={**HOMES, "per": per}))
    async with hub.client() as client:
        await client.add_users("ann", "ann-second")
        await client.started("ann")
        await client.started("ann", LARGE, server="second")
        await client.started("ann-second")
        pods = [pod.metadata for pod in await namespace.pods()]
        assert len({pod.name for pod in pods}) == 3
        homes = await claims(namespace)
        assert len(homes) == {"user": 2, "server": 3}[per]
        assert set(homes.values()) == {"ann", "ann-second"}

        # One server ends, and no other.
        await client("DELETE", "users/ann/servers/second")
        await until(lambda: _are(namespace, 2), what="the named server has ended")
        user = await client.user("ann")
        assert {name: server["ready"] for name, server in user["servers"].items()} == {"": True}
        # It is started again with what was chosen for it, not for the other one.
        await client.started("ann", server="second")
        assert (await sizes(namespace))["second"] == "large"

        # Its home goes with it only if it is its own.
        await client("DELETE", "users/ann/servers/second", json={"remove": True})
        await until(lambda: _are(namespace, 2), what="the named server is removed")

        async def two_homes() -> bool:
            return set(await claims(namespace)) == {"claim-ann", "claim-ann-second"}

        await until(two_homes, what="the home of the named server is gone, and no other")


async def _are(namespace: TestNamespace, count: int) -> bool:
    return len(await namespace.pods()) == count


async def test_servers_are_taken_over_by_the_next_hub(
    make_hub: MakeHub, namespace: TestNamespace, nodes: FakeNodes
) -> None:
    hub = await make_hub(settings(await nodes.add(1)))
    async with hub.client() as client:
        await client.add_users("ann", "gone")
        await client.started("ann", LARGE)
        await client.started("gone")
        before = {pod.metadata.name: pod.metadata.uid for pod in await namespace.pods()}
        await asyncio.to_thread(hub._end)
        await namespace.core.delete_namespaced_pod("jupyter-gone", namespace.name)
        await asyncio.to_thread(hub.start)
        assert (await client.user("ann"))["servers"][""]["ready"]
        assert (await client.user("gone"))["servers"] == {}
        (pod,) = await namespace.pods()
        assert pod.metadata.uid == before["jupyter-ann"]
        # It still asks after it, and sees when it is gone.
        assert (await client("GET", "/user/ann/")).status == 200
        assert (await client.stop("ann")).status in {202, 204}
        await namespace.when_empty()


async def test_what_was_chosen_is_preselected_and_links_start(
    make_hub: MakeHub, namespace: TestNamespace, nodes: FakeNodes
) -> None:
    hub = await make_hub(settings(await nodes.add(1)))
    async with hub.client() as client, browsing(hub, "ann") as browser:
        link = "spawn?opt-profile=everyday&opt-image=scipy&opt-size=large"
        await browser.start_by_url(link)
        assert await sizes(namespace) == {"": "large"}
        await client.stop("ann")
        await namespace.when_empty()

        form = (await browser.get("spawn/ann")).text
        checked = {
            value
            for line in form.split("<input")
            if "checked" in line
            for value in ("scipy", "large", "base", "small")
            if f'value="{value}"' in line and "everyday" in line
        }
        assert checked == {"scipy", "large"}


async def test_what_happens_is_told_while_it_happens(make_hub: MakeHub, nodes: FakeNodes) -> None:
    slow = {"sandlot.test/fate": "slow", "sandlot.test/after": "1500ms"}
    hub = await make_hub(
        settings(await nodes.add(1)),
        config={
            "KubeSpawner": {"extra_annotations": slow},
            # The answer to the request does not wait for the server.
            "JupyterHub": {"tornado_settings": {"slow_spawn_timeout": 0}},
        },
    )
    async with hub.client() as client:
        await client.add_users("ann")
        told = await client.started("ann")
    progress = [event["progress"] for event in told]
    assert progress == sorted(progress)
    assert progress[-1] == 100
    messages = [event["message"] for event in told]
    assert any(message.startswith("Place found: ") for message in messages), messages
    assert any("image" in message for message in messages), messages


ADMINS = """\
import json
from pathlib import Path

told = Path(__file__).with_name("told.jsonl")

def tell(hook, **more):
    with told.open("a") as lines:
        lines.write(json.dumps({"hook": hook, **more}) + "\\n")

async def pre_spawn(spawner):
    tell("pre_spawn", size=spawner.plan.size_slug)
    spawner.environment = {**spawner.environment, "BY_HOOK": "1"}

async def auth_state(spawner, auth_state):
    tell("auth_state", state=auth_state)

async def modify(spawner, pod):
    tell("modify_pod", image=pod.spec.containers[0].image)
    pod.metadata.annotations["example.org/modified"] = "yes"
    return pod

async def created(spawner, pod):
    tell("created", name=pod["metadata"]["name"], uid=bool(pod["metadata"]["uid"]))

def post_stop(spawner):
    tell("post_stop")

c.Spawner.pre_spawn_hook = pre_spawn
c.Spawner.auth_state_hook = auth_state
c.Spawner.post_stop_hook = post_stop
c.KubeSpawner.modify_pod_hook = modify
c.KubeSpawner.after_pod_created_hook = created
c.KubeSpawner.environment = {
    "WHO": lambda spawner: spawner.user.name,
    "EXPANDED": "{username}",
    "REFERS": "$(JUPYTERHUB_USER)",
}
c.KubeSpawner.common_labels = {"app": "theirs"}
c.KubeSpawner.extra_labels = {"example.org/cost-center": "42"}
c.KubeSpawner.extra_annotations = {"example.org/user": "{username}"}
c.KubeSpawner.node_selector = {"kubernetes.io/os": "linux"}
c.KubeSpawner.init_containers = [
    {"name": "prepare", "image": "registry.invalid/tools:1", "command": ["true"],
     "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
]
c.KubeSpawner.extra_containers = [
    {"name": "beside", "image": "registry.invalid/tools:1",
     "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
]
c.KubeSpawner.extra_pod_config = {"dns_config": {"options": [{"name": "ndots", "value": "2"}]}}
c.KubeSpawner.extra_container_config = {"envFrom": [{"configMapRef": {"name": "c", "optional": True}}]}
c.KubeSpawner.volumes = [{"name": "scratch-{username}", "emptyDir": {}}]
c.KubeSpawner.volume_mounts = [{"name": "scratch-{username}", "mountPath": "/scratch"}]
c.KubeSpawner.uid = 1234
c.KubeSpawner.scheduler_name = "default-scheduler"
c.KubeSpawner.notebook_dir = "/scratch"
# What people choose is the plan's, and the form is Sandlot's.
c.KubeSpawner.image = "theirs/image:1"
c.KubeSpawner.mem_limit = "7G"
c.KubeSpawner.profile_list = [{"display_name": "Theirs", "kubespawner_override": {"cpu_limit": 64}}]
c.KubeSpawner.profile_form_template = "<p>their form</p>"
c.KubeSpawner.additional_profile_form_template_paths = ["/nowhere"]
"""


async def test_what_an_administrator_set_holds(
    make_hub: MakeHub, namespace: TestNamespace, nodes: FakeNodes
) -> None:
    pool = await nodes.add(1, NodeKind(labels={"kubernetes.io/os": "linux"}))
    hub = await make_hub(settings(pool), extra=ADMINS)
    async with hub.client() as client, browsing(hub, "ann") as browser:
        form = (await browser.get("spawn/ann")).text
        assert "their form" not in form
        assert "Theirs" not in form
        await client.started("ann", LARGE)
        (pod,) = await namespace.pods()
        await client.stop("ann")
        await namespace.when_empty()

    _metadata_is_theirs_too(pod)
    _server_is_the_plans(pod.spec)
    spec = pod.spec
    assert spec.node_selector == {"kubernetes.io/os": "linux", **pool.placement["nodeSelector"]}
    assert [each.name for each in spec.init_containers] == ["prepare"]
    assert [each.name for each in spec.containers] == ["notebook", "beside"]
    assert spec.dns_config.options[0].name == "ndots"
    assert spec.volumes[0].name == "scratch-ann"

    told = [json.loads(line) for line in (hub.folder / "told.jsonl").read_text().splitlines()]
    state = {"hook": "auth_state", "state": None}
    assert told[0] == state
    # The form asks for it, too.
    assert [each for each in told if each != state] == [
        {"hook": "pre_spawn", "size": "large"},
        {"hook": "modify_pod", "image": "registry.invalid/sandlot/scipy:1"},
        {"hook": "created", "name": "jupyter-ann", "uid": True},
        {"hook": "post_stop"},
    ]
    for option in (
        "profile_list",
        "profile_form_template",
        "additional_profile_form_template_paths",
    ):
        assert f"c.KubeSpawner.{option}" in hub.log


def _metadata_is_theirs_too(pod: Any) -> None:
    labels, annotations = pod.metadata.labels, pod.metadata.annotations
    assert labels["app"] == "theirs"
    assert labels["example.org/cost-center"] == "42"
    assert labels["sandlot/owner"] == "ann"
    assert annotations["example.org/user"] == "ann"
    assert annotations["example.org/modified"] == "yes"


def _server_is_the_plans(spec: Any) -> None:
    server = spec.containers[0]
    assert server.image == "registry.invalid/sandlot/scipy:1"
    assert server.resources.limits == {"cpu": "4", "memory": str(8 * 1024**3)}
    assert server.security_context.run_as_user == 1234
    assert server.security_context.capabilities.drop == ["ALL"]
    assert [each.mount_path for each in server.volume_mounts] == ["/scratch"]
    assert server.env_from[0].config_map_ref.name == "c"
    env = {each.name: each.value for each in server.env}
    assert (env["WHO"], env["EXPANDED"], env["BY_HOOK"]) == ("ann", "ann", "1")
    assert env["REFERS"] == "$(JUPYTERHUB_USER)"


PLAIN = """\
import json
from pathlib import Path

c = get_config()
for section, values in json.loads(Path(__file__).with_name("hub.json").read_text()).items():
    c[section].update(values)
for role in c.JupyterHub.load_roles:
    role["scopes"] = [scope for scope in role["scopes"] if "offers" not in scope]
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.JupyterHub.allow_named_servers = True
c.JupyterHub.cleanup_servers = False
c.KubeSpawner.image = "registry.invalid/plain:1"
c.KubeSpawner.container_security_context = {
    "runAsNonRoot": True, "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
}
c.KubeSpawner.storage_pvc_ensure = True
c.KubeSpawner.storage_capacity = "1Gi"
c.KubeSpawner.storage_class = "homes"
c.KubeSpawner.storage_access_modes = ["ReadWriteOnce"]
c.KubeSpawner.volumes = [
    {"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}
]
c.KubeSpawner.volume_mounts = [{"name": "home", "mountPath": "/home/jovyan"}]
"""
"""A hub as its administrator has it before Sandlot."""


async def test_a_hub_with_plain_kubespawner_is_upgraded_with_its_servers_and_homes(
    own_cluster: Cluster, namespace: TestNamespace, nodes: FakeNodes, tmp_path: Path
) -> None:
    pool = await nodes.add(1)
    spec = HubSpec(
        document=settings(pool, homes=HOMES),
        namespace=namespace.name,
        access=await namespace.hub_account(),
    )
    assert own_cluster.plane is not None
    hub = KubeHub(spec, plane=own_cluster.plane, folder=tmp_path)
    try:
        hub.prepare()
        with_us = (tmp_path / "jupyterhub_config.py").read_text()
        placed = f"c.KubeSpawner.node_selector = {pool.placement['nodeSelector']!r}\n"
        (tmp_path / "jupyterhub_config.py").write_text(PLAIN + placed)
        await asyncio.to_thread(hub.start)
        before = await _before_the_upgrade(hub, namespace)

        (tmp_path / "jupyterhub_config.py").write_text(with_us)
        await asyncio.to_thread(hub.restart)
        await _after_the_upgrade(hub, namespace, before)
    finally:
        await asyncio.to_thread(hub.stop)


PEOPLE = ("ann", "ann@x.org", "安娜")


async def _before_the_upgrade(hub: KubeHub, namespace: TestNamespace) -> dict[str, Any]:
    """Return the servers that run: everybody's, and a stopped one of somebody else."""
    async with hub.client() as client:
        await client.add_users(*PEOPLE, "stopped@x.org")
        for name in PEOPLE:
            await client.started(name)
        await client.started("ann", server="second")
        await client.started("stopped@x.org")
        await client.stop("stopped@x.org")

        async def four() -> bool:
            return await _are(namespace, 4)

        await until(four, what="one has stopped")
    return {pod.metadata.uid: pod for pod in await namespace.pods()}


async def _after_the_upgrade(
    hub: KubeHub, namespace: TestNamespace, before: dict[str, Any]
) -> None:
    homes = set(await claims(namespace))
    async with hub.client() as client:
        for name in PEOPLE:
            servers = (await client.user(name))["servers"]
            assert all(server["ready"] for server in servers.values()), name
        assert {pod.metadata.uid for pod in await namespace.pods()} == set(before)
        assert (await client("GET", "/user/ann/")).status == 200

        await client.stop("ann", "second")
        for name in PEOPLE:
            assert (await client.stop(name)).status in {202, 204}
        await namespace.when_empty()

        # Everybody has the home that they had, whatever it was called.
        for name in (*PEOPLE, "stopped@x.org"):
            await client.started(name)
        assert set(await claims(namespace)) == homes
        for pod in await namespace.pods():
            assert pod.metadata.labels["sandlot/workload"] == "server"
            (home,) = [each for each in pod.spec.volumes if each.persistent_volume_claim]
            assert home.persistent_volume_claim.claim_name in homes
