"""What two people see of the GPUs of a cluster while others take them, by clicks and keys."""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from sandlot_hub.services.event_stream import StreamLimits
from support.cluster.namespaces import TestNamespace
from support.cluster.nodes import NodeKind
from support.cluster.objects import GPU, pod
from support.cluster.world import World, world
from support.looks import troubles
from support.people import Person
from support.progress_page import ProgressPage
from support.spawn_page import LIVE, SpawnPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from support.cluster.cluster import Cluster
    from support.cluster.fault_proxy import FaultProxy

pytestmark = pytest.mark.timeout(300)

STREAM = "**/services/offers/api/v1/stream"
UNKNOWN = re.compile(r"^Availability is not known since \d+ s")
LOOKS_S = StreamLimits().alive_s
ALL_USED = "No NVIDIA L4 is free (2 of 2 in use"
SEEN = """
(id) => {
  const box = document.getElementById(id).closest('.sandlot-choice');
  window.seen = [];
  new MutationObserver(() => window.seen.push(Date.now())).observe(
    box, { attributeFilter: ['data-state'] });
}
"""
"""Notes when a size of the page changes its state."""


def settings(product: str) -> dict[str, Any]:
    """Return settings whose GPUs are those of nodes with a label, which no other test has."""
    placed = {"tolerations": [{"key": GPU, "operator": "Exists"}]}
    selector = "nvidia.com/gpu.product"
    profile = {"images": ["base"], "sizes": ["small", "l4", "a100"]}
    return {
        "version": 1,
        "images": {"base": {"display_name": "Base", "reference": "registry.invalid/base:1"}},
        "accelerators": {
            "l4": {
                "display_name": "NVIDIA L4",
                "kubernetes": {**placed, "node_selector": {selector: f"{product}-L4"}},
            },
            "a100": {
                "display_name": "NVIDIA A100",
                "kubernetes": {**placed, "node_selector": {selector: f"{product}-A100"}},
            },
        },
        "sizes": {
            "small": {"display_name": "Small", "cpus": 1, "memory": "1 GiB"},
            "l4": _size("One L4", "l4"),
            "a100": _size("One A100", "a100"),
        },
        "profiles": {
            "work": {"display_name": "Work", "default": True, **profile},
            "queue": {"display_name": "Queue", "when_full": "wait", **profile},
        },
        "kubernetes": {"homes": {"kind": "none"}},
    }


def _size(name: str, flavor: str) -> dict[str, Any]:
    gpu = {"flavor": flavor}
    return {"display_name": name, "cpus": 1, "memory": "1 GiB", "accelerator": gpu}


class Elsewhere:
    """Another namespace of the cluster, whose pods this hub knows nothing of."""

    def __init__(self, hub_world: World, namespace: TestNamespace, product: str) -> None:
        self._world = hub_world
        self._namespace = namespace
        self._product = product

    def take(self, name: str, flavor: str = "L4") -> None:
        """Ask for one GPU, as somebody else's pod."""
        manifest = pod(
            name,
            gpus=1,
            nodeSelector={"nvidia.com/gpu.product": f"{self._product}-{flavor}"},
            tolerations=[{"key": GPU, "operator": "Exists"}],
        )
        self._world.run(self._namespace.create_pod(manifest))

    def end(self, *names: str) -> None:
        """End pods."""
        for name in names:
            self._world.run(
                self._namespace.core.delete_namespaced_pod(
                    name, self._namespace.name, grace_period_seconds=0
                )
            )


@contextmanager
def elsewhere(hub_world: World, cluster: Cluster, product: str) -> Iterator[Elsewhere]:
    """Give another namespace while the context lasts."""
    made = hub_world.run(TestNamespace.create(client=hub_world.client, access=cluster.access))
    try:
        yield Elsewhere(hub_world, made, product)
    finally:
        hub_world.run(made.remove())


