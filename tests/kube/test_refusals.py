"""Every way to ask a hub on Kubernetes for what nobody may start: refused before anything is made.

The hub of this file exits at the first failure that it counts, so that it is alive at all says that
none was counted. What nobody may start is in `support.bad_options`; here is what only a cluster has.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from support.bad_options import REFUSED, REFUSED_AS_JSON
from support.cluster.api import connected
from support.cluster.audit import uses
from support.cluster.hub import HubSpec, KubeHub
from support.cluster.namespaces import TestNamespace
from support.cluster.nodes import FakeNodes
from support.hub_app import NAVIGATION, Browser
from support.kube_catalogue import cluster_catalogue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from support.cluster.cluster import Cluster
    from support.cluster.hub_client import HubClient

# One hub and one person for all of them: nothing that is refused may change anything for the next.
pytestmark = pytest.mark.asyncio(loop_scope="module")

MALLORY = "mallory"
LONGEST_ADDRESS = 20_000
ANSWER_S = 10.0
"""Nothing that is refused takes the hub longer, whatever it is."""
EVERYDAY = {"profile": "everyday"}
AT_ONCE_DEAD = {"Spawner": {"consecutive_failure_limit": 1}}
ABOUT_ITSELF = "selfsubjectaccessreviews"
"""What a hub asks the API server when it starts: what it may do."""
DIGEST = f"sha256:{'0' * 64}"

IN_A_CLUSTER: dict[str, tuple[dict[str, str], str]] = {
    "S01 image without a profile": ({"reference": "evil/x:1"}, "profile-required"),
    "S01 KubeSpawner's field alone": ({"image--unlisted-choice": "evil/x"}, "option-unknown"),
    "S05 size of another profile": ({**EVERYDAY, "size": "gpu"}, "size-other-profile"),
    "S08 size as a format": ({**EVERYDAY, "size": "{userid.__class__}"}, "size-unknown"),
    "S08 wide format": ({**EVERYDAY, "image": "{x:>999999999}"}, "image-unknown"),
    "S08 lone brace": ({**EVERYDAY, "image": "{"}, "image-unknown"),
    "S08 doubled braces": ({**EVERYDAY, "image": "{{"}, "image-unknown"),
    "S09 variable of a shell": ({**EVERYDAY, "size": "${PATH}"}, "size-unknown"),
    "S09 variable of a container": (
        {**EVERYDAY, "image": "$(JUPYTERHUB_API_TOKEN)"},
        "image-unknown",
    ),
    "S10 namespace": ({**EVERYDAY, "namespace": "kube-system"}, "option-unknown"),
    "S10 label": ({**EVERYDAY, "extra_labels": "a=b"}, "option-unknown"),
    "S10 volume": ({**EVERYDAY, "volumes": "/"}, "option-unknown"),
    "S10 account": ({**EVERYDAY, "service_account": "sandlot-hub"}, "option-unknown"),
    "S10 override": ({**EVERYDAY, "kubespawner_override": "x"}, "option-unknown"),
    "S10 environment": ({**EVERYDAY, "environment": "LD_PRELOAD=x"}, "option-unknown"),
    "S10 label in an image": ({**EVERYDAY, "image": "x" * 64}, "options-too-large"),
    "S11 count": ({"profile": "training", "size": "gpu", "count": "-1"}, "option-unknown"),
    "S11 count in the size": ({"profile": "training", "size": "gpu:1e9"}, "size-unknown"),
    "S11 hexadecimal": ({"profile": "training", "size": "0x10"}, "size-unknown"),
    "S11 MIG that is not offered": ({"profile": "training", "size": "mig-1g"}, "size-unknown"),
}
"""What is refused however it comes: id to options and code."""

_NAME = "quay.io/lab/notebook-x"
IMAGES: dict[str, tuple[str, str]] = {
    "S07 suffix": (f"{_NAME}:2026-11@evil", "reference-invalid"),
    "S07 prefix": (f"evil.example/{_NAME}:2026-11", "reference-not-allowed"),
    "S07 line break": (f"{_NAME}:2026-11\n", "reference-invalid"),
    "S07 zero byte": (f"{_NAME}:2026-11\0", "reference-invalid"),
    "S07 look-alike": (f"{_NAME.replace('a', 'а')}:2026-11", "reference-invalid"),
    "S07 capitals": ("quay.io/LAB/notebook-x:2026-11", "reference-invalid"),
    "S07 digest past the tag": (f"{_NAME}:2026-11@{DIGEST}", "reference-not-allowed"),
    "S07 digest alone": (f"{_NAME}@{DIGEST}", "reference-not-allowed"),
    "S07 port": (f"quay.io:443/{_NAME[8:]}:2026-11", "reference-not-allowed"),
    "S07 user": ("quay.io@evil.example/lab/notebook-x:2026-11", "reference-invalid"),
    "S07 registry below": ("x.quay.io/lab/notebook-x:2026-11", "reference-not-allowed"),
    "S07 registry beside": ("quay.io.example/lab/notebook-x:2026-11", "reference-not-allowed"),
    "S07 one folder deeper": (f"{_NAME}/y:2026-11", "reference-not-allowed"),
    "S07 folder above": ("quay.io/lab/../evil/x:2026-11", "reference-invalid"),
    "S07 address": (f"https://{_NAME}:2026-11", "reference-invalid"),
    "S07 no tag": (_NAME, "reference-not-allowed"),
    "S07 another tag": (f"{_NAME}:2025-12", "reference-not-allowed"),
    "S07 blank inside": (f"{_NAME}:2026 11", "reference-invalid"),
    "S08 format": ("{0.__class__}", "reference-invalid"),
    "S08 wide format": ("{x:>999999999}", "reference-invalid"),
    "S09 variable": ("$(JUPYTERHUB_API_TOKEN)/x:1", "reference-invalid"),
    "S14 slow to match": (f"quay.io/slow/{'a' * 200}c:1", "reference-not-allowed"),
    "S14 long": ("a/" * 200, "options-too-large"),
}
"""Images that are named, and refused."""

TEXTS = {
    **REFUSED,
    **IN_A_CLUSTER,
    **{row: ({**EVERYDAY, "reference": name}, code) for row, (name, code) in IMAGES.items()},
}


@dataclass(frozen=True, kw_only=True)
class Attacker:
    """Mallory, by every way in, and what there would be if she got through."""

    hub: KubeHub
    namespace: TestNamespace
    admin: HubClient
    rest: HubClient
    """With a token of her own."""
    browser: Browser

    async def assert_nothing_was_made(self) -> None:
        """Check that the cluster has nothing of hers, and that the hub goes on."""
        core, name = self.namespace.core, self.namespace.name
        assert await self.namespace.pods() == []
        assert (await core.list_namespaced_persistent_volume_claim(name)).items == []
        found = await self.admin("GET", f"users/{MALLORY}?include_stopped_servers=1")
        assert found.status == 200
        server = found.json["servers"].get("", {})
        assert not server.get("ready")
        assert not server.get("pending")
        assert server.get("user_options", {}) == {}
        assert self.hub._hub is not None
        assert self.hub._hub.poll() is None, self.hub.log[-2000:]

    async def counted(self) -> dict[tuple[str, str], float]:
        """Return how many starts the hub has counted, by status and reason."""
        text = (await self.admin("GET", "/hub/metrics")).text
        rows = re.findall(
            r"^jupyterhub_server_spawn_duration_seconds_count\{(.*)\} (\S+)$", text, re.MULTILINE
        )
        found = {}
        for labels, number in rows:
            named = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            found[named["status"], named["reason"]] = float(number)
        return {row: count for row, count in found.items() if count}


def refused_with(reply: Any) -> str:
    """Return the code that an answer refuses with."""
    assert 400 <= reply.status < 500, reply.text[:2000]
    if "Sandlot-Problem" in reply.headers:
        return str(json.loads(reply.headers["Sandlot-Problem"])["code"])
    (code,) = set(re.findall(r"Code: ([a-z-]+)", reply.text))
    return str(code)


async def by_rest(attacker: Attacker, options: Any) -> Any:
    return await attacker.rest("POST", f"users/{MALLORY}/server", json={"user_options": options})


async def by_rest_as_it_was(attacker: Attacker, options: Any) -> Any:
    return await attacker.rest("POST", f"users/{MALLORY}/server", json=options)


async def by_patch(attacker: Attacker, options: Any) -> Any:
    path = f"users/{MALLORY}/server"
    stored = await attacker.rest("PATCH", path, json={"user_options": options})
    assert stored.status == 200, stored.text
    return await attacker.rest("POST", path)


async def by_form(attacker: Attacker, options: Any) -> Any:
    return await attacker.browser.submit("spawn", options)


async def by_link(attacker: Attacker, options: Mapping[str, str]) -> Any:
    query = urlencode({f"opt-{name}": value for name, value in options.items()})
    return await attacker.browser.start_by_url(f"spawn?{query}")


# An address that names an image is only looked at when its owner has named that image last, in a
# form (see `link_starts`); so the form comes last.
WAYS = (by_rest, by_rest_as_it_was, by_patch, by_link, by_form)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def attacker(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Attacker]:
    if cluster.plane is None:
        pytest.skip("this needs the control plane that the tests start, not one that was brought")
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(connected(cluster.kubeconfig))
        namespace = await TestNamespace.create(client=client, access=cluster.access)
        stack.push_async_callback(namespace.remove)
        nodes = FakeNodes(namespace.core)
        stack.push_async_callback(nodes.remove)
        pool = await nodes.add(1)
        spec = HubSpec(
            document=cluster_catalogue(
                homes={"kind": "claim", "size": "1 GiB", "storage_class": "homes"},
                node_selector=pool.placement["nodeSelector"],
            ),
            namespace=namespace.name,
            access=await namespace.hub_account(),
            config=AT_ONCE_DEAD,
        )
        hub = KubeHub(spec, plane=cluster.plane, folder=tmp_path_factory.mktemp("hub"))
        stack.push_async_callback(asyncio.to_thread, hub.stop)
        await asyncio.to_thread(hub.start)
        admin = await stack.enter_async_context(hub.client())
        await admin.add_users(MALLORY)
        token = (await admin("POST", f"users/{MALLORY}/tokens", json={})).json["token"]
        rest = await stack.enter_async_context(hub.client(token))
        session = aiohttp.ClientSession(
            # The loopback address is an IP address, whose cookies are refused by default.
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            headers=NAVIGATION,
            timeout=aiohttp.ClientTimeout(total=ANSWER_S),
        )
        browser = Browser(await stack.enter_async_context(session), URL(f"{hub.url}hub/"))
        await browser.log_in(MALLORY)
        yield Attacker(hub=hub, namespace=namespace, admin=admin, rest=rest, browser=browser)


@pytest.mark.parametrize(("options", "code"), TEXTS.values(), ids=TEXTS)
async def test_refused_on_every_way(attacker: Attacker, options: dict[str, str], code: str) -> None:
    for way in WAYS:
        if way is by_link and len(str(options)) > LONGEST_ADDRESS:
            continue
        reply = await way(attacker, options)
        if way is by_link and "reference" in options:
            assert reply.status == 303
            continue
        # Storing has replaced what cannot be stored; then it is refused as of a wrong type.
        stored = {"options-type"} if way is by_patch else set()
        assert refused_with(reply) in {code, *stored}, way.__name__
    await attacker.assert_nothing_was_made()


@pytest.mark.parametrize(("options", "code"), REFUSED_AS_JSON.values(), ids=REFUSED_AS_JSON)
async def test_refused_as_json(attacker: Attacker, options: str, code: str) -> None:
    body, path = f'{{"user_options": {options}}}', f"users/{MALLORY}/server"
    assert refused_with(await attacker.rest("POST", path, data=body)) == code
    assert (await attacker.rest("PATCH", path, data=body)).status == 200
    assert refused_with(await attacker.rest("POST", path)) in {code, "options-type"}
    await attacker.assert_nothing_was_made()


async def test_two_hundred_in_a_row_leave_the_hub_as_it_was(
    attacker: Attacker, cluster: Cluster
) -> None:
    before = await attacker.counted()
    rows = [row for row in TEXTS.values() if len(str(row)) < LONGEST_ADDRESS]
    for number in range(200):
        options, _ = rows[number % len(rows)]
        assert (await by_rest(attacker, options)).status < 500
    after = await attacker.counted()
    assert sum(after.values()) == sum(before.values()) + 200
    assert {status for status, _ in after} == {"failure"}

    assert cluster.plane is not None
    asked = uses(cluster.plane.audit_log, attacker.namespace.hub_user)
    assert {use.resource for use in asked if use.verb == "create"} <= {ABOUT_ITSELF}

    await attacker.admin.started(MALLORY, {"profile": "everyday", "size": "large"})
    found = await attacker.namespace.pods()
    assert [pod.metadata.labels["sandlot/size"] for pod in found] == ["large"]
    assert (await attacker.counted())["success", ""] == 1


@pytest.mark.asyncio(loop_scope="function")
async def test_a_hub_that_counts_a_failure_would_have_ended(
    make_hub: Callable[..., Any],
) -> None:
    """The row that shows what the hub of the rows above would have done."""
    hub = await make_hub(
        cluster_catalogue(),
        config=AT_ONCE_DEAD,
        extra="def fail(spawner):\n    raise RuntimeError\nc.Spawner.pre_spawn_hook = fail",
    )
    async with hub.client() as client:
        await client.add_users("ann")
        assert (await client.start("ann")).status == 500
    await asyncio.to_thread(hub._hub.wait, ANSWER_S)
    assert hub._hub.returncode != 0


@pytest.mark.asyncio(loop_scope="function")
async def test_what_was_saved_under_wider_settings_is_judged_by_todays(
    make_hub: Callable[..., Any], namespace: TestNamespace, nodes: FakeNodes
) -> None:
    """S12, for what somebody has stored in every way there is."""
    pool = await nodes.add(1)
    wide = cluster_catalogue(node_selector=pool.placement["nodeSelector"])
    hub: KubeHub = await make_hub(wide, config=AT_ONCE_DEAD, groups={"cs101": ["course"]})
    named = {"profile": "everyday", "reference": "quay.io/lab/notebook-x:2026-11"}
    people: dict[str, tuple[dict[str, str], str]] = {
        "size": ({"profile": "everyday", "image": "base", "size": "large"}, "size-unknown"),
        "image": ({"profile": "everyday", "image": "scipy", "size": "small"}, "image-not-allowed"),
        "named": ({**named, "size": "small"}, "reference-not-allowed"),
        "course": ({"profile": "course", "image": "base", "size": "small"}, "profile-not-allowed"),
        "patched": ({"profile": "training"}, "profile-unknown"),
    }
    async with hub.client() as client:
        await client.add_users(*people)
        for name, (options, _) in people.items():
            if name == "patched":
                stored = await client(
                    "PATCH", f"users/{name}/server", json={"user_options": options}
                )
                assert stored.status == 200
            else:
                await client.started(name, options)
                assert (await client.stop(name)).status in {202, 204}
    await namespace.when_empty()

    narrow = cluster_catalogue(node_selector=pool.placement["nodeSelector"])
    del narrow["profiles"]["training"]
    narrow["profiles"]["everyday"]["sizes"] = ["small"]
    narrow["images"]["scipy"]["allow"] = {"groups": ["staff"]}
    narrow["profiles"]["everyday"]["custom_images"]["allow"].pop(0)
    narrow["profiles"]["course"]["allow"] = {"groups": ["cs102"]}
    (hub.folder / "settings.json").write_text(json.dumps(narrow))
    await asyncio.to_thread(hub.restart)

    async with hub.client() as client:
        assert refused_with(await client.start("patched")) == "profile-unknown"
        for name, (options, code) in people.items():
            reply = await client.start(name, options)
            assert refused_with(reply) == code, name
        assert await namespace.pods() == []
        for name in people:
            await client.started(name)
        found = await namespace.pods()
    assert len(found) == len(people)
    for pod in found:
        labels = pod.metadata.labels
        chosen = [labels[f"sandlot/{part}"] for part in ("profile", "image", "size")]
        assert chosen == ["everyday", "base", "small"], labels["sandlot/owner"]
        assert pod.spec.containers[0].image == "registry.invalid/sandlot/base:1"
