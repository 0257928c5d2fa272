"""How a page looks and reads to anyone: axe-core, and what does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from playwright.sync_api import Page

SERIOUS = {"serious", "critical"}

WIDTHS = (1280, 320)
SCHEMES = ("light", "dark")


def troubles(page: Page, within: str = "main") -> list[str]:
    """Return what is wrong with a page, at each width and in each scheme.

    That is what axe-core finds serious or worse in a part of it, and scrolling sideways.
    """
    return [
        f"{scheme} {width}: {trouble}"
        for scheme in SCHEMES
        for width in WIDTHS
        for trouble in _look(page, within, scheme, width)
    ]


def _look(page: Page, within: str, scheme: str, width: int) -> list[str]:
    # Without motion: a colour that is still on its way to the other scheme is none of ours.
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    found = Axe().run(page, context=within).response["violations"]
    troubles = [
        f"{each['id']}: {node['html']}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    if page.evaluate(overflow) > 0:
        troubles.append("scrolls sideways")
    return troubles
