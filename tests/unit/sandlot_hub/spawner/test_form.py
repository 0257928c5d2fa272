from __future__ import annotations

import re
from typing import Any

import pytest

from sandlot_hub.domain.choices.options import options_from_form
from sandlot_hub.domain.choices.plan import Plan
from sandlot_hub.domain.offers.profile_list import build_profile_list
from sandlot_hub.domain.offers.profiles import resolve, visible
from sandlot_hub.spawner.form import FormNotes, FormPage, preselection, render_form
from support.catalogue import EVERYTHING_HERE, catalogue, person

NOTES = FormNotes(cpu_enforced=True, memory_enforced=True)
PAGE = FormPage(
    user="ada",
    server_name="",
    spawn_url="/hub/spawn/ada",
    static_url="/hub/sandlot/static/0123456789ab",
    price_unit="units",
    settings_hash="0",
)


def _form(selected: dict[str, str] | None = None, notes: FormNotes = NOTES) -> str:
    profiles = visible(person(), catalogue(), EVERYTHING_HERE)
    return render_form(build_profile_list(profiles, selected), notes=notes, page=PAGE)


def _posted(form: str) -> dict[str, list[str]]:
    """Return what a browser without JavaScript posts."""
    posted: dict[str, list[str]] = {}
    for tag in re.findall(r'<input[^>]*type="radio"[^>]*>', form):
        name, value = re.findall(r'\b(?:name|value)="([^"]*)"', tag)
        if "checked" in tag and "disabled" not in tag:
            posted.setdefault(name, []).append(value)
    return posted


@pytest.mark.parametrize(
    "selected",
    [
        pytest.param(None, id="default"),
        pytest.param({"profile": "cpu", "image": "scipy", "size": "large"}, id="last choice"),
        pytest.param({"profile": "gpu", "image": "torch", "size": "gpu"}, id="other profile"),
    ],
)
def test_what_is_preselected_resolves(selected: dict[str, str] | None) -> None:
    options = options_from_form(_posted(_form(selected)))
    plan = resolve(options, entitlements=person(), settings=catalogue(), facilities=EVERYTHING_HERE)
    assert isinstance(plan, Plan)
    assert selected is None or plan.options == selected


def test_limits_that_do_not_hold_are_told() -> None:
    notes = FormNotes(cpu_enforced=False, memory_enforced=False, memory_detail="No <cgroup>.")
    form = _form(notes=notes)
    assert "CPU is not enforced here" in form
    assert "Memory is not enforced here" in form
    assert "No &lt;cgroup&gt;." in form
    assert "not enforced" not in _form()


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        pytest.param({"profile": "a", "image": "b"}, {"profile": "a", "image": "b"}, id="some"),
        pytest.param(
            {"profile": "a", "reference": "quay.io/x:1"},
            {"profile": "a", "reference": "quay.io/x:1"},
            id="a named image",
        ),
        pytest.param({"profile": ["a"], "size": "s"}, {"size": "s"}, id="no text"),
        pytest.param({"profile": "a", "color": "red"}, {"profile": "a"}, id="unknown"),
        pytest.param(None, {}, id="nothing"),
        pytest.param(["profile"], {}, id="list"),
    ],
)
def test_only_what_can_be_a_choice_is_preselected(options: Any, kept: dict[str, str]) -> None:
    assert preselection(options) == kept
