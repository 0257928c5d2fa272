"""`i.lab`: the main road, from the click on *Start* to a Lab that can be used.

The peer is plain JupyterHub with the same proxy, interpreter and image packages. Both
are started by the bench; the browser measures from the click on *Start* until the
launcher can be clicked.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from bench.harness import Measure, Mutation, Size, paired, progress, ratio_measure
from bench.plain_hub import plain_hub, stop_server
from support.people import Person
from support.stack import CONFIG, Launch, Stack, images_dir, open_folder, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

PAIRS = {Size.SMOKE: 3, Size.FULL: 20}
LAB_RATIO = 1.1
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SLOW_CONFIG = """
import time
def slow(spawner):
    time.sleep(1)
c.Spawner.pre_spawn_hook = slow
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two hubs, with somebody logged in."""

    person: Person
    url: str
    token: str
    form: bool
    """Whether a form stands between the person and the server."""

    def click_to_lab(self) -> float:
        """Start the server by click, wait for the Lab, stop it; return the seconds between."""
        page = self.person.page
        page.goto(f"{self.url}hub/spawn" if self.form else f"{self.url}hub/home")
        button = page.get_by_role("button", name="Start server" if self.form else "Start My Server")
        button.wait_for()
        began = time.monotonic()
        button.click()
        self.person.lab_is_ready()
        seconds = time.monotonic() - began
        page.goto("about:blank")
        stop_server(self.url, self.token, self.person.name)
        return seconds


def _peer_environment(folder: Path) -> Path:
    """Make an environment of the base image's packages, without Sandlot."""
    progress("making the peer's environment")
    lock = CONFIG.parents[1] / "images" / "base" / "requirements.lock"
    uv = Path(sys.executable).with_name("uv")
    environment = folder / "plain"
    for arguments in (
        ["venv", "--quiet", "--python", sys.executable, str(environment)],
        ["pip", "install", "--quiet", "--compile-bytecode", "--require-hashes", "--python",
         str(environment / "bin" / "python"), "-r", str(lock)],
    ):  # fmt: skip
        subprocess.run([str(uv), *arguments], check=True, timeout=900)
    return environment


@contextmanager
def _browser() -> Iterator[Browser]:
    arguments = [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=arguments
        )
        yield browser
        browser.close()


def _page(browser: Browser, name: str, password: str) -> Person:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(120_000)
    return Person(context.new_page(), name, password)


def _our_side(browser: Browser, stack: Stack) -> Side:
    stack.wait_image("base")
    stack.wait_image("scipy")  # so that nothing is built while we measure
    person = _page(browser, "ann", stack.add_user("ann"))
    person.log_in(stack.url)
    person.choose("Image", "JupyterLab")  # one profile only: no further words
    operator = json.loads((stack.data_dir / "run" / "operator.json").read_text())
    side = Side(person=person, url=stack.url, token=operator["token"], form=True)
    # The first start stores the choice; from then on the form preselects it.
    person.start()
    person.page.goto("about:blank")
    stop_server(side.url, side.token, "ann")
    return side


def _slow_config(folder: Path) -> Path:
    config = folder / "jupyterhub_config.py"
    settings = CONFIG.with_name("settings.yaml")
    text = CONFIG.read_text().replace('"settings.yaml"', repr(str(settings)))
    config.write_text(text + SLOW_CONFIG)
    return config


def _lab(size: Size, mutation: Mutation) -> Iterator[Measure]:
    with ExitStack() as cleanup:
        folder = cleanup.enter_context(open_folder())
        config = _slow_config(folder) if mutation is Mutation.SLOW_START else CONFIG
        browser = cleanup.enter_context(_browser())
        environment = _peer_environment(images_dir().parent / folder.name)
        stack = cleanup.enter_context(running(Launch(config=config)))
        plain = cleanup.enter_context(plain_hub(folder / "hub", environment))
        mine = _our_side(browser, stack)
        somebody = _page(browser, "bob", "any")
        somebody.log_in(
            f"{plain.url}hub/login?next=%2Fhub%2Fhome"
        )  # else the hub starts it at once
        theirs = Side(person=somebody, url=plain.url, token=plain.token, form=False)
        sides: tuple[Callable[[], float], Callable[[], float]] = (
            mine.click_to_lab,
            theirs.click_to_lab,
        )
        theirs.click_to_lab()  # both are warm before the first pair counts
        ours, peer = paired(*sides, pairs=PAIRS[size], label="i.lab")
    yield ratio_measure(
        id="i.lab",
        what="*Start* clicked until the Lab can be used",
        ours=ours,
        peer=peer,
        peer_version=f"jupyterhub {version('jupyterhub')}, SimpleLocalProcessSpawner",
        at_most=LAB_RATIO,
        decides=size is Size.FULL,
    )


def run(size: Size, mutation: Mutation) -> Iterator[Measure]:
    """Measure the way from the click to the Lab."""
    yield from _lab(size, mutation)
