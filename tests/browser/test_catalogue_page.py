"""The catalogue for administrators: the spawn page as somebody else meets it, with reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from support.looks import troubles
from support.people import Person

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from support.stack import Stack

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def page(stack: Stack, new_person: Callable[..., Page]) -> Page:
    """The catalogue as the administrator opens it, by the link that is on every page."""
    stack.wait_image("base")
    stack.password("yara", "--group", "course")
    person = Person(new_person(), "admin", stack.admin_password)
    person.log_in(stack.url)
    person.page.get_by_role("link", name="Catalogue").click()
    expect(person.page.get_by_role("heading", name="Catalogue")).to_be_visible()
    return person.page


def profile(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def test_nobody_is_chosen_at_first(page: Page) -> None:
    expect(page.get_by_text("Nobody is chosen yet.")).to_be_visible()
    assert troubles(page) == []


def test_as_a_user_with_the_reason_of_what_is_hidden_or_off(page: Page) -> None:
    page.get_by_label("View as a user").fill("yara")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="As yara")).to_be_visible()
    expect(page.get_by_text("Groups: course")).to_be_visible()
    expect(profile(page, "Everyday work")).to_contain_text("✓ Shown")
    research = profile(page, "Research")
    expect(research).to_contain_text("Hidden")
    expect(research).to_contain_text("For members of research.")
    expect(research).to_contain_text("Code: hidden")
    assert troubles(page) == []
    page.screenshot(path="test-results/catalogue.png", full_page=True)


def test_as_a_member_of_a_group(page: Page) -> None:
    page.get_by_role("checkbox", name="research").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="View as these groups").press("Enter")
    expect(page.get_by_role("heading", name="As a member of research")).to_be_visible()
    expect(page.get_by_role("checkbox", name="research")).to_be_checked()
    gpu = profile(page, "Research").get_by_role("row", name="One GPU")
    expect(gpu).to_contain_text("Shown, off")
    expect(gpu).to_contain_text("Code: size-unavailable")
    expect(profile(page, "Course")).to_contain_text("Hidden")


def test_somebody_who_is_not_there(page: Page) -> None:
    page.get_by_label("View as a user").fill("<b>nobody</b>")
    page.get_by_role("button", name="View as this user").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no user “<b>nobody</b>”.")
    expect(page.get_by_label("View as a user")).to_have_value("<b>nobody</b>")


def test_it_is_for_administrators_only(stack: Stack, new_person: Callable[..., Page]) -> None:
    person = Person(new_person(), "yara", stack.password("yara", "--group", "course"))
    person.log_in(stack.url)
    expect(person.page.get_by_role("link", name="Catalogue")).to_have_count(0)
    reply = person.page.goto(f"{stack.url}hub/sandlot/catalogue?user=admin")
    assert reply is not None
    assert reply.status == 403