class Watching:
    """Two people with the spawn page open, and the availability page beside it."""

    def __init__(self, url: str, new_person: Callable[..., Page]) -> None:
        self._url = url
        self._new_person = new_person
        self.forms = [self.form("ada"), self.form("bob")]
        self.board = self._board(self.forms[0].page)
        expect(self.board.locator("#sandlot-age")).to_have_text(LIVE)

    @staticmethod
    def _board(page: Page) -> Page:
        """Open the availability page beside a form, which leads there."""
        with page.context.expect_page() as opened:
            page.get_by_role("link", name="All accelerators").click(modifiers=["Control"])
        return opened.value

    def form(self, name: str, *, profile: str = "Work", deaf: bool = False) -> SpawnPage:
        """Let somebody new open the form and choose One L4; a deaf page hears of no change."""
        page = self._new_person()
        if deaf:
            page.route(STREAM, lambda route: route.abort())
        person = Person(page, name, "any password")
        person.log_in(self._url)
        form = SpawnPage(person).open(self._url)
        if not deaf:
            form.wait_live()
        person.choose("Profile", profile)
        person.choose("Image", "Base")
        person.choose("Size", "One L4")
        return form

    def all_show(self, state: str, words: str | re.Pattern[str], headline: str) -> None:
        """Expect that every page shows the same of the L4: its state, a reason, and how many."""
        for form in self.forms:
            entry = form.entry("Size", "One L4")
            expect(entry).to_have_attribute("data-state", state)
            expect(entry).to_contain_text(words)
        flavor = self.board.get_by_role("region", name="NVIDIA L4")
        expect(flavor.locator(".sandlot-words")).to_have_text(headline)

    def note_changes(self) -> None:
        """Let the pages note when they change."""
        for form in self.forms:
            form.page.evaluate(SEEN, form.radio("Size", "One L4").get_attribute("id"))

    def changes(self) -> list[list[float]]:
        """Return when each page has changed, in seconds since 1970."""
        return [
            [moment / 1000 for moment in form.page.evaluate("window.seen")] for form in self.forms
        ]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A hub whose GPUs are those of one product."""

    world: World
    cluster: Cluster
    product: str


@pytest.fixture
def place(own_cluster: Cluster, fault_proxy: FaultProxy, tmp_path: Path) -> Iterator[Place]:
    """The hub, which ends after the browser: that has the loop of the test's thread."""
    product = f"t{secrets.token_hex(3)}"
    made = world(own_cluster, tmp_path, settings=settings(product), offers=fault_proxy.through)
    with made as hub_world:
        yield Place(world=hub_world, cluster=own_cluster, product=product)


def test_everybody_sees_which_gpus_are_free(
    place: Place,
    fault_proxy: FaultProxy,
    new_person: Callable[..., Page],
    say: Callable[[str], None],
) -> None:
    kinds = [
        NodeKind(
            gpus=count, product=f"{place.product}-{name}", taint=(GPU, "present", "NoSchedule")
        )
        for name, count in (("L4", 2), ("A100", 1))
    ]
    with (
        place.world.nodes(*kinds),
        elsewhere(place.world, place.cluster, place.product) as others,
    ):
        others.take("first")
        watching = Watching(place.world.hub.url, new_person)
        watching.all_show("few", "1 of 2 free", "1 of 2 free")
        assert troubles(watching.board) == []
        late = watching.form("cy", deaf=True)

        # Somebody else's work takes the last one, and again.
        watching.note_changes()
        began = watching.forms[0].page.evaluate("Date.now()") / 1000
        others.take("short")
        watching.all_show("full", ALL_USED, "None of 2 free")
        others.end("short")
        watching.all_show("few", "1 of 2 free", "1 of 2 free")
        others.take("second")
        watching.all_show("full", ALL_USED, "None of 2 free")
        for first, *rest in watching.changes():
            say(f"a page has changed {first - began:.2f} s after the pod was asked for")
            # They are told of it: a stream that only looks again does so every few seconds.
            assert max(later - earlier for earlier, later in pairwise((first, *rest))) < LOOKS_S
        for form in watching.forms:
            expect(form.entry("Size", "One L4").locator(".sandlot-instead")).to_contain_text(
                "One A100"
            )
        _presses_start_too_late(late)
        _waits_in_line(watching, others)

        # The work elsewhere ends.
        others.end("second")
        watching.all_show("few", "1 of 2 free", "1 of 2 free")

        # The API server is cut off.
        with fault_proxy.refusing():
            watching.all_show("unknown", "not known", "How many are free is not known")
            for form in watching.forms:
                expect(form.age).to_have_text(UNKNOWN)
            expect(watching.board.locator("#sandlot-age")).to_have_text(UNKNOWN)
            expect(watching.board.get_by_text("Which accelerators are free")).to_contain_text(
                re.compile(r"not known since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")
            )
        watching.all_show("few", "1 of 2 free", "1 of 2 free")
        for form in watching.forms:
            expect(form.age).to_have_text(LIVE)


def _presses_start_too_late(late: SpawnPage) -> None:
    """Whoever presses Start before their page has heard of it gets a sentence."""
    expect(late.entry("Size", "One L4")).to_have_attribute("data-state", "few")
    late.start.click()
    refused = late.page.locator("#sandlot-refused")
    expect(refused).to_contain_text(ALL_USED)
    expect(refused).to_contain_text("Code: accelerators-busy")
    expect(late.page.get_by_role("link", name=re.compile("One A100")).first).to_be_visible()


def _waits_in_line(watching: Watching, others: Elsewhere) -> None:
    """Where the profile lets people wait, they are told who waits too, in whatever namespace."""
    others.take("queued")
    waiting = watching.form("eve", profile="Queue")
    expect(waiting.entry("Size", "One L4")).to_have_attribute("data-state", "wait")
    waiting.start.focus()
    waiting.page.keyboard.press("Enter")
    progress = ProgressPage(waiting.page)
    progress.is_at("place", "1 other waits for this kind of GPU too.")
    watching.all_show("full", "2 others waiting", "None of 2 free")
    progress.cancel()
    others.end("queued")
    watching.all_show("full", re.compile(r"2 of 2 in use\)"), "None of 2 free")
