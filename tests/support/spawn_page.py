"""Settings for tests of the spawn page, and the page in words of who looks at it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from .hub_user import HubUser

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from .people import Person
    from .stack import Stack

MARKUP = "<b>Bold</b> & <img src=x onerror=\"document.title='hit'\">"
"""A name that must be shown as it is."""
PEOPLE = "people"
SOLO = "solo"
CROWD = "crowd"
"""Groups that see other profiles each."""
LIVE = re.compile(r"^Availability as of \d+ s ago\.$")
CUT = re.compile(r"^Availability as of \d+ (s|min) ago, reconnecting…$")
FULL_SENTENCE = "The only place of the size “Single seat” is taken."


def document() -> dict[str, Any]:
    """Return the settings."""
    return {
        "version": 1,
        "price_unit": "credits",
        "images": {
            "base": {"display_name": "JupyterLab", "description": "Python only.", "local": "base"},
            "other": {"display_name": "Other lab", "local": "base", "version": "2026-10"},
        },
        "accelerators": {"l4": {"display_name": "NVIDIA L4"}},
        "sizes": {
            "single": {
                "display_name": "Single seat",
                "cpus": 1,
                "memory": "1 GiB",
                "max_running": 1,
                "price": 2,
            },
            "small": {"display_name": "Small", "cpus": 1, "memory": "1 GiB", "price": 1},
            "pair": {"display_name": "Two seats", "cpus": 1, "memory": "1 GiB", "max_running": 2},
            "gpu": {
                "display_name": "One GPU",
                "cpus": 1,
                "memory": "1 GiB",
                "accelerator": {"flavor": "l4", "count": 1},
            },
        },
        "profiles": {**_profiles(), **_crowd()},
        "local": {"start_timeout": "1 min", "stop_grace": "10 s"},
    }


def _profiles() -> dict[str, Any]:
    everyday = {
        "display_name": "Everyday work",
        "description": "For everybody.",
        "images": ["base", "other"],
        "sizes": ["single", "small"],
    }
    return {
        "everyday": {**everyday, **_for(PEOPLE), "default": True},
        "deep": {
            "display_name": "Deep work",
            "description": "With more of everything.",
            "images": ["base"],
            "sizes": ["pair", "gpu"],
            "custom_images": {"allow": [{"registry": "quay.io", "repository": "our-lab/*"}]},
            **_for(PEOPLE),
        },
        "markup": {
            "display_name": MARKUP,
            "description": MARKUP,
            "images": ["base"],
            "sizes": ["small"],
            **_for(PEOPLE),
        },
        "alone": {**everyday, "display_name": "Alone", **_for(SOLO)},
    }


def _crowd() -> dict[str, Any]:
    words = "A profile of many, with a description that is as long as people write them."
    return {
        f"crowd-{n}": {
            "display_name": f"Profile {n} of a large department",
            "description": words,
            "images": ["base", "other"],
            "sizes": ["single", "small", "pair", "gpu"],
            **_for(CROWD),
        }
        for n in range(20)
    }


def _for(group: str) -> dict[str, Any]:
    return {"allow": {"groups": [group]}, "hidden": True}


def write_settings(folder: Path, **sections: Any) -> Path:
    """Write the settings, with whole sections replaced; JSON is YAML."""
    path = folder / "settings.yaml"
    path.write_text(json.dumps({**document(), **sections}))
    return path


def stop_server(stack: Stack, name: str) -> None:
    """Stop somebody's server, or its start."""
    user = HubUser(stack.url, name)
    user.log_in(stack.password(name))
    user.stop()


@dataclass(frozen=True, slots=True)
class SpawnPage:
    """The spawn page that somebody has open."""

    person: Person

    @property
    def page(self) -> Page:
        """The browser's page."""
        return self.person.page

    @property
    def form(self) -> Locator:
        """The form."""
        return self.page.locator("#sandlot-form")

    @property
    def start(self) -> Locator:
        """The button that starts the server."""
        return self.page.get_by_role("button", name="Start server")

    @property
    def age(self) -> Locator:
        """What says how old the numbers are."""
        return self.page.locator("#sandlot-age")

    def open(self, url: str, path: str = "hub/spawn") -> SpawnPage:
        """Open it."""
        self.page.goto(f"{url}{path}")
        expect(self.form).to_be_visible()
        return self

    def radio(self, group: str, name: str) -> Locator:
        """Return the radio button of a choice."""
        fieldset = self.page.get_by_role("group", name=group)
        return fieldset.get_by_role("radio", name=name, exact=True)

    def entry(self, group: str, name: str) -> Locator:
        """Return a choice with everything that is said about it."""
        fieldset = self.page.get_by_role("group", name=group)
        radio = self.page.get_by_role("radio", name=name, exact=True)
        return fieldset.locator(".sandlot-choice").filter(has=radio)

    def wait_live(self) -> SpawnPage:
        """Wait until changes come in."""
        expect(self.age).to_have_text(LIVE)
        return self
