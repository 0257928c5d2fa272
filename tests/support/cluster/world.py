"""A hub on fake nodes whose images decide what becomes of their servers, for tests with a browser.

Playwright occupies the event loop of the test's thread, so all that talks to the cluster runs in
another one.
"""

from __future__ import annotations

import json
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from kubernetes_asyncio.client import ApiException, SchedulingV1Api

from support.cluster.api import connected
from support.cluster.background import Background
from support.cluster.control_plane import STORAGE_CLASS
from support.cluster.fates import FATE, Fate, fate_annotations
from support.cluster.hub import HubSpec, KubeHub
from support.cluster.namespaces import TestNamespace
from support.cluster.nodes import FakeNodes, NodeKind
from support.cluster.objects import GPU
from support.cluster.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from pathlib import Path

    from kubernetes_asyncio.client import ApiClient

    from support.cluster.access import Access
    from support.cluster.cluster import Cluster

Answer = TypeVar("Answer")

L4_NODE = NodeKind(gpus=1, product="NVIDIA-L4", taint=(GPU, "present", "NoSchedule"))
PATIENCE = {
    "busy": "15 s",
    "container": "3 s",
    "never_fits": "8 s",
    "stopping": "8 s",
    "volume": "8 s",
}
"""Long enough to read why a start waits."""

_FATES = """\
from kubernetes_asyncio.client import V1Toleration

FATES = {fates}
# Else the cluster waits for a lost node for five minutes.
BRIEFLY = V1Toleration(
    key="node.kubernetes.io/unreachable", operator="Exists", effect="NoExecute", toleration_seconds=1
)

def give_fate(spawner, pod):
    pod.metadata.annotations.update(FATES.get(spawner.plan.image_slug, {{}}))
    pod.spec.tolerations = [*(pod.spec.tolerations or ()), BRIEFLY]
    return pod

c.KubeSpawner.modify_pod_hook = give_fate
# A request to start is answered at once, and not when the server runs.
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 0}}
# A stop is left to the cluster after this and the patience for it.
c.KubeSpawner.k8s_api_request_retry_timeout = 5
"""


@dataclass(frozen=True, kw_only=True)
class Destiny:
    """What becomes of the servers of an image."""

    name: str
    """Of the image, as people read it."""
    fate: Fate | None = None
    after: str = ""


START_IMAGES = {
    "base": Destiny(name="Base"),
    "large": Destiny(name="Large image", fate=Fate.SLOW, after="10s"),
    # The hub shows what fails in the first second on the form, and then on the progress page.
    Fate.IMAGE.value: Destiny(name="Missing image", fate=Fate.IMAGE, after="3s"),
    Fate.CONFIG.value: Destiny(name="Broken image", fate=Fate.CONFIG, after="3s"),
}
"""Images whose servers do not all run, by slug."""
LATE_IMAGES = {
    fate.value: Destiny(name=f"Later {fate.value}", fate=fate, after="8s")
    for fate in (Fate.CRASH, Fate.OOM, Fate.EXIT, Fate.EVICTED, Fate.STUCK)
}
"""Images whose servers run for a while, by slug."""


def document() -> dict[str, Any]:
    """Return the settings."""
    sizes = ["small", "l4", "a100"]
    return {
        "version": 1,
        "images": {
            slug: {"display_name": image.name, "reference": f"registry.invalid/{slug}:1"}
            for slug, image in {**START_IMAGES, **LATE_IMAGES}.items()
        },
        "accelerators": {
            "l4": {"display_name": "NVIDIA L4", "kubernetes": _flavor("NVIDIA-L4")},
            "a100": {"display_name": "NVIDIA A100", "kubernetes": _flavor("NVIDIA-A100")},
        },
        "sizes": {
            "small": {"display_name": "Small", "cpus": 1, "memory": "1 GiB", "max_running": 40},
            "l4": _size("One L4", flavor="l4"),
            "a100": _size("One A100", flavor="a100"),
        },
        "profiles": {
            "work": {
                "display_name": "Work",
                "images": [*START_IMAGES],
                "sizes": sizes,
                "default": True,
            },
            "later": {"display_name": "Trouble later", "images": [*LATE_IMAGES], "sizes": sizes},
        },
        "kubernetes": {
            "homes": {"kind": "claim", "size": "1 GiB", "storage_class": STORAGE_CLASS},
            "new_node_takes": "5 min",
            "patience": PATIENCE,
        },
    }


def _size(name: str, *, flavor: str) -> dict[str, Any]:
    return {
        "display_name": name,
        "cpus": 1,
        "memory": "1 GiB",
        "accelerator": {"flavor": flavor},
    }


def _flavor(product: str) -> dict[str, Any]:
    return {
        "node_selector": {"nvidia.com/gpu.product": product},
        "tolerations": [{"key": GPU, "operator": "Exists"}],
    }


def _annotations() -> dict[str, dict[str, str]]:
    """Return what marks the pods of each image."""
    return {
        slug: fate_annotations(image.fate, after=image.after)
        for slug, image in {**START_IMAGES, **LATE_IMAGES}.items()
        if image.fate is not None
    }


