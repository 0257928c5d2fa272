"""The one test on Kubernetes: somebody works in a browser, and everything behind it is real.

JupyterHub with the rights of the role that is shipped, Traefik, kubelet and containerd, the image
that is shipped under Pod Security *restricted*, a home on a claim. Only clicks and keys.
"""

from __future__ import annotations

import re
import sys
import time
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes_asyncio.client import ApiException
from playwright.sync_api import expect

from support.cluster.api import connected
from support.cluster.background import Background
from support.cluster.control_plane import STORAGE_CLASS
from support.cluster.hub import HubSpec, KubeHub
from support.cluster.namespaces import TestNamespace
from support.cluster.real_node import REAL, REGISTRY
from support.people import LAB_READY_MS, Person
from support.progress_page import ProgressPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from support.cluster.cluster import Cluster
    from support.cluster.images import Archive

pytestmark = [pytest.mark.real_node, pytest.mark.slow, pytest.mark.timeout(600)]

CHOICE = "Everyday work · JupyterLab · Small"
SOON_S = 10.0
"""Within which people read why their server cannot start; it may take an hour by its settings."""


def document(reference: str) -> dict[str, Any]:
    """Return settings with an image that is there, and one that no registry has."""
    return {
        "version": 1,
        "images": {
            "base": {"display_name": "JupyterLab", "reference": reference},
            "nightly": {
                "display_name": "Nightly build",
                "reference": f"{REGISTRY}/sandlot/nightly:2026-11-21",
            },
        },
        "sizes": {
            "small": {"display_name": "Small", "cpus": 1, "memory": "1 GiB"},
            "medium": {"display_name": "Medium", "cpus": 2, "memory": "2 GiB"},
        },
        "profiles": {
            "everyday": {
                "display_name": "Everyday work",
                "images": ["base", "nightly"],
                "sizes": ["medium", "small"],
            },
            "course": {"display_name": "Course", "images": ["base"], "sizes": ["small"]},
        },
        "kubernetes": {
            "homes": {"kind": "claim", "size": "1 GiB", "storage_class": STORAGE_CLASS},
            "node_selector": REAL.placement["nodeSelector"],
            "tolerations": REAL.placement["tolerations"],
        },
    }


@dataclass(frozen=True, kw_only=True)
class Place:
    """A hub, and what an administrator sees of its namespace."""

    hub: KubeHub
    namespace: TestNamespace
    loop: Background

    def pods(self) -> list[Any]:
        """Return the pods that there are."""
        return self.loop.run(self._listed(self.namespace.core.list_namespaced_pod))

    def homes(self) -> Mapping[str, str]:
        """Return the volume of each claim."""
        found = self.loop.run(
            self._listed(self.namespace.core.list_namespaced_persistent_volume_claim)
        )
        return {each.metadata.name: each.spec.volume_name for each in found}

    def tell(self) -> None:
        """Show what hub and servers have written: pytest does if the test fails."""
        sys.stdout.write(self.hub.log)
        for pod in self.pods():
            name = pod.metadata.name
            sys.stdout.write(f"--- {name}\n{self.loop.run(self._log(name))}")

    async def _listed(self, listing: Callable[..., Any]) -> list[Any]:
        found = await listing(self.namespace.name)
        return [*found.items]

    async def _log(self, name: str) -> str:
        try:
            found: str = await self.namespace.core.read_namespaced_pod_log(
                name, self.namespace.name
            )
        except ApiException as error:  # it has not run
            return f"{error.reason}\n"
        return found


@pytest.fixture
def place(cluster: Cluster, images: dict[str, Archive], tmp_path: Path) -> Iterator[Place]:
    """A hub that starts servers on the real node."""
    assert cluster.plane is not None
    with ExitStack() as stack:
        loop = stack.enter_context(Background())
        there = AsyncExitStack()
        stack.callback(lambda: loop.run(there.aclose()))
        client = loop.run(there.enter_async_context(connected(cluster.kubeconfig)))
        namespace = loop.run(TestNamespace.create(client=client, access=cluster.access))
        there.push_async_callback(namespace.remove)
        spec = HubSpec(
            document=document(images["base"].reference),
            namespace=namespace.name,
            access=loop.run(namespace.hub_account()),
            stand_in=False,
        )
        hub = KubeHub(spec, plane=cluster.plane, folder=tmp_path)
        stack.callback(hub.stop)
        made = Place(hub=hub.start(), namespace=namespace, loop=loop)
        stack.callback(made.tell)
        yield made


