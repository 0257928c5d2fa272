"""What a start without options takes: the last choice while it resolves, else the default."""

from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.capacity.facilities import Facilities, ImageReadiness, Mode
from sandlot_hub.domain.choices.plan import Plan
from sandlot_hub.domain.offers.profiles import resolve_start
from sandlot_hub.domain.values.refusals import Refused
from support.catalogue import EVERYTHING_HERE, catalogue, person

ANN = person("ann")
LONG = "x" * 10_000_000


def _start(requested: object, last: object, facilities: Facilities = EVERYTHING_HERE) -> Any:
    return resolve_start(
        requested, last, entitlements=ANN, settings=catalogue(), facilities=facilities
    )


@pytest.mark.parametrize("requested", [None, {}], ids=["none", "empty"])
@pytest.mark.parametrize(
    ("last", "slugs", "note"),
    [
        pytest.param(None, "cpu scipy small", "", id="nothing-stored"),
        pytest.param({}, "cpu scipy small", "", id="empty"),
        pytest.param({"profile": "gpu", "image": "base"}, "gpu base small", "", id="valid"),
        pytest.param(
            {"profile": "cpu-old", "image": "base"}, "cpu base small", "was replaced by", id="old"
        ),
        pytest.param({"profile": "vault"}, "cpu scipy small", "no profile “vault”", id="narrowed"),
        pytest.param({"profile": "machine"}, "cpu scipy small", "cannot be started now", id="off"),
        pytest.param(["gpu"], "cpu scipy small", "The options are a list", id="list"),
        pytest.param({"x": LONG}, "cpu scipy small", "There is no option “x”", id="hostile"),
    ],
)
def test_a_start_without_options(requested: object, last: object, slugs: str, note: str) -> None:
    plan = _start(requested, last)
    assert isinstance(plan, Plan)
    assert list(plan.options.values()) == slugs.split()
    assert bool(plan.redirected) is bool(note)
    assert note in "".join(plan.redirected)


@pytest.mark.parametrize(
    ("requested", "code"),
    [
        pytest.param([], "options-type", id="empty-list"),
        pytest.param("", "options-type", id="empty-text"),
        pytest.param(0, "options-type", id="zero"),
        pytest.param({"profile": "nix"}, "profile-unknown", id="unknown"),
    ],
)
def test_options_that_are_wrong_never_fall_back(requested: object, code: str) -> None:
    refused = _start(requested, {"profile": "gpu"})
    assert isinstance(refused, Refused)
    assert refused.code == code


def test_options_win_over_the_last_choice() -> None:
    plan = _start({"profile": "cpu"}, {"profile": "gpu"})
    assert plan.profile_slug == "cpu"


def test_a_last_choice_is_taken_again_when_it_is_back() -> None:
    last = {"profile": "cpu", "image": "base", "size": "small"}
    building = Facilities(mode=Mode.LOCAL, images={"base": ImageReadiness(ready=False)})
    assert _start(None, last, building).image_slug == "scipy"
    assert _start(None, last).image_slug == "base"
