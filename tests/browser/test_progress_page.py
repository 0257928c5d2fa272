"""The progress page: the truth in every window, a way out in every phase, and what comes after."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from support.gated_home import EXIT_CODE, LOG_LINE, GatedHome
from support.hub_user import HubUser
from support.looks import troubles
from support.people import Person
from support.processes import below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Locator, Page

    from support.stack import Stack

pytestmark = pytest.mark.timeout(600)

CANCELLED = "Cancelled. Nothing is running."
CHOICE = "Everyday work · JupyterLab · Medium"
NOTE_WHAT_IS_SAID = """
new MutationObserver(() => {
  const said = document.getElementById("sandlot-connection")?.textContent;
  if (said) sessionStorage.setItem("said", (sessionStorage.getItem("said") ?? "") + said);
}).observe(document, { childList: true, subtree: true, characterData: true });
"""


@pytest.fixture
def home_of(stack: Stack) -> Iterator[Callable[[str], GatedHome]]:
    """Return a function that makes a home which decides how far servers come."""
    with contextlib.ExitStack() as homes:
        yield lambda name: homes.enter_context(contextlib.closing(GatedHome(stack, name)))


@pytest.fixture
def opened(stack: Stack, new_person: Callable[..., Page]) -> Callable[..., Person]:
    """Return a function that logs somebody in, with the spawn page open."""

    def logged_in(name: str, **options: object) -> Person:
        person = Person(new_person(**options), name, stack.password(name))
        person.log_in(stack.url)
        return person

    return logged_in


def choose_and_start(person: Person) -> None:
    """Choose something else than the time before, and press the button."""
    person.choose("Size", "Medium")
    person.page.get_by_role("button", name="Start server").click()


def step(page: Page, name: str) -> Locator:
    return page.locator(f"[data-step={name}]")


def waits_for_lab(page: Page) -> None:
    """Expect a start that has come to its last step."""
    expect(page.get_by_role("heading", name=f"Starting: {CHOICE}")).to_be_visible()
    expect(step(page, "answer")).to_have_attribute("data-state", "now")
    for done in ("allowed", "process"):
        expect(step(page, done)).to_have_attribute("data-state", "done")
    expect(page.locator("#sandlot-elapsed")).to_have_text(re.compile(r"^\d+ s$|min"))


def is_back_at_the_form(person: Person) -> None:
    """Expect the spawn page with what happened, and with the choice of before."""
    page = person.page
    page.wait_for_url("**/hub/spawn/**")
    expect(page.get_by_text(CANCELLED)).to_be_visible()
    chose_the_same(page)


def chose_the_same(page: Page) -> None:
    """Expect the choice of the last start."""
    for name in ("JupyterLab", "Medium"):
        expect(page.get_by_role("radio", name=name, exact=True)).to_be_checked()


def test_every_window_tells_the_same_start_and_its_cancelling(
    stack: Stack, opened: Callable[..., Person], home_of: Callable[[str], GatedHome]
) -> None:
    home = home_of("pia")
    home.hold()
    person = opened("pia")
    page = person.page
    choose_and_start(person)
    waits_for_lab(page)
    page.get_by_text("Details, newest first").click()
    log = page.locator("#sandlot-log")
    expect(log.locator("li").first).to_contain_text("Waiting for JupyterLab")
    expect(log.locator("li").first).to_contain_text(re.compile(r"\d\.\d s"))
    person.picture("progress.png")
    assert troubles(page) == []

    page.reload()
    waits_for_lab(page)
    second = page.context.new_page()
    second.goto(f"{stack.url}hub/spawn-pending/pia")
    waits_for_lab(second)

    page.get_by_role("button", name="Cancel start").focus()
    page.keyboard.press("Enter")
    is_back_at_the_form(person)
    expect(second.get_by_role("heading", name="Your server is not running")).to_be_visible()
    uid = home.home.stat().st_uid
    assert [each for each in below(stack.process.pid) if each.uid == uid] == []


def test_a_start_can_be_cancelled_before_anything_is_there(
    stack: Stack, opened: Callable[..., Person], home_of: Callable[[str], GatedHome]
) -> None:
    home_of("quinn")
    person = opened("quinn")
    page = person.page
    # Nothing can be asked of the supervisor, so the start does not get past its first step.
    os.kill(stack.process.pid, signal.SIGSTOP)
    try:
        choose_and_start(person)
        page.wait_for_url("**/spawn-pending/**")
        page.get_by_role("button", name="Cancel start").click()
        expect(page.get_by_role("status")).to_contain_text("Cancelling the start…")
    finally:
        os.kill(stack.process.pid, signal.SIGCONT)
    is_back_at_the_form(person)


def test_a_failure_says_what_and_what_next_with_the_log(
    stack: Stack, opened: Callable[..., Person], home_of: Callable[[str], GatedHome]
) -> None:
    home = home_of("rosa")
    home.hold()
    # Before the start: to look at the spawn page after a failure is to go on from it.
    plain = opened("rosa", java_script_enabled=False).page
    person = opened("rosa")
    page = person.page
    choose_and_start(person)
    waits_for_lab(page)
    page.get_by_role("button", name="Cancel start").focus()
    home.fail()
    told_of_failure(page)
    # Whoever was on the button that went away is on the next one.
    expect(page.get_by_role("link", name="Try again")).to_be_focused()
    assert troubles(page) == []
    person.picture("progress-failed.png")

    plain.goto(f"{stack.url}hub/spawn-pending/rosa")
    told_of_failure(plain)
    page.reload()
    told_of_failure(page)

    page.get_by_role("link", name="Change choice").click()
    expect(page.get_by_role("button", name="Start server")).to_be_visible()
    chose_the_same(page)
    home.open()
    plain.get_by_role("link", name="Try again").click()
    page.goto(f"{stack.url}hub/spawn-pending/rosa")
    person.lab_is_ready()


def told_of_failure(page: Page) -> None:
    """Expect the sentence in the place of the step, the log and both ways on."""
    expect(page.get_by_role("heading", name=f"Did not start: {CHOICE}")).to_be_visible()
    failed = step(page, "answer")
    expect(failed).to_have_attribute("data-state", "failed")
    expect(failed).to_contain_text(f"Your server ended with code {EXIT_CODE}")
    expect(failed).to_contain_text("Next: look at the end of its log")
    expect(failed).to_contain_text("Code: server-exited")
    expect(page.get_by_label("End of the server's log")).to_contain_text(LOG_LINE)
    for way in ("Try again", "Change choice"):
        expect(page.get_by_role("link", name=way)).to_be_visible()


def test_a_restart_of_the_hub_is_said_and_the_start_goes_on(
    stack: Stack, opened: Callable[..., Person], home_of: Callable[[str], GatedHome]
) -> None:
    home = home_of("sam")
    home.hold()
    person = opened("sam")
    page = person.page
    page.add_init_script(NOTE_WHAT_IS_SAID)
    choose_and_start(person)
    waits_for_lab(page)
    stack.run("restart", "hub")
    home.release()
    person.lab_is_ready()
    page.goto(f"{stack.url}hub/home")
    said = page.evaluate("sessionStorage.getItem('said')")
    assert "The connection to the hub was lost, trying again…" in said


def test_without_javascript_the_page_tells_the_same_and_looks_again(
    stack: Stack, opened: Callable[..., Person], home_of: Callable[[str], GatedHome]
) -> None:
    home = home_of("tess")
    home.hold()
    person = opened("tess", java_script_enabled=False)
    page = person.page
    choose_and_start(person)
    waits_for_lab(page)
    expect(page.locator("noscript meta[http-equiv=refresh]")).to_have_count(1)
    expect(page.get_by_role("button", name="Cancel start")).to_be_hidden()
    watcher = HubUser(stack.url, "tess")
    watcher.log_in(person.password)
    home.release()
    assert list(watcher.progress())[-1]["ready"]
    # By itself: a reload would meet the page's own, and one of the two is aborted.
    page.wait_for_url("**/user/tess/**")
