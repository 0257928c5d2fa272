"""Dask clusters from the sidebar of JupyterLab: from one click to a result, and to the end."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from support.dask_user import COMPUTE, SQUARES, dask_processes, said
from support.looks import SERIOUS
from support.people import Person
from support.processes import environment, find_below, server_of
from support.stack import Launch, open_folder, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Locator, Page

    from support.stack import Stack

pytestmark = [pytest.mark.timeout(900), pytest.mark.root]

SETTINGS = """\
version: 1
images:
  base: {display_name: JupyterLab, local: base}
sizes:
  small: {display_name: Small, cpus: 1, memory: 2 GiB}
  tiny: {display_name: Tiny, cpus: 1, memory: 1 GiB}
profiles:
  everyday: {display_name: Everyday work, images: [base], sizes: [small, tiny]}
dask:
  enabled: true
  sizes: [tiny]
  limits: {clusters: 2, workers: 3}
"""
START_MS = 90_000
"""How long processes of Dask may take to start, on a machine that does other things too."""
SAID_MS = 20_000
"""How soon really is measured: `e.trouble` in docs/benches.md."""
SHOWS_TASKS = """\
() => window.Bokeh?.documents.some(
    each => [...each._all_models.values()].some(
        model => model.type === 'ColumnDataSource' && model.data.duration?.length > 0))
"""


@pytest.fixture(scope="module")
def dask_stack() -> Iterator[Stack]:
    with open_folder() as folder:
        settings = folder / "settings.yaml"
        settings.write_text(SETTINGS)
        settings.chmod(0o644)
        with running(Launch(config=None, settings=settings), data_dir=folder / "data") as started:
            started.wait_image("base")
            yield started


class Clusters:
    """The panel, as a person uses it."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.page = person.page
        self.panel = person.page.locator("#sandlot-clusters")

    def open(self) -> Clusters:
        """Click its tab in the sidebar, unless it is open."""
        if not self.panel.is_visible():
            self.page.locator(".lm-TabBar-tab[data-id='sandlot-clusters']").click()
        expect(self.panel).to_be_visible()
        expect(self.panel).to_have_accessible_name("Dask clusters")
        return self

    @property
    def cards(self) -> Locator:
        """All clusters."""
        return self.panel.get_by_role("list", name="Your clusters").locator("> li")

    def press(self, name: str) -> None:
        """Press a button."""
        self.panel.get_by_role("button", name=name, exact=True).click()

    def has_workers(self, running: int) -> None:
        """Wait until it says so."""
        words = f"{running} of {running} worker"
        expect(self.cards).to_contain_text(words, timeout=START_MS)


def one_click_to_a_cluster(clusters: Clusters) -> str:
    """Return the name of the cluster."""
    expect(clusters.panel).to_contain_text("You have no clusters.")
    clusters.press("+ New cluster")
    expect(clusters.cards).to_have_count(1)
    expect(clusters.cards).to_contain_text("● Running", timeout=START_MS)
    clusters.has_workers(2)
    expect(clusters.cards).to_contain_text("JupyterLab · each worker: Tiny · 1 core · 1 GiB")
    return clusters.cards.locator("h3").get_attribute("title") or ""


def the_palette_offers(page: Page, *commands: str) -> None:
    """Found by keyboard alone."""
    page.keyboard.press("Control+Shift+C")
    search = page.locator(".lm-CommandPalette-input:visible")
    search.fill("dask cluster")
    for command in commands:
        expect(page.locator(f".lm-CommandPalette-item[data-command='{command}']")).to_be_visible()
    page.keyboard.press("Escape")
    expect(search).to_have_count(0)


def lab_lists_it_as_running(clusters: Clusters, name: str) -> None:
    """It is among the kernels and terminals too."""
    clusters.page.locator(".lm-TabBar-tab[data-id='jp-running-sessions']").click()
    expect(clusters.page.locator("#jp-running-sessions")).to_contain_text(name[:8])
    clusters.open()


def code_goes_into_the_notebook(clusters: Clusters, name: str) -> None:
    """Insert it by the button and by a drag; run it once, by keyboard."""
    page = clusters.page
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    before = cells.count()
    clusters.press("Insert code")
    expect(cells).to_have_count(before + 1)
    code = cells.nth(before)
    expect(code).to_contain_text(f'connect("{name}")')
    # The focus has gone along: the next key is one for the notebook.
    page.keyboard.press("Shift+Enter")
    prompt = code.locator(".jp-InputPrompt")
    expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=START_MS)
    expect(code.locator(".jp-OutputArea-output")).to_have_count(0)

    count = cells.count()
    clusters.panel.get_by_role("button", name="Insert code").hover()
    page.mouse.down()
    cells.first.hover()
    page.mouse.up()
    expect(cells).to_have_count(count + 1)