def server(page: Page) -> Locator:
    return page.locator("[data-server='']")


def choose(person: Person, image: str) -> None:
    """Choose by clicks, and the size by a key."""
    person.choose("Profile", "Everyday work")
    person.choose("Image for Everyday work", image)
    sizes = person.page.get_by_role("group", name="Size for Everyday work")
    sizes.get_by_role("radio", name="Medium").focus()
    person.page.keyboard.press("ArrowDown")
    expect(sizes.get_by_role("radio", name="Small")).to_be_checked()


def start(person: Person) -> ProgressPage:
    person.page.get_by_role("button", name="Start server").focus()
    person.page.keyboard.press("Enter")
    person.page.wait_for_url("**/hub/spawn-pending/**")
    return ProgressPage(person.page)


def stop(person: Person, hub: str) -> None:
    """Stop the server from the home page."""
    page = person.page
    page.goto(f"{hub}hub/home")
    expect(server(page)).to_contain_text(CHOICE)
    person.picture("kube-home.png")
    server(page).get_by_role("button", name="Stop server").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop server").click()
    expect(server(page)).to_contain_text("Not running")


def works(ann: Person) -> None:
    """Run cells as the image's user in its home, with Sandlot's part of the server at work."""
    ann.lab_is_ready()
    assert CHOICE in ann.status()
    ann.open_notebook()
    assert ann.run_cell("import os; print(os.getuid(), os.uname().nodename)") == "1000 jupyter-ann"
    assert ann.run_cell("open('kept', 'w').write('kept'); print(os.getcwd())") == "/home/jovyan"
    ann.picture("kube-lab.png")


def finds_the_file(ann: Person) -> None:
    """Go on in the notebook that was open, with a new kernel."""
    ann.page.get_by_role("dialog").get_by_role("button", name="Select Kernel").click(
        timeout=LAB_READY_MS
    )
    ann.kernel_is_idle()
    assert ann.run_cell("print(open('kept').read())") == "kept"


def reads_why(ann: Person) -> None:
    """Start an image that no registry has, be told so at once, and come back to the choice."""
    began = time.monotonic()
    progress = start(ann)
    words = "The image “Nightly build” does not exist."
    progress.has_failed("image", code="image-missing", words=words)
    assert time.monotonic() - began < SOON_S
    ann.picture("kube-no-image.png")
    ann.page.get_by_role("link", name="Change choice").click()
    ann.page.wait_for_url(re.compile("/hub/spawn/ann"))
    image = ann.page.get_by_role("group", name="Image for Everyday work")
    expect(image.get_by_role("radio", name="Nightly build")).to_be_checked()


def test_somebody_works_in_a_pod(place: Place, new_person: Callable[..., Page]) -> None:
    """Steps, a cell, a stop; the file is there again; an image that no registry has."""
    hub = place.hub.url
    ann = Person(new_person(), "ann", "any")
    ann.log_in(hub)
    assert ann.profiles() == ["Everyday work", "Course"]
    choose(ann, "JupyterLab")
    ann.picture("kube-form.png")
    progress = start(ann)
    progress.has_done("allowed", "Allowed: JupyterLab, Small.")
    progress.has_done("place", "Place found: node real.")
    ann.picture("kube-progress.png")
    works(ann)
    (pod,) = place.pods()
    assert pod.spec.node_name == "real"
    homes = place.homes()
    assert [*homes] == ["claim-ann"]

    stop(ann, hub)
    assert place.pods() == []
    assert place.homes() == homes

    ann.page.goto(f"{hub}hub/spawn/ann")
    choose(ann, "JupyterLab")
    start(ann)
    finds_the_file(ann)
    assert place.homes() == homes
    stop(ann, hub)

    ann.page.goto(f"{hub}hub/spawn/ann")
    choose(ann, "Nightly build")
    reads_why(ann)
    assert place.pods() == []
