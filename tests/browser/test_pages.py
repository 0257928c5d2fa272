"""The pages of the road, for anyone: keyboard, narrow screens, no JavaScript, screen readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from support.people import Person

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from support.stack import Stack

pytestmark = pytest.mark.timeout(600)

SERIOUS = {"serious", "critical"}


def serious(page: Page, within: str) -> list[str]:
    """Return what axe-core finds serious or worse in a part of the page."""
    found = Axe().run(page, context=within).response["violations"]
    return [
        f"{each['id']}: {node['html']}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


@pytest.fixture
def carol(stack: Stack, new_person: Callable[..., Page]) -> Callable[..., Person]:
    """Return a function that gives Carol, or another researcher, a fresh browser, logged in."""
    stack.wait_image("base")

    def logged_in(name: str = "carol", **options: object) -> Person:
        password = stack.password(name, "--group", "research")
        person = Person(new_person(**options), name, password)
        person.log_in(stack.url)
        return person

    return logged_in


@pytest.mark.parametrize("width", [1280, 320], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_spawn_form_is_for_anyone(
    carol: Callable[..., Person], width: int, scheme: str
) -> None:
    person = carol(viewport={"width": width, "height": 900}, color_scheme=scheme)
    person.picture(f"form-{scheme}-{width}.png")

    assert serious(person.page, "#spawn_form") == []
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert person.page.evaluate(overflow) <= 0


def test_a_choice_by_keys_only(carol: Callable[..., Person]) -> None:
    page = carol().page
    page.get_by_role("radio", name="Everyday work", exact=True).focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="Research", exact=True)).to_be_checked()
    expect(page.get_by_role("group", name="Image for Research")).to_be_visible()
    expect(page.get_by_role("group", name="Image for Everyday work")).to_be_hidden()


def test_a_size_that_is_off_says_why(carol: Callable[..., Person]) -> None:
    page = carol().page
    page.get_by_role("radio", name="Everyday work", exact=True).focus()
    page.keyboard.press("ArrowDown")
    size = page.get_by_role("group", name="Size for Research")
    expect(size.get_by_role("radio", name="One GPU", exact=True)).to_be_disabled()
    expect(size).to_contain_text("not available")


def test_a_link_to_a_choice_that_is_not_there_says_so(
    stack: Stack, carol: Callable[..., Person]
) -> None:
    page = carol().page
    page.goto(f"{stack.url}hub/spawn?opt-profile=<b>none</b>")
    expect(page.get_by_role("alert").first).to_contain_text("There is no profile")
    expect(page.get_by_role("button", name="Start server")).to_be_visible()
    assert page.locator("b", has_text="none").count() == 0


def test_notebook_7_has_the_session_details_too(stack: Stack, carol: Callable[..., Person]) -> None:
    person = carol("nora")
    page = person.page
    person.choose("Image for Everyday work", "JupyterLab")
    person.start()
    page.goto(f"{stack.url}user/nora/tree")
    expect(page.locator(".jp-DirListing")).to_be_visible()
    page.keyboard.press("Control+Shift+C")
    page.keyboard.type("session details")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Everyday work")
    person.picture("notebook-details.png")


def test_the_form_works_without_javascript_and_the_popup_with_keys(
    stack: Stack, carol: Callable[..., Person]
) -> None:
    plain = carol("dave", java_script_enabled=False)
    plain.choose("Image for Everyday work", "JupyterLab")
    plain.page.get_by_role("button", name="Start server").click()
    plain.page.wait_for_url("**/spawn-pending/**")

    person = carol("dave")
    page = person.page
    page.goto(f"{stack.url}user/dave/lab")
    person.lab_is_ready()
    item = page.locator(".jp-sandlot-StatusButton")
    expect(item).to_be_visible()
    item.focus()
    page.keyboard.press("Enter")
    popup = page.locator(".jp-sandlot-Popup")
    expect(popup).to_be_visible()
    expect(popup).to_contain_text("JupyterLab")
    # Of a machine without one; what has free ones is in the unit tests.
    expect(popup.get_by_text("GPU: ")).to_have_text("GPU: there is no NVIDIA GPU here now")
    person.picture("lab-popup.png")
    assert serious(page, ".jp-sandlot-Popup") == []
    page.keyboard.press("Escape")
    expect(popup).to_be_hidden()
    expect(item).to_be_focused()
