"""Chromium for the lanes that have one: a context for each person, and pictures of what they saw."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from support.people import RESULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


@contextmanager
def launched(chromium: str) -> Iterator[Browser]:
    """Give a browser while the context lasts."""
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