class World:
    """A hub and its namespace, and what a test adds to the cluster.

    Parameters
    ----------
    loop
        Where everything runs that asks the cluster.
    client
        Of an administrator.
    namespace
        Where the hub's servers run.
    hub
        The hub.
    """

    def __init__(
        self, *, loop: Background, client: ApiClient, namespace: TestNamespace, hub: KubeHub
    ) -> None:
        self._loop = loop
        self.client = client
        self.core = namespace.core
        self.scheduling = SchedulingV1Api(client)
        self.name = namespace.name
        """Of the namespace."""
        self.hub = hub

    def run(self, work: Awaitable[Answer]) -> Answer:
        """Return what is awaited."""
        return self._loop.run(work)

    @contextmanager
    def nodes(self, *kinds: NodeKind) -> Iterator[tuple[str, ...]]:
        """Add a node of each kind while the context lasts; give their names."""
        made = FakeNodes(self.core)
        try:
            pools = [self.run(made.add(1, kind)) for kind in kinds]
            yield tuple(name for pool in pools for name in pool.names)
        finally:
            self.run(self._end_servers())
            self.run(made.remove())

    def pods_of(self, user: str) -> list[Any]:
        """Return the pods of somebody's servers."""
        labels = f"sandlot/owner={user}"
        found = self.run(self.core.list_namespaced_pod(self.name, label_selector=labels))
        return list(found.items)

    def claims_of(self, user: str) -> list[Any]:
        """Return the claims of somebody's homes."""
        listed = self.core.list_namespaced_persistent_volume_claim
        found = self.run(listed(self.name, label_selector=f"sandlot/owner={user}"))
        return list(found.items)

    def start(self, user: str, options: Mapping[str, str]) -> None:
        """Start somebody's server without a browser, and do not wait for it."""

        async def asked() -> None:
            async with self.hub.client() as client:
                await client.add_users(user)
                reply = await client.start(user, options)
                assert reply.status in {201, 202}, reply.text

        self.run(asked())

    def tell(self, about: Any, reason: str, message: str) -> None:
        """Report an event about a pod, as a part of the cluster would that is not here."""
        moment = about.metadata.creation_timestamp
        involved = {"apiVersion": "v1", "kind": "Pod", "namespace": self.name}
        involved |= {"name": about.metadata.name, "uid": about.metadata.uid}
        event: Any = {
            "metadata": {"generateName": "told-"},
            "involvedObject": involved,
            "type": "Normal",
            "reason": reason,
            "message": message,
            "firstTimestamp": moment,
            "lastTimestamp": moment,
        }
        self.run(self.core.create_namespaced_event(self.name, event))

    def let_end(self, user: str) -> None:
        """Let somebody's pods end that are stuck, or would be."""
        free = {"metadata": {"annotations": {FATE: None}}}
        for found in self.pods_of(user):
            self.run(self.core.patch_namespaced_pod(found.metadata.name, self.name, free))

    def has_nothing_left_of(self, user: str) -> None:
        """Expect that nothing runs of somebody, whose home has stayed."""
        self.until(lambda: not self.pods_of(user), what=f"no pod of {user} is left")
        assert len(self.claims_of(user)) == 1

    def until(self, look: Callable[[], object], *, what: str) -> None:
        """Wait until `look` answers with something truthy."""
        wait_until(look, what=what)

    async def _end_servers(self) -> None:
        await self.core.delete_collection_namespaced_pod(self.name, grace_period_seconds=0)
        # A pod that is stuck holds its own against that, until nothing of its fate is left.
        free = {"metadata": {"annotations": {FATE: None}, "finalizers": None}}
        for each in (await self.core.list_namespaced_pod(self.name)).items:
            with suppress(ApiException):  # gone by now
                await self.core.patch_namespaced_pod(each.metadata.name, self.name, free)


@contextmanager
def world(
    cluster: Cluster,
    folder: Path,
    *,
    settings: Mapping[str, Any] | None = None,
    offers: Callable[[Access], Access] | None = None,
) -> Iterator[World]:
    """Give a world while the context lasts.

    Parameters
    ----------
    cluster
        Our own cluster.
    folder
        For the hub: empty, and only its own.
    settings
        In place of `document()`.
    offers
        Returns the way on which the offers service's own account looks at the cluster; without it
        the service has no account.
    """
    assert cluster.plane is not None
    with Background() as loop, ExitStack() as stack:
        resources = AsyncExitStack()
        stack.callback(lambda: loop.run(resources.aclose()))
        client = loop.run(resources.enter_async_context(connected(cluster.kubeconfig)))
        namespace = loop.run(TestNamespace.create(client=client, access=cluster.access))
        stack.callback(lambda: loop.run(namespace.remove()))
        spec = HubSpec(
            document=settings or document(),
            namespace=namespace.name,
            access=loop.run(namespace.hub_account()),
            offers=None if offers is None else offers(loop.run(namespace.offers_account())),
            extra=_FATES.format(fates=json.dumps(_annotations())),
        )
        hub = KubeHub(spec, plane=cluster.plane, folder=folder)
        stack.callback(hub.stop)
        hub.start()
        yield World(loop=loop, client=client, namespace=namespace, hub=hub)
