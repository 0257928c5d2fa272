"""Images that people name themselves, typed into the spawn page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from support.catalogue import catalogue, document
from support.kubespawner_hub import kubespawner_hub
from support.people import Person
from support.spawn_page import SpawnPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.timeout(300)

IMAGES = "Image for CPU"
FIELD = "Name of the container image"
GOOD = "quay.io/our-lab/torch:2.9"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    profiles = document()["profiles"]
    allowed = {"registry": "quay.io", "repository": "our-lab/*"}
    profiles["cpu"]["custom_images"] = {"allow": [allowed]}
    folder = tmp_path_factory.mktemp("free-text")
    with kubespawner_hub(folder, catalogue(profiles=profiles), form="sandlot") as url:
        yield url


@pytest.fixture
def somebody(hub: str, new_person: Callable[..., Page]) -> Callable[..., SpawnPage]:
    """Return a function that gives somebody a browser with the spawn page open."""

    def opened(name: str, **options: object) -> SpawnPage:
        person = Person(new_person(**options), name, "any")
        person.log_in(hub)
        return SpawnPage(person).open(hub)

    return opened


def field(page: SpawnPage) -> Locator:
    """Return where the reference is written."""
    return page.page.get_by_role("group", name=IMAGES).get_by_label(FIELD)


def test_writing_in_the_field_chooses_it_and_it_is_started(
    somebody: Callable[..., SpawnPage],
) -> None:
    ann = somebody("ann")
    field(ann).fill(f"  {GOOD} ")
    expect(ann.radio(IMAGES, "Another image")).to_be_checked()
    ann.person.picture("spawn-free-text.png")
    ann.page.keyboard.press("Enter")
    ann.page.wait_for_url("**/spawn-pending/**")
    expect(ann.page.get_by_role("heading", level=1)).to_contain_text(f"CPU · {GOOD} · Small")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("docker.io/our-lab/torch:1", id="registry"),
        pytest.param("quay.io/our-lab-2/torch:1", id="repository"),
        pytest.param("quay.io/our-lab/torch/more:1", id="deeper"),
        pytest.param("quay.io@evil.example/our-lab/torch:1", id="user-info"),
        pytest.param("quay.io/our-lab/torch:1 --privileged", id="arguments"),
        pytest.param("{pod_name}", id="template"),
        pytest.param("quay.io/our-lab/törch:1", id="other-letters"),
        pytest.param("<img src=x onerror=alert(1)>", id="markup"),
        pytest.param("x" * 512, id="long"),
    ],
)
def test_what_is_not_permitted_is_refused_with_a_sentence(
    somebody: Callable[..., SpawnPage], text: str
) -> None:
    """With scripts the page says so at once; without, the hub does. Neither starts anything."""
    scripted = somebody("eve")
    field(scripted).fill(text)
    scripted.page.keyboard.press("Enter")
    plain = somebody("eve", java_script_enabled=False)
    plain.radio(IMAGES, "Another image").check()
    field(plain).fill(text)
    plain.start.click()
    expect(plain.page.get_by_role("alert").first).to_contain_text("image")
    assert "/spawn-pending/" not in scripted.page.url + plain.page.url
    assert plain.page.locator("img[src=x]").count() == 0


def test_a_link_with_an_image_that_somebody_else_has_named_starts_nothing(
    hub: str, somebody: Callable[..., SpawnPage]
) -> None:
    cleo = somebody("cleo")
    cleo.open(hub, f"hub/spawn?opt-profile=cpu&opt-reference={GOOD}&opt-size=small")
    expect(cleo.radio(IMAGES, "Another image")).to_be_checked()
    expect(field(cleo)).to_have_value(GOOD)
    assert "/spawn-pending/" not in cleo.page.url


def test_the_browser_remembers_what_was_used_until_told_to_forget(
    somebody: Callable[..., SpawnPage],
) -> None:
    bob = somebody("bob")
    used = bob.page.locator("#sandlot-references option")
    expect(used).to_have_count(0)
    field(bob).fill(GOOD)
    bob.page.keyboard.press("Enter")
    bob.page.get_by_role("button", name="Cancel start").click()
    expect(bob.form).to_be_visible(timeout=60_000)
    expect(field(bob)).to_have_value(GOOD)
    expect(used).to_have_attribute("value", GOOD)
    bob.page.get_by_role("button", name="Forget the names used here").click()
    expect(used).to_have_count(0)
    expect(field(bob)).to_be_focused()
