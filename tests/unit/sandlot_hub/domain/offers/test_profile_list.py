from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, PackageLoader
from typing_extensions import override

from sandlot_contracts.images import ImageContents, Package
from sandlot_hub.domain.capacity.facilities import Facilities, ImageReadiness, Mode
from sandlot_hub.domain.choices.options import options_from_form
from sandlot_hub.domain.offers.profile_list import build_profile_list
from sandlot_hub.domain.offers.profiles import visible
from sandlot_hub.domain.settings.model import SandlotSettings
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
            "alternatives": [],
            "facts": ["2026-10"],
            "words": {"mark": "", "text": ""},
            "contents": {"packages": [], "size_bytes": None, "built_at": None},
            "needs_accelerator": False,
        },
    }
    assert image["sandlot"] == {"field": "profile-option-cpu--image"}
    assert image["unlisted_choice"] == {"enabled": False}
    assert "kubespawner_override" not in json.dumps(cpu)


def _priced() -> SandlotSettings:
    changed = document()
    changed["price_unit"] = "€"
    for size in ("small", "large", "vip"):
        changed["sizes"][size].update(max_running=2, price=1.5)
    return SandlotSettings.model_validate(changed)


def test_numbers_are_plain_data() -> None:
    inside = ImageContents(packages=(Package(name="numpy", version="2.1"),), size_bytes=5)
    here = Facilities(
        mode=Mode.KUBERNETES,
        images={"scipy": ImageReadiness(ready=True, contents=inside)},
        running={"small": 2},
    )
    cpu = build_profile_list(visible(person(), _priced(), here))[0]
    assert cpu["sandlot"]["summary"] == {
        "accelerators": [],
        "places": 4,
        "taken": 2,
        "price_from": 1.5,
    }
    options = cpu["profile_options"]
    small = options["size"]["choices"]["small"]["sandlot"]
    assert (small["places"], small["taken"]) == (2, 2)
    assert (small["price"], small["price_unit"]) == (1.5, "€")
    assert small["facts"] == ["1 CPU", "2 GiB memory"]
    assert small["refusal"]["code"] == "size-full"
    assert small["alternatives"][0] == {
        # Of the same profile, whichever that is.
        "profile": None,
        "image": "scipy",
        "size": "large",
        "label": "SciPy · Large",
        "reference": None,
    }
    assert options["image"]["choices"]["scipy"]["sandlot"]["contents"] == {
        "packages": [{"name": "numpy", "version": "2.1"}],
        "size_bytes": 5,
        "built_at": None,
    }
    assert json.loads(json.dumps(cpu)) == cpu
    gpu = build_profile_list(visible(person(), _priced(), here))[1]
    size = gpu["profile_options"]["size"]["choices"]["gpu"]["sandlot"]
    assert [size[key] for key in ("places", "taken", "price")] == [None, None, None]


@pytest.mark.parametrize(
    ("size", "without", "has_accelerator"),
    [
        pytest.param("small", ["torch"], False, id="has-no-accelerator"),
        pytest.param("large", ["base", "torch", "custom"], False, id="excludes-some"),
        pytest.param("gpu", [], True, id="runs-all"),
    ],
)
def test_a_size_tells_what_does_not_go_with_it(
    size: str, without: list[str], *, has_accelerator: bool
) -> None:
    changed = document()
    changed["sizes"]["large"]["excludes_images"] = ["base", "custom"]
    profiles = _list(SandlotSettings.model_validate(changed))
    found = [
        entry["profile_options"]["size"]["choices"][size]["sandlot"]
        for entry in profiles
        if size in entry["profile_options"]["size"]["choices"]
    ]
    assert found
    # The same in each profile that has it, whatever the images of that profile.
    assert {tuple(told["without"]) for told in found} == {tuple(without)}
    assert {told["has_accelerator"] for told in found} == {has_accelerator}


def _open(name: str = "Ours") -> SandlotSettings:
    """Return the catalogue with a profile in which images can be named."""
    changed = document()
    changed["profiles"]["cpu"]["custom_images"] = {
        "display_name": name,
        "allow": [{"registry": "quay.io", "repository": "lab/*"}],
    }
    return SandlotSettings.model_validate(changed)


def test_images_that_can_be_named() -> None:
    cpu, gpu, *_ = _list(_open())
    assert gpu["profile_options"]["image"]["unlisted_choice"] == {"enabled": False}
    image = cpu["profile_options"]["image"]
    unlisted = image["unlisted_choice"]
    assert unlisted == {
        "enabled": True,
        "display_name": "Name of the container image",
        "display_name_in_choices": "Ours",
        "validation_regex": unlisted["validation_regex"],
        "validation_message": "Name one like quay.io/lab/*.",
        "value": None,
    }
    assert image["sandlot"]["custom"] == {
        "display_name": "Ours",
        "hint": "Name one like quay.io/lab/*.",
        "refusal": None,
    }


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        pytest.param("quay.io/lab/x:1", True, id="tag"),
        pytest.param("r.org:5000/a_b/c-d@sha256:0a", True, id="everything"),
        pytest.param("", False, id="empty"),
        pytest.param("a b", False, id="space"),
        pytest.param("/x", False, id="slash"),
    ],
)
def test_the_pattern_for_browsers(text: str, *, fits: bool) -> None:
    pattern = _list(_open())[0]["profile_options"]["image"]["unlisted_choice"]["validation_regex"]
    assert (re.search(pattern, text) is not None) is fits


def test_on_one_machine_naming_is_off_and_says_why() -> None:
    here = Facilities(mode=Mode.LOCAL)
    image = build_profile_list(visible(person(), _open(), here))[0]["profile_options"]["image"]
    assert image["unlisted_choice"] == {"enabled": False}
    assert image["sandlot"]["custom"]["refusal"]["code"] == "reference-not-here"


@pytest.mark.parametrize(
    ("settings", "value", "default"),
    [
        pytest.param(_open(), "quay.io/lab/x:1", [], id="can-be-named"),
        pytest.param(catalogue(), None, ["scipy"], id="can-no-longer-be-named"),
    ],
)
def test_a_named_image_is_preselected(
    settings: SandlotSettings, value: str | None, default: list[str]
) -> None:
    selected = {"profile": "cpu", "reference": "quay.io/lab/x:1", "size": "large"}
    options = _list(settings, selected)[0]["profile_options"]
    assert options["image"]["unlisted_choice"].get("value") == value
    assert [slug for slug, e in options["image"]["choices"].items() if e["default"]] == default
    assert [s for s, e in options["size"]["choices"].items() if e["default"]] == ["large"]


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
        self.data_names: set[str | None] = set()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.data_names.add(found.get("data-name"))
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


def test_kubespawners_form_has_the_field_of_named_images() -> None:
    page = _rendered(_list(_open()))
    assert "profile-option-cpu--image--unlisted-choice" in page.data_names
    assert page.tags == _rendered(_list(_open("<b>Ours</b>"))).tags


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
