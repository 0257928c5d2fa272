from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandlot_hub.domain.choices.options import field_name, options_from_form, options_from_query
from sandlot_hub.domain.choices.plan import Plan
from sandlot_hub.domain.offers.profiles import resolve
from sandlot_hub.domain.values.refusals import Refused
from support.catalogue import EVERYTHING_HERE, catalogue, person

IMAGE = "profile-option-cpu--image"
OTHER = "unlisted-choice"


@pytest.mark.parametrize("parse", [options_from_form, options_from_query], ids=["form", "query"])
@pytest.mark.parametrize(
    ("posted", "options"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"_xsrf": ["2|x"]}, {}, id="xsrf-only"),
        pytest.param({"profile": ["cpu"]}, {"profile": "cpu"}, id="profile"),
        pytest.param(
            {
                "_xsrf": ["2|x"],
                "profile": ["cpu"],
                "profile-option-cpu--image": ["base"],
                "profile-option-cpu--size": ["small"],
                "profile-option-cpu-large--size": ["gpu"],
                "profile-option-gpu--image": ["torch"],
            },
            {"profile": "cpu", "image": "base", "size": "small"},
            id="whole-form",
        ),
        pytest.param(
            {"profile": ["cpu"], "image": ["base"], "size": ["small"]},
            {"profile": "cpu", "image": "base", "size": "small"},
            id="short-names",
        ),
        pytest.param(
            {"profile": ["cpu"], "select-profile": ["cpu"]}, {"profile": "cpu"}, id="fancy-profiles"
        ),
        pytest.param(
            {"profile": ["cpu", "gpu"], "profile-option-cpu--image": ["base"]},
            {"profile": ["cpu", "gpu"]},
            id="two-profiles",
        ),
        pytest.param(
            {"profile": ["cpu"], "profile-option-cpu--image": ["a", "b"]},
            {"profile": "cpu", "image": ["a", "b"]},
            id="two-images",
        ),
        pytest.param(
            {"profile": ["cpu"], "image": ["a"], "profile-option-cpu--image": ["b"]},
            {"profile": "cpu", "image": ["a", "b"]},
            id="both-names",
        ),
        pytest.param({"profile-option-gpu--image": ["torch"]}, {"image": "torch"}, id="no-profile"),
        pytest.param({"profile": [""]}, {"profile": ""}, id="empty-profile"),
        pytest.param({"profile": []}, {"profile": []}, id="no-value"),
        pytest.param(
            {"profile": ["cpu"], "colour": ["red"]},
            {"profile": "cpu", "colour": "red"},
            id="unknown-key",
        ),
        pytest.param(
            {"profile": ["cpu"], "profile-option-cpu--profile": ["gpu"]},
            {"profile": "cpu", "profile-option-cpu--profile": "gpu"},
            id="profile-within-profile",
        ),
        # KubeSpawner's form posts the text in place of the image, others post both.
        pytest.param(
            {"profile": ["cpu"], f"{IMAGE}--unlisted-choice": ["x/y:1"]},
            {"profile": "cpu", "reference": "x/y:1"},
            id="text-alone",
        ),
        pytest.param(
            {"profile": ["cpu"], IMAGE: [OTHER], f"{IMAGE}--unlisted-choice": ["x/y:1"]},
            {"profile": "cpu", "reference": "x/y:1"},
            id="text-chosen",
        ),
        pytest.param(
            {
                "profile": ["cpu"],
                IMAGE: ["unlisted_choice"],
                f"{IMAGE}--unlisted-choice": ["x/y:1"],
            },
            {"profile": "cpu", "reference": "x/y:1"},
            id="text-chosen-as-fancy-profiles-posts-it",
        ),
        pytest.param(
            {"profile": ["cpu"], IMAGE: ["base"], f"{IMAGE}--unlisted-choice": ["x/y:1"]},
            {"profile": "cpu", "image": "base"},
            id="text-left-over",
        ),
        pytest.param(
            {"profile": ["cpu"], IMAGE: ["base"], f"{IMAGE}--unlisted-choice": [""]},
            {"profile": "cpu", "image": "base"},
            id="text-empty",
        ),
        pytest.param(
            {"profile": ["cpu"], f"{IMAGE}--unlisted-choice": [""]},
            {"profile": "cpu"},
            id="text-empty-alone",
        ),
        pytest.param(
            {"profile": ["cpu"], IMAGE: [OTHER], f"{IMAGE}--unlisted-choice": [""]},
            {"profile": "cpu", "reference": ""},
            id="text-chosen-but-empty",
        ),
        pytest.param(
            {"profile": ["cpu"], IMAGE: [OTHER]},
            {"profile": "cpu", "reference": ""},
            id="text-chosen-but-missing",
        ),
        pytest.param(
            {"profile": ["cpu"], f"{IMAGE}--unlisted-choice": ["a", "b"]},
            {"profile": "cpu", "reference": ["a", "b"]},
            id="two-texts",
        ),
        pytest.param(
            {"profile": ["cpu"], f"{IMAGE}--unlisted-choice": ["  x/y:1 "]},
            {"profile": "cpu", "reference": "x/y:1"},
            id="text-with-spaces-around",
        ),
        pytest.param(
            {"profile": ["cpu"], f"{IMAGE}--unlisted-choice": ["x/y\n"]},
            {"profile": "cpu", "reference": "x/y\n"},
            id="text-with-a-newline",
        ),
        pytest.param(
            {"profile": ["cpu"], "profile-option-gpu--image--unlisted-choice": ["x/y:1"]},
            {"profile": "cpu"},
            id="text-of-another-profile",
        ),
        pytest.param(
            {"profile": ["cpu"], "reference": ["x/y:1"]},
            {"profile": "cpu", "reference": "x/y:1"},
            id="reference",
        ),
        pytest.param(
            {"profile": ["cpu"], "image": [OTHER], "reference": ["x/y:1"]},
            {"profile": "cpu", "reference": "x/y:1"},
            id="reference-chosen",
        ),
        pytest.param(
            {"profile": ["cpu"], "reference": ["a"], f"{IMAGE}--unlisted-choice": ["b"]},
            {"profile": "cpu", "reference": ["a", "b"]},
            id="reference-and-text",
        ),
        pytest.param(
            {"profile": ["cpu"], "image": ["base"], "reference": ["x/y:1"]},
            {"profile": "cpu", "image": "base", "reference": "x/y:1"},
            id="reference-and-image",
        ),
        pytest.param(
            {"profile": ["cpu"], "image--unlisted-choice": ["x/y:1"]},
            {"profile": "cpu", "image--unlisted-choice": "x/y:1"},
            id="unlisted-choice-without-its-profile",
        ),
        pytest.param(
            {"profile": ["cpu"], "profile-option-cpu": ["x"]},
            {"profile": "cpu", "profile-option-cpu": "x"},
            id="no-part",
        ),
        pytest.param(
            {"profile": ["cpu"], "notebook_file": [{"body": b"x"}]},
            {"profile": "cpu", "notebook_file": {"body": b"x"}},
            id="upload",
        ),
    ],
)
def test_options(parse: Any, posted: dict[str, list[object]], options: dict[str, object]) -> None:
    assert parse(posted) == options


