"""Ways to a choice on the spawn page: links, search, keys, no scripts, an administrator's page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from support.people import Person
from support.spawn_page import CROWD, MARKUP, PEOPLE, SOLO, SpawnPage, stop_server, write_settings
from support.stack import Launch, open_folder, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from support.stack import Stack

pytestmark = pytest.mark.timeout(600)

SIZES = "Size for Everyday work"
NO_CONTAINER = "Servers on this machine run in no container, so an image cannot be named here."
PENDING = "**/spawn-pending/**"
OWN_PAGE = """\
{% extends "templates/spawn.html" %}
{% block heading %}<h1>Welcome to our lab</h1>{% endblock heading %}
"""
OWN_CONFIG = """\
from sandlot_hub import install
install(c)
c.JupyterHub.template_paths = [{folder!r}, *c.JupyterHub.template_paths]
"""


def test_a_link_fills_in_the_form(choosing: Stack, chooser: Callable[..., SpawnPage]) -> None:
    ada = chooser("ada")
    ada.open(choosing.url, "hub/spawn#profile=everyday&image=other&size=small")
    expect(ada.radio("Profile", "Everyday work")).to_be_checked()
    expect(ada.radio("Image for Everyday work", "Other lab")).to_be_checked()
    expect(ada.radio(SIZES, "Small")).to_be_checked()


def test_a_copied_link_leads_somebody_else_to_the_same_choice(
    choosing: Stack, chooser: Callable[..., SpawnPage]
) -> None:
    ada = chooser("ada")
    ada.person.choose("Profile", "Deep work")
    ada.page.get_by_text("Copy a link to this choice").click()
    link = ada.page.get_by_role("textbox", name="Link that fills in this form").input_value()
    assert "ada" not in link
    bert = chooser("bert")
    bert.page.goto(link)
    expect(bert.radio("Profile", "Deep work")).to_be_checked()


def test_a_link_to_what_is_not_there_says_so_and_fills_in_the_rest(
    choosing: Stack, chooser: Callable[..., SpawnPage]
) -> None:
    ada = chooser("ada")
    ada.open(choosing.url, "hub/spawn#profile=everyday&image=other&size=<b>huge</b>")
    expect(ada.page.locator("#sandlot-notice")).to_contain_text("has no size “<b>huge</b>”")
    expect(ada.radio("Image for Everyday work", "Other lab")).to_be_checked()


def test_a_link_that_starts_starts(choosing: Stack, chooser: Callable[..., SpawnPage]) -> None:
    ada = chooser("ada")
    link = "hub/spawn?opt-profile=everyday&opt-image=other&opt-size=small"
    ada.page.goto(f"{choosing.url}{link}")
    ada.page.wait_for_url(PENDING)
    expect(ada.page.get_by_role("heading", level=1)).to_contain_text(
        "Everyday work · Other lab · Small"
    )
    cancel(ada)


def test_an_image_cannot_be_named_on_one_machine(
    choosing: Stack, chooser: Callable[..., SpawnPage]
) -> None:
    ada = chooser("ada")
    ada.person.choose("Profile", "Deep work")
    expect(ada.radio("Image for Deep work", "Another image")).to_be_disabled()
    expect(ada.entry("Image for Deep work", "Another image")).to_contain_text(NO_CONTAINER)
    ada.page.goto(
        f"{choosing.url}hub/spawn?opt-profile=deep&opt-reference=quay.io/our-lab/x:1&opt-size=pair"
    )
    notice = ada.page.locator("#sandlot-notice")
    expect(notice).to_contain_text("has no image “quay.io/our-lab/x:1”")
    assert "/spawn-pending/" not in ada.page.url


def test_a_start_by_keys_only(chooser: Callable[..., SpawnPage]) -> None:
    kees = chooser("kees")
    keyboard = kees.page.keyboard
    # The page opens with the focus on the chosen profile, so that Enter is enough.
    expect(kees.radio("Profile", "Everyday work")).to_be_focused()
    keyboard.press("ArrowDown")
    expect(kees.radio("Profile", "Deep work")).to_be_checked()
    for _ in range(10):
        keyboard.press("Tab")
        if kees.radio("Size for Deep work", "Two seats").evaluate("e => e.matches(':focus')"):
            break
    expect(kees.radio("Size for Deep work", "Two seats")).to_be_focused()
    keyboard.press("Enter")
    kees.page.wait_for_url(PENDING)
    cancel(kees)


def test_markup_in_names_is_text(chooser: Callable[..., SpawnPage]) -> None:
    ada = chooser("ada").wait_live()
    expect(ada.page.get_by_role("group", name="Profile")).to_contain_text(MARKUP)
    ada.person.choose("Profile", MARKUP)
    expect(ada.page.get_by_role("group", name="Size for")).to_contain_text(MARKUP)
    assert ada.form.locator("b, img").count() == 0
    assert ada.page.title() == "Start a server"


def test_one_profile_goes_straight_to_image_and_size(chooser: Callable[..., SpawnPage]) -> None:
    solo = chooser("solo", SOLO)
    expect(solo.page.get_by_role("group", name="Profile")).to_have_count(0)
    expect(solo.radio("Image", "JupyterLab")).to_be_checked()
    expect(solo.radio("Image", "JupyterLab")).to_be_focused()
    solo.page.keyboard.press("Enter")
    solo.page.wait_for_url(PENDING)
    cancel(solo)


def test_many_profiles_are_found_by_words(chooser: Callable[..., SpawnPage]) -> None:
    dora = chooser("dora", CROWD)
    page = dora.page
    cards = page.locator("#sandlot-profiles .sandlot-choice:visible")
    expect(cards).to_have_count(20)
    page.keyboard.press("/")
    page.keyboard.type("profile 13")
    expect(page.locator("#sandlot-found")).to_contain_text("1 of 20 profiles")
    page.keyboard.press("Escape")
    expect(cards).to_have_count(20)
    page.keyboard.type("profile 13")
    dora.person.choose("Profile", "Profile 13 of a large department")
    expect(page.get_by_role("group", name=re.compile("^Size for Profile 13"))).to_be_visible()


def test_without_scripts_everything_is_there_and_starts(
    choosing: Stack, chooser: Callable[..., SpawnPage]
) -> None:
    plain = chooser("emil", java_script_enabled=False)
    expect(plain.entry(SIZES, "Single seat")).to_contain_text("1 of 1 free")
    expect(plain.entry("Size for Deep work", "One GPU")).to_be_hidden()
    plain.person.choose("Profile", "Deep work")
    gpu = plain.entry("Size for Deep work", "One GPU")
    expect(gpu).to_contain_text("cannot be started here")
    expect(gpu.get_by_role("link").first).to_be_visible()
    plain.start.click()
    plain.page.wait_for_url(PENDING)
    stop_server(choosing, "emil")


def test_a_page_of_the_administrator_wins_and_stays_live(
    new_person: Callable[..., Page], own_page: Stack
) -> None:
    ada = Person(new_person(), "ada", own_page.password("ada", "--group", PEOPLE))
    ada.log_in(own_page.url)
    page = SpawnPage(ada).open(own_page.url)
    expect(page.page.get_by_role("heading", level=1)).to_have_text("Welcome to our lab")
    page.wait_live()
    ada.picture("spawn-own-template.png")


@pytest.fixture
def own_page() -> Iterator[Stack]:
    """A stack whose administrator has a spawn page of their own."""
    with open_folder() as folder:
        templates = folder / "templates"
        templates.mkdir()
        (templates / "spawn.html").write_text(OWN_PAGE)
        config: Path = folder / "jupyterhub_config.py"
        config.write_text(OWN_CONFIG.format(folder=str(templates)))
        with running(Launch(config=config, settings=write_settings(folder))) as started:
            yield started


def cancel(chooser: SpawnPage) -> None:
    """Cancel the start on its progress page."""
    chooser.page.get_by_role("button", name=re.compile("^Cancel start")).click()
    expect(chooser.form).to_be_visible(timeout=60_000)
