from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, PackageLoader
from typing_extensions import override

from sandlot_hub.domain.options import options_from_form
from sandlot_hub.domain.profile_list import build_profile_list
from sandlot_hub.domain.profiles import visible
from sandlot_hub.domain.settings import SandlotSettings
from support.catalogue import EVERYTHING_HERE, catalogue, document, person


def _list(
    settings: SandlotSettings | None = None, selected: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    profiles = visible(person(), settings or catalogue(), EVERYTHING_HERE)
    return build_profile_list(profiles, selected)


def _named(name: str, description: str = "") -> SandlotSettings:
    changed = document()
    for section in ("profiles", "images", "sizes"):
        for entry in changed[section].values():
            entry.update(display_name=name, description=description)
    return SandlotSettings.model_validate(changed)


def test_the_contract() -> None:
    cpu = _list()[0]
    assert (cpu["slug"], cpu["display_name"], cpu["default"]) == ("cpu", "CPU", True)
    assert cpu["description"] == "For everyday work"
    assert list(cpu["profile_options"]) == ["image", "size"]
    image = cpu["profile_options"]["image"]
    assert image["display_name"] == "Image"
    assert list(image["choices"]) == ["base", "scipy", "cluster-only", "course"]
    assert image["choices"]["scipy"] == {
        "display_name": "SciPy",
        "description": "",
        "default": True,
        "sandlot": {
            "display_name": "SciPy",
            "description": "",
            "refusal": None,
            "facts": ["2026-10"],
        },
    }
    assert image["sandlot"] == {"field": "profile-option-cpu--image"}
    assert "kubespawner_override" not in json.dumps(cpu)


def test_what_is_off_says_so_in_words() -> None:
    lab = _list()[2]
    assert lab["display_name"] == "Teaching lab (not available)"
    assert lab["description"].startswith("The profile “Teaching lab” is for members of cs101.")
    assert lab["sandlot"]["display_name"] == "Teaching lab"
    assert lab["sandlot"]["refusal"]["code"] == "profile-not-allowed"
    vip = _list()[0]["profile_options"]["size"]["choices"]["vip"]
    assert vip["display_name"] == "For Vera (not available)"
    assert vip["sandlot"]["refusal"]["code"] == "size-not-allowed"


def _preselected(entries: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    def default(option: dict[str, Any]) -> str:
        return " ".join(slug for slug, entry in option["choices"].items() if entry["default"])

    return [
        (entry["slug"], default(options["image"]), default(options["size"]))
        for entry in entries
        if entry["default"]
        for options in [entry["profile_options"]]
    ]


@pytest.mark.parametrize(
    ("selected", "preselected"),
    [
        pytest.param({}, ("cpu", "scipy", "small"), id="nothing"),
        pytest.param(
            {"profile": "gpu", "image": "base", "size": "small"},
            ("gpu", "base", "small"),
            id="last",
        ),
        pytest.param({"profile": "lab"}, ("cpu", "scipy", "small"), id="off"),
        pytest.param({"profile": "nix", "image": "x"}, ("cpu", "scipy", "small"), id="unknown"),
        pytest.param(
            {"profile": "cpu", "image": "base", "size": "vip"},
            ("cpu", "base", "small"),
            id="size-off",
        ),
        pytest.param(
            {"profile": "gpu", "image": "course", "size": "small"},
            ("gpu", "torch", "gpu"),
            id="image-not-there",
        ),
        pytest.param({"profile": "gpu", "image": "base"}, ("gpu", "base", "gpu"), id="half"),
        pytest.param(
            {"profile": "gpu", "image": "torch", "size": "small"},
            ("gpu", "torch", "gpu"),
            id="do-not-go-together",
        ),
    ],
)
def test_the_last_choice_is_preselected(
    selected: dict[str, str], preselected: tuple[str, str, str]
) -> None:
    assert _preselected(_list(selected=selected)) == [preselected]


@pytest.mark.parametrize(
    ("text", "as_html"),
    [
        pytest.param("R & RStudio", "R & RStudio", id="ampersand-alone"),
        pytest.param("Ann's lab", "Ann's lab", id="apostrophe"),
        pytest.param("<b>GPU</b>", "&lt;b&gt;GPU&lt;/b&gt;", id="tags"),
        pytest.param("&lt;b&gt;", "&amp;lt;b&amp;gt;", id="entities"),
        pytest.param("&copy 2026", "&amp;copy 2026", id="entity-without-semicolon"),
        pytest.param('a" onload="x', "a&quot; onload=&quot;x", id="attribute"),
    ],
)
def test_names_are_html_where_the_contract_has_html(text: str, as_html: str) -> None:
    entries = _list(_named(text, text))
    assert entries[0]["display_name"] == entries[0]["description"] == as_html
    assert entries[0]["sandlot"]["display_name"] == text
    choice = entries[0]["profile_options"]["size"]["choices"]["small"]
    assert choice["display_name"] == as_html
    assert choice["sandlot"]["display_name"] == text


class _Page(HTMLParser):
    """Collects the elements, and the text of the headings."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.headings: list[str] = []
        self.fields: dict[str, list[str]] = {}

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        if tag == "input" and "checked" in found:
            self.fields["profile"] = [found["value"] or ""]
        if tag == "select":
            self.fields[found["name"] or ""] = []
        if tag == "option" and "selected" in found:
            list(self.fields.values())[-1].append(found["value"] or "")

    @override
    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["h3"] and data.strip():
            self.headings.append(data)


def _rendered(entries: list[dict[str, Any]]) -> _Page:
    """Render with KubeSpawner's own template, which does not escape."""
    environment = Environment(loader=PackageLoader("kubespawner", "templates"))  # noqa: S701 (as KubeSpawner makes it)
    page = _Page()
    page.feed(environment.get_template("form.html").render(profile_list=entries, user_options={}))
    return page


def test_kubespawners_form_posts_the_default() -> None:
    page = _rendered(_list(selected={"profile": "gpu", "image": "base", "size": "small"}))
    assert options_from_form(page.fields) == {"profile": "gpu", "image": "base", "size": "small"}


@given(
    st.text(st.characters(codec="ascii", categories=["L", "P", "S", "Zs"]), min_size=1, max_size=40)
    .map(str.strip)
    .filter(bool)
)
def test_kubespawners_form_shows_text_as_text(name: str) -> None:
    page = _rendered(_list(_named(name, name)))
    assert page.tags == _rendered(_list(_named("x", "x"))).tags
    assert "".join(page.headings).startswith(name)
