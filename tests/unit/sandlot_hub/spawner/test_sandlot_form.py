"""The template of the form: what a browser gets before any script has run."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from sandlot_contracts.images import ImageContents, Package
from sandlot_contracts.problem import Alternative
from sandlot_hub.domain.capacity.facilities import Facilities, ImageReadiness, Mode
from sandlot_hub.domain.choices.options import options_from_form
from sandlot_hub.domain.offers.profile_list import build_profile_list
from sandlot_hub.domain.offers.profiles import visible
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.spawner.form import FormNotes, FormPage, ImpossibleChoice, render_form
from support.catalogue import EVERYTHING_HERE, catalogue, document, person

NOTES = FormNotes(cpu_enforced=True, memory_enforced=True)
PAGE = FormPage(
    user="ada",
    server_name="",
    spawn_url="/hub/spawn/ada",
    static_url="/hub/sandlot/static/0123456789ab",
    price_unit="€",
    settings_hash="0",
)
INSIDE = ImageContents(
    packages=(Package(name="numpy", version="2.3.4"),),
    size_bytes=1_288_490_188,
    built_at="2026-11-18T09:12:44Z",
)


class _Tags(HTMLParser):
    def __init__(self, form: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(form)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def _render(
    settings: SandlotSettings | None = None,
    facilities: Facilities = EVERYTHING_HERE,
    **page: Any,
) -> str:
    profiles = visible(person(), settings or catalogue(), facilities)
    shown = dataclasses.replace(PAGE, **page)
    return render_form(build_profile_list(profiles), notes=NOTES, page=shown)


def _with(section: str, slug: str, **keys: Any) -> SandlotSettings:
    changed = document()
    changed[section][slug].update(keys)
    return SandlotSettings.model_validate(changed)


def _choice(form: str, radio: str) -> str:
    """Return what is said about one choice."""
    found = re.search(
        rf'<div class="sandlot-about" id="{radio}--about">(.*?)</div>\n</div>', form, re.DOTALL
    )
    assert found is not None, radio
    return found[1]


def test_names_and_descriptions_are_text() -> None:
    evil = '<script>"&amp;</script>'
    settings = _with("sizes", "small", display_name=evil, description=evil)
    form = _render(settings, ticket=evil, user=evil)

    assert evil not in form
    assert [tag for tag, _ in _Tags(form).tags].count("script") == 1
    assert any(attrs.get("data-ticket") == evil for _, attrs in _Tags(form).tags)


def test_every_choice_has_an_id_a_label_and_a_description_of_its_own() -> None:
    tags = _Tags(_render()).tags
    radios = [attrs for tag, attrs in tags if attrs.get("type") == "radio"]
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]

    assert len(ids) == len(set(ids))
    assert {attrs["for"] for tag, attrs in tags if tag == "label"} >= {r["id"] for r in radios}
    assert {radio["aria-describedby"] for radio in radios} <= set(ids)
    # What stands for "any profile" while the form is made is gone.
    assert "\0" not in _render()


def test_a_choice_that_is_full_says_why_and_what_fits_instead() -> None:
    settings = _with("sizes", "small", max_running=1, price=2.5)
    form = _render(settings, Facilities(mode=Mode.KUBERNETES, running={"small": 1}))
    small = _choice(form, "sandlot-size--cpu--small")

    assert '<span class="sandlot-state">full</span>' in small
    assert "The only place of the size" in small
    assert 'href="?opt-profile=cpu&amp;opt-image=' in small
    assert "2.5 €/h" in small


@pytest.mark.parametrize(
    ("running", "words"),
    [
        pytest.param({"small": 5}, "7 of 12 free", id="some"),
        pytest.param({}, "12 of 12 free", id="all"),
        pytest.param(None, "not known", id="nobody knows"),
    ],
)
def test_a_choice_says_how_many_are_free(running: dict[str, int] | None, words: str) -> None:
    settings = _with("sizes", "small", max_running=12)
    form = _render(settings, Facilities(mode=Mode.KUBERNETES, running=running))

    assert f">{words}</span>" in _choice(form, "sandlot-size--cpu--small")


def test_what_is_inside_an_image_is_told_once() -> None:
    ready = {"base": ImageReadiness(ready=True, contents=INSIDE)}
    form = _render(facilities=Facilities(mode=Mode.KUBERNETES, images=ready))

    assert form.count('id="sandlot-inside--base"') == 1
    assert form.count('popovertarget="sandlot-inside--base"') > 2
    assert form.count("2.3.4") == 1
    assert "1.2 GiB on disk" in form
    assert '<time datetime="2026-11-18T09:12:44Z"' in form


def test_one_profile_needs_no_cards() -> None:
    only = {"cpu": document()["profiles"]["cpu"]}
    form = _render(catalogue(profiles=only))

    assert '<input type="hidden" name="profile" value="cpu">' in form
    assert "sandlot-profiles" not in form
    assert "for CPU" not in form


def test_many_choices_can_be_searched() -> None:
    one = document()["profiles"]["cpu"]
    many = catalogue(profiles={f"p{n}": {**one, "default": n == 0} for n in range(20)})

    assert 'type="search"' in _render(many)
    assert 'type="search"' not in _render()


def test_a_last_choice_that_is_gone_explains_itself() -> None:
    other = Alternative(profile="cpu", image="base", size="small", label="CPU · Base · Small")
    last = ImpossibleChoice(message="It is <gone>.", code="size-full", alternatives=(other,))
    form = _render(last=last)

    assert "It is &lt;gone&gt;." in form
    assert "Code: size-full" in form
    assert 'href="?opt-profile=cpu&amp;opt-image=base&amp;opt-size=small"' in form


def test_a_refusal_is_told_in_one_place() -> None:
    settings = _with("sizes", "small", max_running=1)
    full = Facilities(mode=Mode.KUBERNETES, running={"small": 1})
    other = Alternative(profile="cpu", image="base", size="large", label="CPU · Base · Large")
    asked = {"profile": "cpu", "image": "base", "size": "small"}
    refused = ImpossibleChoice(
        message="It is full.", code="size-full", alternatives=(other,), choice=asked
    )
    form = _render(settings, full, refused=refused)
    found = re.search(
        r'<div class="alert[^>]* id="sandlot-refused".*?\n</div>\n</div>', form, re.DOTALL
    )
    small = _choice(form, "sandlot-size--cpu--small")

    assert found is not None
    assert 'role="alert"' in found[0]
    assert "It is full." in found[0]
    assert "Code: size-full" in found[0]
    assert '<span class="visually-hidden">CPU · </span>' in found[0]
    assert "<span>Large</span></a>" in found[0]
    # The choice itself says why, and does not repeat what fits instead.
    assert "The only place of the size" in small
    assert "sandlot-instead" not in small


def test_what_does_not_go_together_is_known_to_the_page() -> None:
    radios = {
        attrs["id"]: attrs for _, attrs in _Tags(_render()).tags if attrs.get("type") == "radio"
    }

    assert radios["sandlot-size--cpu--large"]["data-sandlot-without"] == "base torch"
    assert "data-sandlot-without" not in radios["sandlot-size--gpu--gpu"]
    assert radios["sandlot-size--gpu--gpu"]["data-sandlot-has"] == "accelerator"
    assert radios["sandlot-image--gpu--torch"]["data-sandlot-needs"] == "accelerator"


def test_many_profiles_are_described_once_each_beside_what_is_chosen() -> None:
    one = document()["profiles"]["cpu"]
    many = catalogue(profiles={f"p{n}": {**one, "default": n == 0} for n in range(20)})
    form = _render(many)

    assert "For everyday work" not in _choice(form, "sandlot-profile--p3")
    assert '<p class="sandlot-chosen" id="sandlot-profile--p3--more">For everyday work' in form
    assert 'aria-describedby="sandlot-profile--p3--about sandlot-profile--p3--more"' in form


@pytest.mark.parametrize(
    ("page", "words"),
    [
        pytest.param({"known": True, "age_s": 2}, "the moment when this page was loaded", id="new"),
        pytest.param({"known": True, "age_s": 40.2}, "as of 40 s before this page", id="old"),
        pytest.param({"stream_url": "/s"}, "Availability is not known", id="not known"),
    ],
)
def test_the_age_of_what_is_shown_stands_there(page: dict[str, Any], words: str) -> None:
    assert words in _render(**page)


@pytest.mark.parametrize(
    ("page", "offered"),
    [
        pytest.param({"named_servers": True}, True, id="default server"),
        pytest.param({"named_servers": True, "server_name": "big"}, False, id="has a name"),
        pytest.param({}, False, id="hub without named servers"),
    ],
)
def test_a_name_for_the_server_is_asked_where_it_can_have_one(
    page: dict[str, Any], offered: bool
) -> None:
    assert ("sandlot-server-name" in _render(**page)) is offered


def test_nothing_open_says_whom_to_ask() -> None:
    form = render_form([], notes=NOTES, page=PAGE)

    assert "ask an administrator" in form
    assert 'data-startable="false"' in form


def _with_custom_images() -> SandlotSettings:
    rule = {"registry": "quay.io", "repository": "jupyter/*"}
    return _with("profiles", "cpu", custom_images={"allow": [rule]})


def test_an_image_can_be_named_where_a_profile_lets_people() -> None:
    form = _render(_with_custom_images())
    tags = [attrs for tag, attrs in _Tags(form).tags if tag == "input"]
    (field,) = [attrs for attrs in tags if attrs.get("id") == "sandlot-reference--cpu"]
    (radio,) = [attrs for attrs in tags if attrs.get("value") == "unlisted-choice"]
    posted = {
        "profile": ["cpu"],
        str(radio["name"]): ["unlisted-choice"],
        str(field["name"]): [" quay.io/jupyter/base:1 "],
    }

    assert options_from_form(posted) == {"profile": "cpu", "reference": "quay.io/jupyter/base:1"}
    assert field["data-sandlot-pattern"]


def test_where_no_image_can_be_named_it_says_why() -> None:
    form = _render(_with_custom_images(), Facilities(mode=Mode.LOCAL))
    about = _choice(form, "sandlot-image--cpu--unlisted-choice")

    assert "not available" in about
    assert '<div class="sandlot-reason">' in about
    assert "sandlot-reference--cpu" not in form


def test_a_named_image_is_shown_again() -> None:
    settings = _with_custom_images()
    profiles = visible(person(), settings, EVERYTHING_HERE)
    wanted = {"profile": "cpu", "reference": "quay.io/jupyter/base:1", "size": "small"}
    form = render_form(build_profile_list(profiles, wanted), notes=NOTES, page=PAGE)
    checked = [
        attrs["id"] for tag, attrs in _Tags(form).tags if tag == "input" and "checked" in attrs
    ]

    assert 'value="quay.io/jupyter/base:1"' in form
    assert "sandlot-image--cpu--unlisted-choice" in checked
    assert len([each for each in checked if str(each).startswith("sandlot-image--cpu--")]) == 1


def test_500_choices_are_all_on_the_page() -> None:
    changed = document()
    size = {"display_name": "S", "cpus": 1, "memory": "1 GiB"}
    names = [f"s{n}" for n in range(500)]
    changed["sizes"].update(dict.fromkeys(names, size))
    changed["profiles"]["cpu"].update(sizes=names, defaults={})
    tags = _Tags(_render(SandlotSettings.model_validate(changed))).tags
    field = "profile-option-cpu--size"
    radios = [each for tag, each in tags if tag == "input" and each.get("name") == field]
    assert [each["value"] for each in radios] == names
    assert [each["value"] for each in radios if "checked" in each] == ["s0"]
