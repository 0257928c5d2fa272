"""Users of any name: refused, or servers and homes that nobody else has."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from support.cluster.control_plane import STORAGE_CLASS
from support.cluster.nodes import NodeKind
from support.kube_catalogue import cluster_catalogue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from support.cluster.hub import KubeHub
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes

pytestmark = pytest.mark.asyncio

NAMES = (
    "ann",
    "Ann",
    "ANN",
    "anna",
    "ann-1",
    "ann--1",
    "ann-second",
    "ann--second",
    "ann-second-x",
    "ann.1",
    "ann_1",
    "ann 1",
    "ann-",
    "ann@x.org",
    "ann@x-org",
    "1",
    "001",
    "安娜",
    "آنا",
    "анна",
    "ann\N{ZERO WIDTH SPACE}",
    "caf\N{LATIN SMALL LETTER E WITH ACUTE}",
    "cafe\N{COMBINING ACUTE ACCENT}",
    "\N{FOX FACE}",
    "{username}",
    "$(JUPYTERHUB_API_TOKEN)",
    "x" * 254 + "y",
    "x" * 254 + "z",
)
NO_NAMES = ("", ".", "..", "a/b", "../ann", "a\\b", "x" * 256, " ann", "ann\n", "\x00")
SERVERS = {"ann": ("second", "x-y"), "ann-second": ("x",)}
"""Named servers whose names, joined with the user's, read like somebody else's."""

AS_WRITTEN = """\
from jupyterhub.auth import DummyAuthenticator

class AsWritten(DummyAuthenticator):
    def normalize_username(self, username):
        return username

c.JupyterHub.authenticator_class = AsWritten
c.Authenticator.allow_all = True
"""
"""JupyterHub writes names in lower case; an authenticator need not."""


async def test_everybody_has_a_server_and_a_home_of_their_own(
    make_hub: Callable[..., Awaitable[KubeHub]], namespace: TestNamespace, nodes: FakeNodes
) -> None:
    pool = await nodes.add(1, NodeKind(cpus=64, memory="256Gi"))
    homes = {"kind": "claim", "size": "1 GiB", "storage_class": STORAGE_CLASS}
    settings = cluster_catalogue(node_selector=pool.placement["nodeSelector"], homes=homes)
    hub = await make_hub(settings, extra=AS_WRITTEN)
    wanted = [(name, server) for name in NAMES for server in ("", *SERVERS.get(name, ()))]
    async with hub.client() as client:
        await client.add_users(*NAMES)
        for name, server in wanted:
            await client.started(quote(name, safe=""), server=quote(server, safe=""))
    pods = await namespace.pods()
    claims = namespace.core.list_namespaced_persistent_volume_claim
    found = (await claims(namespace.name)).items

    assert len(pods) == len(wanted)
    assert sorted(map(_whose, pods)) == sorted(wanted)
    assert len(found) == len(NAMES)
    for label in ("sandlot/owner", "hub.jupyter.org/username", "sandlot/account"):
        values = {(pod.metadata.annotations["sandlot/owner"], _label(pod, label)) for pod in pods}
        assert _most(value for _, value in values) == 1, label
    mounted = {(_whose(pod)[0], _home(pod)) for pod in pods}
    assert _most(home for _, home in mounted) == 1, "two people share a home"
    assert {home for _, home in mounted} == {each.metadata.name for each in found}


async def test_names_that_are_no_names_start_nothing(
    make_hub: Callable[..., Awaitable[KubeHub]], namespace: TestNamespace, nodes: FakeNodes
) -> None:
    pool = await nodes.add(1)
    hub = await make_hub(cluster_catalogue(node_selector=pool.placement["nodeSelector"]))
    async with hub.client() as client:
        for name in NO_NAMES:
            assert (await client("POST", "users", json={"usernames": [name]})).status < 500, name
            assert (await client.start(quote(name, safe=""))).status < 500, name
    owners = [_whose(pod)[0] for pod in await namespace.pods()]
    # What the hub does take is the owner, letter by letter.
    assert set(owners) <= set(NO_NAMES)
    assert len(owners) == len(set(owners))


def _whose(pod: Any) -> tuple[str, str]:
    annotations = pod.metadata.annotations
    return annotations["sandlot/owner"], annotations.get("hub.jupyter.org/servername", "")


def _label(pod: Any, name: str) -> str:
    return str(pod.metadata.labels[name])


def _home(pod: Any) -> str:
    (home,) = [each for each in pod.spec.volumes if each.persistent_volume_claim]
    return str(home.persistent_volume_claim.claim_name)


def _most(values: Any) -> int:
    return max(Counter(values).values())
