"""`a.form.bytes`, `a.form.usable`: the spawn page in a browser that has never seen it.

The peer is jupyterhub-fancy-profiles as published, in a hub with the published KubeSpawner.
Both hubs run the same JupyterHub, without a proxy, and offer the same choices. A page is
usable when its choices are shown, its scripts have run, and the browser's main thread is
free: the latest of the three.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from bench.choices import CHOICES, GROUP, PROFILES, large_settings
from bench.harness import Measure, Mutation, Size, paired, ratio_measure
from bench.hub_process import HubOptions, hub_process
from support.kubespawner_hub import kubespawner_hub
from support.people import Person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, StorageState

PAIRS = {Size.SMOKE: 3, Size.FULL: 20}
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HEAVY_BYTES = 4_000_000
CALM_MS = 500
"""A main thread that has been free for so long counts as free."""
WATCH = """
window.benchMarks = { shown: 0, busyUntil: 0 };
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) {
    benchMarks.busyUntil = Math.max(benchMarks.busyUntil, task.startTime + task.duration);
  }
}).observe({ type: "longtask", buffered: true });
(function look() {
  const choice = document.querySelector(%r);
  if (choice && choice.getClientRects().length) {
    benchMarks.shown = performance.now();
  } else {
    requestAnimationFrame(look);
  }
})();
"""
USABLE = """
async (calm) => {
  const ran = performance.getEntriesByType("navigation")[0];
  const marks = window.benchMarks;
  const latest = () => Math.max(marks.shown, ran.domContentLoadedEventEnd, marks.busyUntil);
  while (!marks.shown || !ran.domContentLoadedEventEnd || performance.now() < latest() + calm) {
    await new Promise((done) => requestAnimationFrame(done));
  }
  return latest();
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One first view of a page."""

    usable_ms: float
    """Since the navigation began."""
    bytes: int
    """Over the wire, headers included, of everything that was loaded until then."""
    requests: int


class Visitor:
    """Opens one of the two pages as somebody who is logged in and has an empty cache."""

    def __init__(
        self, browser: Browser, url: str, *, choice: str, mutation: Mutation = Mutation.NONE
    ) -> None:
        self._browser = browser
        self._url = f"{url}hub/spawn"
        self._choice = choice
        self._delay_ms = 1000.0 if mutation is Mutation.SLOW_START else 0.0
        self._extra_bytes = HEAVY_BYTES if mutation is Mutation.HEAVY_PAGE else 0
        self.visits: list[Visit] = []
        self._login = self._logged_in(url)

    def usable_seconds(self) -> float:
        """View the page; return the seconds until it could be used."""
        context = self._browser.new_context(
            viewport={"width": 1280, "height": 900}, storage_state=self._login
        )
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.add_init_script(WATCH % self._choice)
        loaded: dict[str, int] = {}
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        session.on("Network.loadingFinished", lambda event: _note(loaded, event))
        page.goto(self._url, wait_until="load")
        milliseconds = float(page.evaluate(USABLE, CALM_MS)) + self._delay_ms
        context.close()
        self.visits.append(
            Visit(
                usable_ms=milliseconds,
                bytes=sum(loaded.values()) + self._extra_bytes,
                requests=len(loaded),
            )
        )
        return milliseconds / 1000

    def _logged_in(self, url: str) -> StorageState:
        context = self._browser.new_context()
        Person(context.new_page(), "ann", "ann").log_in(url)
        state = context.storage_state()
        context.close()
        return state


def _note(loaded: dict[str, int], event: dict[str, Any]) -> None:
    loaded[event["requestId"]] = int(event["encodedDataLength"])


@contextmanager
def _browser() -> Iterator[Browser]:
    arguments = [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=arguments
        )
        yield browser
        browser.close()


def run(size: Size, mutation: Mutation) -> Iterator[Measure]:
    """View both pages in turn, each with a cold cache."""
    settings = large_settings()
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
        options = HubOptions(
            settings=settings,
            socket=folder / "supervisor.sock",
            users={"ann": [GROUP]},
            own_supervisor=True,
        )
        mine = cleanup.enter_context(hub_process(options))
        members = {GROUP: ["ann"]}
        theirs = cleanup.enter_context(
            kubespawner_hub(folder, settings, plain=True, groups=members)
        )
        browser = cleanup.enter_context(_browser())
        ours = Visitor(browser, mine.url, choice="input[name=profile]", mutation=mutation)
        peer = Visitor(browser, theirs, choice=".profile-select input[type=radio]")
        figures = paired(
            ours.usable_seconds, peer.usable_seconds, pairs=PAIRS[size], label="a.form.usable"
        )
    what = f"{PROFILES} profiles x {CHOICES} x {CHOICES}, empty cache"
    fancy = f"jupyterhub-fancy-profiles {version('jupyterhub-fancy-profiles')}"
    yield ratio_measure(
        id="a.form.usable",
        what=f"the spawn page opened until it can be used, {what}",
        ours=figures[0],
        peer=figures[1],
        peer_version=fancy,
        at_most=1.0,
        decides=size is Size.FULL,
    )
    weights = [max(visit.bytes for visit in each.visits) for each in (ours, peer)]
    yield Measure(
        id="a.form.bytes",
        what=f"bytes over the wire until then, all that the page loads, {what}",
        ours=weights[0],
        peer=weights[1],
        peer_version=fancy,
        ratio=weights[0] / weights[1],
        target="<= 1x the peer",
        ok=weights[0] <= weights[1],
        unit="bytes",
        pairs=PAIRS[size],
        load=os.getloadavg()[0],
    )
