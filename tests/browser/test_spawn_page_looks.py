"""The spawn page for anyone: screen readers, narrow and enlarged pages, dark mode, many choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from support.hub_user import HubUser
from support.spawn_page import CROWD, FULL_SENTENCE, PEOPLE, SOLO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from support.spawn_page import SpawnPage
    from support.stack import Stack

pytestmark = pytest.mark.timeout(600)

SERIOUS = {"serious", "critical"}
SIZES = "Size for Everyday work"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
TARGETS = """
() => [...document.querySelectorAll("main button, main .sandlot-choice label, main summary")]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 24)
  .map((each) => each.outerHTML)
"""
"""What is lower than the 24 px that a finger needs (WCAG 2.2, 2.5.8)."""


def serious(page: Page) -> list[str]:
    """Return what axe-core finds serious or worse in the page's main part."""
    found = Axe().run(page, context="main").response["violations"]
    return [
        f"{each['id']}: {node['html']}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


@pytest.fixture(scope="module")
def single_seat_taken(choosing: Stack) -> Iterator[None]:
    """The only place of a size is taken, so that there is something that is off."""
    bert = HubUser(choosing.url, "bert")
    bert.log_in(choosing.password("bert", "--group", PEOPLE))
    bert.start({"profile": "everyday", "image": "base", "size": "single"})
    yield
    bert.stop()


@pytest.mark.usefixtures("single_seat_taken")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("width", "factor"),
    [
        pytest.param(1280, 1, id="1280"),
        pytest.param(390, 1, id="390"),
        pytest.param(320, 1, id="320"),
        # 200 % zoom halves the pixels of CSS and doubles those of the screen.
        pytest.param(640, 2, id="zoom-200"),
    ],
)
@pytest.mark.parametrize("group", [PEOPLE, SOLO, CROWD])
def test_the_page_is_for_anyone(
    chooser: Callable[..., SpawnPage], group: str, width: int, factor: int, scheme: str
) -> None:
    viewport = {"width": width, "height": 900}
    found = chooser(
        f"looks-{group}", group, viewport=viewport, color_scheme=scheme, device_scale_factor=factor
    ).wait_live()
    found.person.picture(f"spawn-{group}-{scheme}-{width}.png")

    assert serious(found.page) == []
    assert found.page.evaluate(OVERFLOW) <= 0
    assert found.page.evaluate(TARGETS) == []


@pytest.mark.usefixtures("single_seat_taken")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_inside_an_image_is_for_anyone(
    chooser: Callable[..., SpawnPage], scheme: str
) -> None:
    olga = chooser("olga", color_scheme=scheme)
    opener = olga.page.get_by_role("button", name="What is inside JupyterLab").first
    opener.focus()
    olga.page.keyboard.press("Enter")
    inside = olga.page.get_by_role("dialog", name="JupyterLab")
    expect(inside).to_contain_text("jupyterlab")
    expect(inside).to_contain_text("on disk")
    olga.person.picture(f"spawn-inside-{scheme}.png")
    assert serious(olga.page) == []
    olga.page.keyboard.press("Escape")
    expect(inside).to_be_hidden()
    expect(opener).to_be_focused()


@pytest.mark.usefixtures("single_seat_taken")
def test_the_state_is_never_told_by_colour_alone(chooser: Callable[..., SpawnPage]) -> None:
    olga = chooser("olga", forced_colors="active").wait_live()
    expect(olga.entry(SIZES, "Single seat")).to_contain_text("full")
    expect(olga.entry(SIZES, "Single seat")).to_contain_text(FULL_SENTENCE)
    described = olga.radio(SIZES, "Single seat").get_attribute("aria-describedby")
    expect(olga.page.locator(f"[id='{described}']")).to_contain_text(FULL_SENTENCE)
    olga.person.picture("spawn-forced-colors.png")
