"""What people read of a start in a cluster: each wait and each end, in a browser."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from support.browsing import launched
from support.cluster.fates import Fate
from support.cluster.nodes import FakeNodes, NodeKind
from support.cluster.objects import GPU, claim, pod, quota
from support.cluster.world import L4_NODE, LATE_IMAGES, START_IMAGES, World, world
from support.looks import troubles
from support.people import Person
from support.progress_page import ProgressPage
from support.spawn_page import SpawnPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Locator, Page

    from support.cluster.cluster import Cluster

    Starts = Callable[..., ProgressPage]

pytestmark = pytest.mark.timeout(300)

CPU_NODE = NodeKind()
NAMES = {slug: image.name for slug, image in {**START_IMAGES, **LATE_IMAGES}.items()}
NO_MEMORY = "Your server used all of its memory and was ended."
NODE_SHORT = "The node ran short of memory or disk space"
L4 = {"profile": "work", "image": "base", "size": "l4"}


@pytest.fixture(scope="module")
def hub_world(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One hub for this file: each person in it is new."""
    if cluster.plane is None:
        pytest.skip("this needs the control plane that the tests start, not one that was brought")
    with world(cluster, tmp_path_factory.mktemp("hub")) as made:
        yield made


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for this file, in which nothing needs the event loop of this thread."""
    with launched(chromium) as instance:
        yield instance


@pytest.fixture
def starts(hub_world: World, new_person: Callable[..., Page]) -> Starts:
    """Return a function by which somebody new logs in, chooses and starts, by clicks and keys."""

    def started(
        name: str, image: str = "Base", size: str = "Small", profile: str = "Work"
    ) -> ProgressPage:
        person = Person(new_person(), name, "any password")
        person.log_in(hub_world.hub.url)
        person.page.goto(f"{hub_world.hub.url}hub/spawn")
        person.choose("Profile", profile)
        person.choose("Image", image)
        person.choose("Size", size)
        person.page.get_by_role("button", name="Start server").focus()
        person.page.keyboard.press("Enter")
        return ProgressPage(person.page)

    return started


def home(world: World, page: Page) -> Locator:
    """Open the home page; return the line of the default server."""
    page.goto(f"{world.hub.url}hub/home")
    return page.locator("[data-server='']")


def test_the_form_knows_what_is_free(hub_world: World, new_person: Callable[..., Page]) -> None:
    person = Person(new_person(), "looker", "any password")
    person.log_in(hub_world.hub.url)
    form = SpawnPage(person).open(hub_world.hub.url).wait_live()
    expect(form.entry("Size", "Small")).to_contain_text(re.compile(r"\d+ of 40 free"))
    # The offers service of this hub has no account that may look at nodes.
    expect(form.entry("Size", "One L4")).to_contain_text("not known")
    assert troubles(form.page) == []


# --- waiting ---------------------------------------------------------------------------


def test_an_image_is_got_and_the_server_runs(hub_world: World, starts: Starts) -> None:
    with hub_world.nodes(CPU_NODE) as (node,):
        progress = starts("slow", image="Large image")
        progress.has_done("allowed", "Allowed: Large image, Small.")
        progress.is_at("image", "The node gets the image “Large image”.")
        progress.has_done("place", f"Place found: node {node}.")
        expect(progress.step("image")).to_contain_text("2 s")
        progress.page.reload()
        progress.is_at("image", "The node gets the image “Large image”.")
        progress.leads_to("slow")

        row = home(hub_world, progress.page)
        expect(row).to_have_attribute("data-state", "running")
        row.get_by_role("button", name="Stop server").click()
        progress.page.get_by_role("dialog").get_by_role("button", name="Stop server").click()
        expect(progress.page.get_by_text("Default server is stopped.")).to_be_visible()
        hub_world.has_nothing_left_of("slow")


def test_nobody_is_kept_in_the_dark_about_a_gpu_in_use(hub_world: World, starts: Starts) -> None:
    with hub_world.nodes(L4_NODE):
        hub_world.start("holder", L4)
        progress = starts("third", size="One L4")
        progress.is_at("place", "All NVIDIA L4 of the cluster are in use.")
        for name in ("first", "second"):
            hub_world.start(name, L4)
        waits = "2 others wait for this kind of GPU too."
        progress.is_at("place", waits)
        page = progress.page
        page.get_by_text("Details, newest first").click()
        expect(progress.log.locator("li").first).to_contain_text(waits)

        failed = "The start was given up after 15 s of that."
        progress.has_failed("place", code="resources-busy", words=failed)
        hub_world.has_nothing_left_of("third")
        page.get_by_role("link", name="Change choice").click()
        progress.chose_again("Base", "One L4")


def test_waiting_for_a_gpu_can_be_cancelled(hub_world: World, starts: Starts) -> None:
    with hub_world.nodes(L4_NODE):
        hub_world.start("owner", L4)
        progress = starts("canceller", size="One L4")
        progress.is_at("place", "All NVIDIA L4 of the cluster are in use.")
        progress.cancel()
        progress.chose_again("Base", "One L4")
        hub_world.has_nothing_left_of("canceller")


def test_a_new_node_is_told_and_used(hub_world: World, starts: Starts) -> None:
    with hub_world.nodes(CPU_NODE):
        progress = starts("early", size="One L4")
        progress.is_at("place", "No node of the cluster can hold this server.")
        (waiting,) = hub_world.pods_of("early")
        hub_world.tell(
            waiting, "TriggeredScaleUp", "pod triggered scale-up: [{gpus 0->1 (max: 4)}]"
        )
        said = "A new node is being added for your server, which usually takes 5 min."
        progress.is_at("place", said)
        assert troubles(progress.page) == []
        progress.page.reload()
        progress.is_at("place", said)
        with hub_world.nodes(L4_NODE):
            progress.leads_to("early")


def test_no_node_can_ever_hold_it(hub_world: World, starts: Starts) -> None:
    with hub_world.nodes(CPU_NODE, L4_NODE):
        progress = starts("never", size="One A100")
        said = "No node of the cluster can hold this server. Of 2 nodes, "
        progress.is_at("place", said)
        progress.has_failed("place", code="never-fits", words=said)
        # What the sentence advises comes first.
        first = progress.page.locator("#start")
        expect(first).to_have_text("Change choice")
        hub_world.has_nothing_left_of("never")


def test_nodes_that_are_kept_for_others(hub_world: World, starts: Starts) -> None:
    with hub_world.nodes(NodeKind(taint=("example.org/team", "vision", "NoSchedule"))):
        progress = starts("outsider")
        said = "All nodes of the cluster are kept for other work."
        progress.is_at("place", said)
        progress.has_failed("place", code="nodes-reserved", words=said)
        hub_world.has_nothing_left_of("outsider")


def test_a_quota_is_reached(hub_world: World, starts: Starts) -> None:
    limit = quota("gpus", {f"requests.{GPU}": "0"})
    with hub_world.nodes(L4_NODE):
        hub_world.run(hub_world.core.create_namespaced_resource_quota(hub_world.name, limit))
        try:
            progress = starts("limited", size="One L4")
            # What fails within a second is told on the form that was sent, else on its own page.
            alert = progress.page.get_by_role("alert")
            expect(alert).to_contain_text(
                "The cluster's limit for all users together is reached (NVIDIA L4: 1 asked for, "
                "0 of 0 in use)."
            )
            expect(alert.locator("small")).to_have_text("Code: quota-exceeded")
            progress.page.goto(f"{hub_world.hub.url}hub/spawn")
            progress.chose_again("Base", "One L4")
            hub_world.has_nothing_left_of("limited")
        finally:
            deleted = hub_world.core.delete_namespaced_resource_quota("gpus", hub_world.name)
            hub_world.run(deleted)


def test_a_volume_does_not_come(hub_world: World, starts: Starts) -> None:
    home = claim("claim-homeless", storage_class="nobody-makes-these")
    home["metadata"]["labels"] = {"sandlot/owner": "homeless"}
    with hub_world.nodes(CPU_NODE):
        created = hub_world.core.create_namespaced_persistent_volume_claim(hub_world.name, home)
        hub_world.run(created)
        progress = starts("homeless")
        said = "A volume for the server is being made."
        progress.is_at("place", said)
        progress.has_failed("place", code="volume-pending", words=said)
        hub_world.has_nothing_left_of("homeless")


# --- what does not come so far -----------------------------------------------------------


@pytest.mark.parametrize(
    ("fate", "code", "words"),
    [
        pytest.param(
            Fate.IMAGE,
            "image-missing",
            "The image “Missing image” does not exist.",
            id="image-missing",
        ),
        pytest.param(
            Fate.CONFIG,
            "container-config",
            "The node cannot make the server from its configuration.",
            id="config-error",
        ),
    ],
)
def test_a_fate_at_the_start(
    fate: Fate,
    code: str,
    words: str,
    hub_world: World,
    starts: Starts,
) -> None:
    with hub_world.nodes(CPU_NODE):
        progress = starts(f"at-{fate}", image=NAMES[fate])
        progress.has_failed("image", code=code, words=words)
        assert troubles(progress.page) == []
        progress.page.reload()
        progress.has_failed("image", code=code, words=words)
        hub_world.has_nothing_left_of(f"at-{fate}")

        failure = home(hub_world, progress.page).locator(".sandlot-failure")
        expect(failure).to_contain_text(words)
        expect(failure.locator("small")).to_have_text(f"Code: {code}")
        failure.get_by_role("link", name="Show what happened").click()
        progress.page.get_by_role("link", name="Change choice").click()
        progress.chose_again(NAMES[fate], "Small")


# --- what ends later ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fate", "code", "words"),
    [
        pytest.param(Fate.OOM, "out-of-memory", NO_MEMORY, id="out-of-memory"),
        pytest.param(Fate.EXIT, "exited", "Your server ended by itself (exit code 1).", id="exit"),
        pytest.param(
            Fate.CRASH, "exited", "Your server ended by itself (exit code 1).", id="crash-loop"
        ),
        pytest.param(Fate.EVICTED, "evicted", NODE_SHORT, id="evicted"),
    ],
)
def test_a_server_that_ended_says_why(
    fate: Fate,
    code: str,
    words: str,
    hub_world: World,
    starts: Starts,
) -> None:
    with hub_world.nodes(CPU_NODE):
        user = f"ran-{fate}"
        progress = starts(user, image=NAMES[fate], profile="Trouble later")
        progress.leads_to(user)
        page = progress.page
        row = home(hub_world, page)
        expect(row).to_have_attribute("data-state", "running")
        _ended(hub_world, page, user, code=code, words=words)
        hub_world.has_nothing_left_of(user)


def _ended(world: World, page: Page, user: str, *, code: str, words: str) -> None:
    """Expect home and server pages to say why, once the hub has looked."""
    world.until(
        lambda: home(world, page).get_attribute("data-state") == "stopped",
        what=f"the server of {user} is known to have ended",
    )
    failure = page.locator("[data-server=''] .sandlot-failure")
    expect(failure).to_contain_text(words)
    expect(failure).to_contain_text("Next: ")
    expect(failure.locator("small")).to_have_text(f"Code: {code}")
    assert troubles(page) == []
    page.goto(f"{world.hub.url}user/{user}/lab")
    expect(page.get_by_role("heading", name="Your server is not running")).to_be_visible()
    told = page.locator(".alert")
    expect(told).to_contain_text(words)
    expect(told.locator("small")).to_have_text(f"Code: {code}")
    page.get_by_role("link", name="Start server").click()
    expect(page.get_by_role("button", name="Start server")).to_be_visible()


def test_more_urgent_work_takes_the_place(hub_world: World, starts: Starts) -> None:
    urgent = f"urgent-{secrets.token_hex(3)}"
    kind: Any = {"metadata": {"name": urgent}, "value": 1000}
    with hub_world.nodes(L4_NODE):
        hub_world.run(hub_world.scheduling.create_priority_class(kind))
        try:
            progress = starts("mild", size="One L4")
            progress.leads_to("mild")
            page = progress.page
            tolerations = [{"key": GPU, "operator": "Exists"}]
            other = pod("urgent", gpus=1, priorityClassName=urgent, tolerations=tolerations)
            hub_world.run(hub_world.core.create_namespaced_pod(hub_world.name, other))
            said = "The cluster needed the place of your server for more urgent work."
            _ended(hub_world, page, "mild", code="preempted", words=said)
            hub_world.has_nothing_left_of("mild")
        finally:
            hub_world.run(hub_world.scheduling.delete_priority_class(urgent))


def test_its_node_falls_silent(hub_world: World, starts: Starts) -> None:
    # The cluster believes that a node is lost while most of them are there.
    with hub_world.nodes(CPU_NODE, CPU_NODE, CPU_NODE):
        progress = starts("lost")
        progress.leads_to("lost")
        page = progress.page
        (found,) = hub_world.pods_of("lost")
        hub_world.run(FakeNodes(hub_world.core).lose(found.spec.node_name))
        said = "The node of your server no longer answers."
        _ended(hub_world, page, "lost", code="node-lost", words=said)
        hub_world.has_nothing_left_of("lost")


def test_a_server_that_does_not_end(hub_world: World, starts: Starts) -> None:
    with hub_world.nodes(CPU_NODE):
        progress = starts("stuck", image="Later stuck", profile="Trouble later")
        progress.leads_to("stuck")
        page = progress.page
        row = home(hub_world, page)
        row.get_by_role("button", name="Stop server").click()
        page.get_by_role("dialog").get_by_role("button", name="Stop server").click()
        expect(page.get_by_text("Stopping Default server…")).to_be_visible()
        second = page.context.new_page()
        expect(home(hub_world, second)).to_contain_text("Stopping")
        expect(page.get_by_text("Default server is stopped.")).to_be_visible(timeout=30_000)

        # The cluster was told; who starts another one reads what that waits for.
        page.goto(f"{hub_world.hub.url}hub/spawn")
        page.get_by_role("button", name="Start server").focus()
        page.keyboard.press("Enter")
        said = "Your earlier server has not ended yet."
        progress.is_at("place", said)
        progress.has_failed("place", code="stop-stuck", words=said)
        assert troubles(page) == []
        hub_world.let_end("stuck")
        page.get_by_role("link", name="Try again").click()
        progress.leads_to("stuck")
        hub_world.let_end("stuck")
        home(hub_world, page).get_by_role("button", name="Stop server").click()
        page.get_by_role("dialog").get_by_role("button", name="Stop server").click()
        expect(page.get_by_text("Default server is stopped.")).to_be_visible()
        hub_world.has_nothing_left_of("stuck")


@pytest.mark.parametrize(
    ("fate", "code", "words"),
    [
        pytest.param(Fate.OOM, "out-of-memory", NO_MEMORY, id="out-of-memory"),
        pytest.param(
            Fate.CRASH,
            "crash-loop",
            "Your server ended by itself (exit code 1). It is started again.",
            id="crash-loop",
        ),
        pytest.param(Fate.EVICTED, "evicted", NODE_SHORT, id="evicted"),
    ],
)
def test_a_server_that_ends_before_it_answers(
    fate: Fate,
    code: str,
    words: str,
    hub_world: World,
    starts: Starts,
) -> None:
    user = f"mute-{fate}"
    hub_world.hub.keep_silent(user)
    with hub_world.nodes(CPU_NODE):
        progress = starts(user, image=NAMES[fate], profile="Trouble later")
        progress.is_at("answer", "The server runs")
        progress.has_failed("answer", code=code, words=words)
        hub_world.has_nothing_left_of(user)