def a_plot_shows_tasks(clusters: Clusters, compute: Callable[[], object]) -> None:
    """Open a plot, compute something, and wait until the plot has it."""
    clusters.press("Tasks")
    frame = clusters.page.frame_locator("iframe[title='Tasks']")
    expect(frame.locator("canvas").first).to_be_visible()
    compute()
    handle = clusters.page.locator("iframe[title='Tasks']").element_handle()
    content = handle.content_frame()
    assert content is not None
    content.wait_for_function(SHOWS_TASKS)
    assert "token" not in content.url


def it_scales(clusters: Clusters) -> None:
    """By slider, then as many as there is work for, then a number that was typed."""
    slider = clusters.panel.get_by_role("slider", name="Workers, by slider")
    slider.focus()
    slider.press("ArrowRight")
    clusters.has_workers(3)
    adapts = clusters.panel.get_by_role("checkbox", name="adapt to the work")
    adapts.click()
    most = clusters.panel.get_by_role("spinbutton", name="Most workers")
    expect(most).to_have_value("3")
    # Nothing is computed: adaptive scaling lets all of them go.
    clusters.has_workers(0)
    adapts.click()
    number = clusters.panel.get_by_role("spinbutton", name="Number of workers")
    number.fill("1")
    number.press("Enter")
    clusters.has_workers(1)


def it_says_that_the_gateway_is_away(clusters: Clusters, stack: Stack) -> None:
    """And nothing is lost when it is back."""
    os.kill(find_below(stack.process.pid, "sandlot_hub.services.dask_gateway"), signal.SIGKILL)
    expect(clusters.panel).to_contain_text("reconnecting…", timeout=SAID_MS)
    expect(clusters.cards).to_have_count(1)
    expect(clusters.panel).not_to_contain_text("reconnecting…")
    expect(clusters.cards).to_contain_text("● Running")


def it_says_that_the_gateway_hangs(clusters: Clusters, stack: Stack) -> None:
    """As when it is away: a connection that stays open and tells nothing is no comfort."""
    gateway = find_below(stack.process.pid, "sandlot_hub.services.dask_gateway")
    os.kill(gateway, signal.SIGSTOP)
    try:
        expect(clusters.panel).to_contain_text("reconnecting…", timeout=SAID_MS)
        expect(clusters.cards).to_have_count(1)
    finally:
        os.kill(gateway, signal.SIGCONT)
    expect(clusters.panel).not_to_contain_text("reconnecting…", timeout=START_MS)
    expect(clusters.cards).to_contain_text("● Running")


def it_says_that_nothing_can_be_kept(clusters: Clusters, stack: Stack) -> None:
    """Before anybody orders something in vain: somebody else has locked the database."""
    database = stack.data_dir / "services" / "dask-gateway" / "clusters.sqlite"
    with closing(sqlite3.connect(database, isolation_level=None)) as locker:
        locker.execute("BEGIN EXCLUSIVE")
        expect(clusters.panel).to_contain_text("cannot be written now", timeout=SAID_MS)
        expect(clusters.panel).to_contain_text("reconnecting…")
        expect(clusters.cards).to_have_count(1)
        locker.execute("ROLLBACK")
    expect(clusters.panel).not_to_contain_text("reconnecting…", timeout=START_MS)
    expect(clusters.cards).to_contain_text("● Running")


def an_end_without_loss_can_be_undone(clusters: Clusters) -> None:
    """Without workers nothing is lost: nobody is asked, and it can be undone."""
    number = clusters.panel.get_by_role("spinbutton", name="Number of workers")
    number.fill("0")
    number.press("Enter")
    clusters.has_workers(0)
    clusters.press("Stop cluster")
    expect(clusters.cards).to_contain_text("It ends in a moment.")
    undo = clusters.panel.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    clusters.page.keyboard.press("Enter")
    expect(clusters.cards).not_to_contain_text("It ends in a moment.")
    number.fill("1")
    number.press("Enter")
    clusters.has_workers(1)


def the_server_is_another_one(person: Person, url: str) -> None:
    """Stop the server at the home page, and start it again."""
    page = person.page
    page.goto(f"{url}hub/home")
    row = page.locator("[data-server='']")
    row.get_by_role("button", name="Stop server").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop server").click()
    row.get_by_role("link", name="Start server").click()
    page.wait_for_url(re.compile(rf"/user/{person.name}/lab"), timeout=START_MS)
    # The notebook would come back and ask for a kernel, before anything else can be clicked.
    page.goto(f"{url}user/{person.name}/lab?reset")
    person.lab_is_ready()