# S13: the form and the URL are judged by the one validator.
@pytest.mark.parametrize(
    ("posted", "code"),
    [
        pytest.param({"profile": ["cpu", "gpu"]}, "option-repeated", id="repeated"),
        pytest.param({"profile": ["cpu"], "x": ["1"]}, "option-unknown", id="unknown"),
        pytest.param({"profile-option-gpu--image": ["torch"]}, "profile-required", id="no-profile"),
        pytest.param({"profile": [""]}, "profile-required", id="empty"),
        pytest.param({"profile": []}, "options-type", id="no-value"),
        pytest.param(
            {"profile": ["cpu"], "profile-option-cpu--image": ["torch"]},
            "image-other-profile",
            id="other-profile",
        ),
    ],
)
def test_what_is_wrong_is_refused(posted: dict[str, list[str]], code: str) -> None:
    outcome = resolve(
        options_from_form(posted),
        entitlements=person(),
        settings=catalogue(),
        facilities=EVERYTHING_HERE,
    )
    assert isinstance(outcome, Refused)
    assert outcome.code == code


KEYS = (
    st.sampled_from(
        [
            "profile",
            "image",
            "reference",
            "profile-option-",
            IMAGE,
            f"{IMAGE}--unlisted-choice",
            "--",
            "_xsrf",
        ]
    )
    | st.text()
)


VALUES = st.sampled_from(["cpu", OTHER, ""]) | st.text(max_size=5)


@given(st.dictionaries(KEYS, st.lists(VALUES, max_size=3), max_size=5))
def test_any_form_is_read(form: dict[str, list[str]]) -> None:
    outcome = resolve(
        options_from_form(form),
        entitlements=person(),
        settings=catalogue(),
        facilities=EVERYTHING_HERE,
    )
    assert isinstance(outcome, Plan | Refused)


def test_field_names_are_read_again() -> None:
    form = {"profile": ["gpu"], field_name("gpu", "image"): ["torch"]}
    assert options_from_form(form) == {"profile": "gpu", "image": "torch"}
