"""A browser, one person each context, and pictures of what people saw."""

from __future__ import annotations

import os
import re
import shutil
from functools import cache
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from support.people import RESULTS, Person
from support.spawn_page import PEOPLE, SpawnPage, write_settings
from support.stack import Launch, open_folder, running, stack, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.stack import Stack

__all__ = ["stack", "start"]

TIMEOUT_MS = 60_000
EXPECT_MS = 30_000
"""How long what a test expects may take to appear, on a machine that does other things too."""
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of the machine's Chromium; without one the lane cannot run."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("no Chromium on this machine; install the package `chromium`")
    return path


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for the run; each person gets a context of their own."""
    # Chromium's sandbox refuses to work for root.
    arguments = [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    expect.set_options(timeout=EXPECT_MS)
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield instance
        instance.close()


@pytest.fixture
def new_person(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Return a factory of pages, each with its own cookies; pictures are kept at the end."""
    contexts: list[BrowserContext] = []

    def factory(**options: object) -> Page:
        settings = {"viewport": {"width": 1280, "height": 900}, **options}
        context = browser.new_context(**settings)  # type: ignore[arg-type]
        context.set_default_timeout(TIMEOUT_MS)
        contexts.append(context)
        return context.new_page()

    yield factory
    RESULTS.mkdir(exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", request.node.name)
    for number, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=RESULTS / f"{name}-{number}-end.png")
        context.close()


@pytest.fixture(scope="session")
def choosing() -> Iterator[Stack]:
    """A stack with the settings of `support.spawn_page`, below a base URL."""
    with open_folder() as folder:
        settings = write_settings(folder)
        launch = Launch(config=None, settings=settings, arguments=("--base-url", "/x/"))
        with running(launch) as started:
            started.wait_image("base")
            started.wait_image("other")
            yield started


@pytest.fixture(scope="session")
def password_of(choosing: Stack) -> Callable[[str, str], str]:
    """Return a function that knows the passwords of people, and makes those who are new."""
    return cache(lambda name, group: choosing.password(name, "--group", group))


@pytest.fixture
def chooser(
    choosing: Stack, password_of: Callable[[str, str], str], new_person: Callable[..., Page]
) -> Callable[..., SpawnPage]:
    """Return a function that gives somebody a browser, logged in, with the spawn page open.

    A name stays in the group that it is first used with.
    """

    def opened(name: str, group: str = PEOPLE, **options: object) -> SpawnPage:
        person = Person(new_person(**options), name, password_of(name, group))
        person.log_in(choosing.url)
        return SpawnPage(person).open(choosing.url)

    return opened
