from __future__ import annotations

import json
import re
from typing import Any

import pytest
from markupsafe import Markup

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.offers.profile_list import build_profile_list
from sandlot_hub.domain.offers.profiles import visible
from sandlot_hub.spawner.alike import ANY, NAME, OTHER, named_anew, told_alike, with_other
from sandlot_hub.spawner.form import FormNotes, FormPage, render_form
from support.alike import alike_catalogue, half_full
from support.catalogue import person

NOTES = FormNotes(cpu_enforced=True, memory_enforced=True)
PAGE = FormPage(
    user="ada",
    server_name="",
    spawn_url="/hub/spawn/ada",
    static_url="/hub/sandlot/static/0123456789ab",
    price_unit="€",
    settings_hash="0",
)
ON = {"display_name": "On"}
OFF = {"display_name": "Off"}


def _option(*said: dict[str, Any]) -> dict[str, Any]:
    return {"choices": {f"c{n}": {"sandlot": entry} for n, entry in enumerate(said)}}


@pytest.mark.parametrize(
    ("option", "context", "said", "is_alike"),
    [
        pytest.param(_option(ON, OFF), {"size": "small"}, "", True, id="the-same"),
        pytest.param(_option(ON, dict(OFF)), {"size": "small"}, "", False, id="another-entry"),
        pytest.param(_option(ON), {"size": "small"}, "", False, id="fewer"),
        pytest.param(_option(ON, OFF), {"size": "large"}, "", False, id="another-preselected"),
        pytest.param(_option(ON, OFF), {"size": "small"}, "Full.", False, id="another-reason"),
    ],
)
def test_what_is_told_alike(
    option: dict[str, Any], context: dict[str, str | None], said: str, *, is_alike: bool
) -> None:
    first = told_alike(_option(ON, OFF), {"size": "small"}, "")

    assert (told_alike(option, context, said) == first) is is_alike


def test_a_profile_is_named_anew() -> None:
    html = f'<a href="?opt-profile={ANY}">{NAME} &amp; more</a>'

    named = named_anew(html, "cpu", "<CPU>")

    assert named == '<a href="?opt-profile=cpu">&lt;CPU&gt; &amp; more</a>'


def test_what_fits_instead_is_put_in_as_it_is() -> None:
    assert with_other(f"<p>{OTHER}</p>", Markup("<b>x</b>")) == "<p><b>x</b></p>"


@pytest.mark.parametrize("when_full", ["refuse", "wait"])
@pytest.mark.parametrize("selected", [{}, {"profile": "p3", "image": "i1", "size": "s0"}])
def test_what_is_made_once_is_what_each_profile_would_say(
    when_full: str, selected: dict[str, str]
) -> None:
    settings = alike_catalogue(when_full=when_full)
    facilities = Facilities(mode=Mode.KUBERNETES, capacity=half_full(settings))
    shared = build_profile_list(visible(person(), settings, facilities), selected)
    # Nothing in it is one object any more: no two profiles are told alike.
    apart = json.loads(json.dumps(shared))

    form = render_form(shared, notes=NOTES, page=PAGE)

    assert form == render_form(apart, notes=NOTES, page=PAGE)
    assert not re.search(r"[\x00-\x08]", form)
    for profile in settings.profiles:
        size = form.split(f'id="sandlot-size--{profile}--s1"')[1].split("</div>\n</div>")[0]
        assert f'title="Profile &lt;{profile}&gt; · Image i0 · Size s' in size
        assert f'href="?opt-profile={profile}&amp;opt-image=i0&amp;opt-size=s' in size
