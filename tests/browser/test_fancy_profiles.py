"""jupyterhub-fancy-profiles, as published, renders our profile list unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from sandlot_hub.domain.offers.profile_list import build_profile_list
from sandlot_hub.domain.offers.profiles import visible
from support.catalogue import EVERYTHING_HERE, catalogue, document, person
from support.kubespawner_hub import kubespawner_hub
from support.people import Person
from support.published_spawner import WOULD_START

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from playwright.sync_api import Locator, Page

    from sandlot_hub.domain.settings.model import SandlotSettings

pytestmark = pytest.mark.timeout(300)

GROUP = "vision"
REFERENCE = "quay.io/our-lab/torch:2.9"


def settings() -> SandlotSettings:
    """Return the catalogue, with one profile in which people may name an image."""
    profiles = document()["profiles"]
    profiles["cpu"]["custom_images"] = {
        "allow": [{"registry": "quay.io", "repository": "our-lab/*"}]
    }
    return catalogue(profiles=profiles)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("fancy")
    with kubespawner_hub(folder, settings(), groups={GROUP: ["ann", "ben", "cleo"]}) as url:
        yield url


@pytest.fixture
def somebody(hub: str, new_person: Callable[..., Page]) -> Callable[[str], Person]:
    """Return a function that gives somebody a browser with the spawn page open."""

    def opened(name: str) -> Person:
        found = Person(new_person(), name, "any")
        found.log_in(hub)
        expect(found.page.locator(".profile-select").first).to_be_visible()
        return found

    return opened


def expected() -> list[dict[str, Any]]:
    """Return the profile list that ann is shown."""
    return build_profile_list(visible(person("ann", GROUP), settings(), EVERYTHING_HERE))


def test_every_entry_is_shown_with_its_words(somebody: Callable[[str], Person]) -> None:
    ann = somebody("ann")
    cards = ann.page.locator(".profile-select")
    entries = expected()
    assert cards.count() == len(entries) > 1
    for number, entry in enumerate(entries):
        card = cards.nth(number)
        expect(card.get_by_role("heading")).to_have_text(entry["display_name"])
        expect(card.locator("p").first).to_have_text(entry["description"])
        is_chosen = card.get_by_role("radio").is_checked()
        assert is_chosen is entry["default"]
        for option in entry["profile_options"].values():
            listed = [
                (choice["display_name"], choice["description"])
                for choice in option["choices"].values()
            ]
            if option["unlisted_choice"]["enabled"]:
                listed.append((option["unlisted_choice"]["display_name_in_choices"], ""))
            assert shown_choices(ann.page, card, option["display_name"]) == listed
    ann.picture("fancy-profiles.png")


def test_what_is_off_says_so_and_why(somebody: Callable[[str], Person]) -> None:
    lab = somebody("ann").page.locator(".profile-select", has_text="Teaching lab")
    expect(lab).to_contain_text("Teaching lab (not available)")
    expect(lab).to_contain_text("is for members of cs101")


def test_a_choice_is_what_we_start(somebody: Callable[[str], Person]) -> None:
    page = somebody("ben").page
    gpu = page.locator(".profile-select").nth(1)
    gpu.get_by_role("radio").check()
    choose(page, gpu, "Image", "PyTorch")
    choose(page, gpu, "Size", "One GPU")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/spawn-pending/**")
    expect(page.locator("#progress-message")).to_have_text(f"{WOULD_START}GPU · PyTorch · One GPU")


def test_an_image_that_is_written_is_what_we_start(somebody: Callable[[str], Person]) -> None:
    page = somebody("cleo").page
    cpu = page.locator(".profile-select").first
    choose(page, cpu, "Image", "Another image")
    # Its own label says which; two of these boxes have no other name.
    cpu.locator("input[name='profile-option-cpu--image--unlisted-choice']").fill(REFERENCE)
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/spawn-pending/**")
    expect(page.locator("#progress-message")).to_have_text(
        f"{WOULD_START}CPU · {REFERENCE} · Small"
    )


def shown_choices(page: Page, card: Locator, option: str) -> list[tuple[str, str]]:
    """Open a list of choices, read title and description of each, and close it."""
    box = card.get_by_role("combobox", name=option, exact=True)
    box.focus()
    page.keyboard.press("ArrowDown")
    listed = page.get_by_role("option")
    expect(listed.first).to_be_visible()
    found = [
        (
            entry.locator(".react-select-item-title").inner_text(),
            "".join(entry.locator(".react-select-item-description").all_inner_texts()),
        )
        for entry in listed.all()
    ]
    page.keyboard.press("Escape")
    expect(listed).to_have_count(0)
    return found


def choose(page: Page, card: Locator, option: str, title: str) -> None:
    """Choose an entry of a list by typing its name and pressing Enter."""
    box = card.get_by_role("combobox", name=option, exact=True)
    box.focus()
    page.keyboard.type(title)
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(card.locator(".react-select-item-title", has_text=title)).to_be_visible()
