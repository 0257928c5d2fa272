"""The spawn page as people use it: by clicks and keys, with a real stack behind it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from support.people import LAB_READY_MS
from support.spawn_page import FULL_SENTENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from support.spawn_page import SpawnPage
    from support.stack import Stack

pytestmark = pytest.mark.timeout(600)

SIZES = "Size for Everyday work"
SINGLE = "Single seat"
STREAM = "**/services/offers/api/v1/stream"


def test_the_last_place_goes_while_two_look_at_it(
    choosing: Stack, chooser: Callable[..., SpawnPage]
) -> None:
    """Picks, is refused, follows the alternative, cancels, starts again, finds the last choice."""
    ada, bert = chooser("ada").wait_live(), chooser("bert").wait_live()
    for each in (ada, bert):
        each.person.choose(SIZES, SINGLE)
        expect(each.entry(SIZES, SINGLE)).to_contain_text("1 of 1 free")

    bert.start.click()
    says_that_it_is_full(ada)
    bert.person.lab_is_ready()
    stop_from_home(bert, choosing.url)
    expect(ada.entry(SIZES, SINGLE)).to_contain_text("1 of 1 free")
    expect(ada.entry(SIZES, SINGLE)).not_to_contain_text(FULL_SENTENCE)

    # Ada's browser hears of nothing any more; bert takes the place before she presses Start.
    hold_back_stream(ada, choosing.url)
    bert.open(choosing.url).start.click()
    bert.person.lab_is_ready()
    expect(ada.entry(SIZES, SINGLE)).to_contain_text("1 of 1 free")
    ada.start.click()
    expect(ada.page.get_by_role("alert").first).to_contain_text(FULL_SENTENCE)
    assert "/spawn-pending/" not in ada.page.url
    ada.person.picture("spawn-refused.png")

    follow_alternative_by_keys(ada)
    cancel(ada)
    start_again(ada)
    ada.person.lab_is_ready()

    finds_last_choice(ada, choosing.url)
    stop_from_home(bert, choosing.url)
    expect(ada.entry(SIZES, SINGLE)).to_contain_text("1 of 1 free")


def says_that_it_is_full(chooser: SpawnPage) -> None:
    """The chosen size has gone: it stays chosen, says so, says why, and what fits instead."""
    entry = chooser.entry(SIZES, SINGLE)
    expect(entry).to_contain_text("full")
    expect(entry).to_contain_text(FULL_SENTENCE)
    expect(entry.get_by_role("link").first).to_be_visible()
    expect(chooser.radio(SIZES, SINGLE)).to_be_checked()
    expect(chooser.page.locator("#sandlot-blocked")).to_contain_text(FULL_SENTENCE)
    # Pressing it now starts nothing.
    chooser.start.focus()
    chooser.page.keyboard.press("Enter")
    expect(chooser.page.locator("#sandlot-starting")).to_have_text("")
    chooser.person.picture("spawn-full.png")


def hold_back_stream(chooser: SpawnPage, url: str) -> None:
    """Load the page again, in a browser that never gets an answer from the stream."""
    chooser.page.route(STREAM, lambda _route: None)
    chooser.open(url)
    chooser.person.choose(SIZES, SINGLE)
    expect(chooser.entry(SIZES, SINGLE)).to_contain_text("1 of 1 free")


def follow_alternative_by_keys(chooser: SpawnPage) -> None:
    """Take what is offered instead, and start it, without a mouse."""
    page = chooser.page
    page.unroute(STREAM)
    offered = page.get_by_role("link", name=re.compile("Small")).first
    offered.focus()
    page.keyboard.press("Enter")
    expect(chooser.radio(SIZES, "Small")).to_be_checked()
    expect(chooser.radio(SIZES, "Small")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/spawn-pending/**")


def cancel(chooser: SpawnPage) -> None:
    """Cancel the start; the page leads back to the form."""
    chooser.page.get_by_role("button", name="Cancel start").click()
    expect(chooser.form).to_be_visible(timeout=LAB_READY_MS)


def start_again(chooser: SpawnPage) -> None:
    """Start what is still chosen."""
    expect(chooser.radio(SIZES, "Small")).to_be_checked()
    chooser.start.click()


def finds_last_choice(chooser: SpawnPage, url: str) -> None:
    """Stop, come back to the form: the last choice is preselected."""
    stop_from_home(chooser, url)
    chooser.page.get_by_role("link", name="Change choice").click()
    expect(chooser.radio("Profile", "Everyday work")).to_be_checked()
    expect(chooser.radio(SIZES, "Small")).to_be_checked()
    chooser.wait_live()
    expect(chooser.entry(SIZES, SINGLE)).to_contain_text("full")


def stop_from_home(chooser: SpawnPage, url: str) -> None:
    """Stop the server on the home page."""
    page: Page = chooser.page
    page.goto(f"{url}hub/home")
    page.get_by_role("button", name=re.compile("^Stop server")).click()
    page.get_by_role("dialog").get_by_role("button", name="Stop server").click()
    expect(page.get_by_role("link", name=re.compile("^Start server"))).to_be_visible()
