"""The home page: what runs, with what, since when, and everything one can do about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from support.hub_user import HubUser
from support.looks import troubles
from support.people import Person

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from support.stack import Stack

pytestmark = pytest.mark.timeout(600)

CHOICE = "Everyday work · JupyterLab · Small"
OPTIONS = {"profile": "everyday", "image": "base", "size": "small"}


@pytest.fixture
def at_home(stack: Stack, new_person: Callable[..., Page]) -> Callable[..., Person]:
    """Return a function that logs somebody in, with the home page open."""
    stack.wait_image("base")

    def opened(name: str, *, running: bool = False, **options: object) -> Person:
        person = Person(new_person(**options), name, stack.password(name))
        if running:
            user = HubUser(stack.url, name)
            user.log_in(person.password)
            user.start(OPTIONS)
        person.log_in(stack.url)
        person.page.goto(f"{stack.url}hub/home")
        return person

    return opened


def row(page: Page, name: str = "") -> Locator:
    return page.locator(f"[data-server='{name}']")


def test_the_first_visit_has_one_thing_to_do(at_home: Callable[..., Person]) -> None:
    page = at_home("una").page
    expect(row(page)).to_contain_text("Not running · never started")
    expect(row(page).get_by_role("link")).to_have_count(1)
    expect(page.get_by_role("link", name="Availability")).to_be_visible()
    expect(page.get_by_role("link", name="Catalogue")).to_have_count(0)
    assert troubles(page) == []
    row(page).get_by_role("link", name="Start server").click()
    page.wait_for_url("**/hub/spawn/una")


def test_stopping_names_what_is_lost_and_the_safe_answer_has_the_focus(
    stack: Stack, at_home: Callable[..., Person]
) -> None:
    person = at_home("vera", running=True)
    page = person.page
    expect(row(page)).to_contain_text(re.compile(r"Running · started \d+ (s|min) ago"))
    expect(row(page)).to_contain_text(CHOICE)
    expect(row(page).locator("time")).to_have_attribute("title", re.compile("20"))
    person.picture("home.png")
    stop = row(page).get_by_role("button", name="Stop server")

    stop.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Stop Default server?")
    expect(dialog).to_contain_text("Files that are saved stay.")
    expect(dialog.get_by_role("button", name="Keep it running")).to_be_focused()
    assert troubles(page, "dialog") == []
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(stop).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(row(page)).to_have_attribute("data-state", "running")

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_have_text("Default server is stopped.")
    expect(row(page)).to_contain_text("Not running")
    expect(row(page)).to_contain_text(f"Last: {CHOICE}")
    start = row(page).get_by_role("link", name="Start server")
    expect(start).to_be_focused()
    page.keyboard.press("Enter")
    person.lab_is_ready()
    page.goto(f"{stack.url}hub/home")
    row(page).get_by_role("link", name="Open").click()
    person.lab_is_ready()


def test_named_servers_come_and_go(stack: Stack, at_home: Callable[..., Person]) -> None:
    person = at_home("wim")
    page = person.page
    name = page.get_by_label("Name of the new server")
    name.fill("GPU & more")
    expect(page.get_by_text("In addresses it is called “gpu-more”.")).to_be_visible()
    name.press("Enter")
    page.wait_for_url("**/hub/spawn/wim/gpu-more?**")
    page.get_by_role("button", name="Start server").click()
    person.lab_is_ready()

    page.goto(f"{stack.url}hub/home")
    named = row(page, "gpu-more")
    expect(named.get_by_role("heading")).to_have_text("GPU & more")
    expect(named).to_have_attribute("data-state", "running")
    expect(row(page)).to_have_attribute("data-state", "stopped")
    name.fill("gpu more")
    name.press("Enter")
    expect(page.get_by_text("You have a server “gpu-more” already.")).to_be_visible()
    assert troubles(page) == []

    named.get_by_role("button", name="Stop server").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop server").click()
    named.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete GPU & more?")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    dialog.get_by_role("button", name="Delete server").click()
    expect(page.get_by_role("status").first).to_have_text("GPU & more is deleted.")
    expect(named).to_have_count(0)


def test_without_javascript_servers_are_shown_started_and_opened(
    stack: Stack, at_home: Callable[..., Person]
) -> None:
    page = at_home("xena", running=True, java_script_enabled=False).page
    expect(row(page)).to_contain_text(
        re.compile(r"Running · started 20\d\d-\d\d-\d\d \d\d:\d\d UTC")
    )
    expect(page.get_by_role("button", name="Stop server")).to_be_hidden()
    row(page).get_by_role("link", name="Open").click()
    assert page.url.startswith(f"{stack.url}user/xena/")