def it_stops(clusters: Clusters) -> None:
    """The safe answer has the focus; the other one ends it."""
    page = clusters.page
    clusters.press("Stop cluster")
    dialog = page.get_by_role("dialog").filter(has_text="Its 1 worker ends")
    expect(dialog.get_by_role("button", name="Keep cluster")).to_be_focused()
    page.keyboard.press("Enter")
    expect(clusters.cards).to_contain_text("● Running")
    clusters.press("Stop cluster")
    dialog.get_by_role("button", name="Stop cluster").click()
    expect(clusters.cards).to_have_count(0, timeout=START_MS)
    expect(clusters.panel).to_contain_text("You have no clusters.")


def its_scheduler_is_lost(clusters: Clusters, stack: Stack) -> None:
    """Why is told at once."""
    clusters.press("+ New cluster")
    expect(clusters.cards).to_contain_text("● Running", timeout=START_MS)
    name = clusters.cards.locator("h3").get_attribute("title") or ""
    (scheduler,) = dask_processes(stack.process.pid, name, "scheduler")
    os.kill(scheduler.pid, signal.SIGKILL)
    expect(clusters.cards).to_contain_text("signal SIGKILL", timeout=SAID_MS)
    expect(clusters.cards).to_contain_text("✕ Failed", timeout=START_MS)


def another_one_is_stopped_elsewhere(clusters: Clusters, stack: Stack, person: Person) -> None:
    """After the one that failed; the panel hears of it."""
    clusters.press("+ New cluster")
    running = clusters.cards.filter(has_text="● Running")
    expect(running).to_have_count(1, timeout=START_MS)
    name = running.locator("h3").get_attribute("title")
    server = server_of(stack.process.pid, person.name)
    token = environment(server.pid)["JUPYTERHUB_API_TOKEN"]
    reply = requests.delete(
        f"{stack.url}services/dask-gateway/api/v1/clusters/{name}",
        headers={"Authorization": f"token {token}"},
        timeout=60,
    )
    assert reply.status_code == 204
    expect(running).to_have_count(0, timeout=SAID_MS)
    expect(clusters.cards).to_have_count(1, timeout=START_MS)
    expect(clusters.cards).to_contain_text("✕ Failed")


def troubles(page: Page) -> list[str]:
    """Return what axe-core finds serious or worse in the panel."""
    found = Axe().run(page, context="#sandlot-clusters").response["violations"]
    return [
        f"{each['id']}: {node['html']}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


def test_one_click_to_a_cluster_and_to_its_result(
    dask_stack: Stack, new_person: Callable[..., Page]
) -> None:
    """Cluster, code, result, plot, scaling, a gateway that dies, another server, three ends."""
    person = Person(new_person(), "ann", dask_stack.add_user("ann"))
    person.log_in(dask_stack.url)
    person.start()
    card = person.page.locator(".jp-LauncherCard", has_text="New Dask Cluster")
    expect(card).to_be_visible()
    person.open_notebook()
    the_palette_offers(person.page, "sandlot:new-cluster", "sandlot:show-clusters")
    clusters = Clusters(person).open()
    name = one_click_to_a_cluster(clusters)
    lab_lists_it_as_running(clusters, name)
    code_goes_into_the_notebook(clusters, name)

    result = said(person.run_cell(COMPUTE))
    assert result["sum"] == SQUARES
    assert len(result["pids"]) >= 2
    assert troubles(clusters.page) == []
    a_plot_shows_tasks(clusters, lambda: person.run_cell(COMPUTE))
    person.picture("clusters.png")

    # What a notebook still holds in the cluster would keep a worker.
    person.run_cell("del futures; print('gone')")
    it_scales(clusters)
    an_end_without_loss_can_be_undone(clusters)
    it_says_that_the_gateway_is_away(clusters, dask_stack)
    it_says_that_the_gateway_hangs(clusters, dask_stack)
    it_says_that_nothing_can_be_kept(clusters, dask_stack)
    the_server_is_another_one(person, dask_stack.url)
    again = Clusters(person).open()
    expect(again.cards.locator("h3")).to_have_attribute("title", name)
    it_stops(again)
    its_scheduler_is_lost(again, dask_stack)
    another_one_is_stopped_elsewhere(again, dask_stack, person)
