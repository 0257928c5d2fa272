from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.choices.options import options_from_form, text_field_name
from sandlot_hub.domain.choices.plan import Plan
from sandlot_hub.domain.offers.profiles import resolve, resolve_start
from sandlot_hub.domain.settings.catalogue import CUSTOM_IMAGE
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.domain.values.refusals import Refused
from support.catalogue import EVERYTHING_HERE, document, person

MACHINE = Facilities(mode=Mode.LOCAL)
RULES = [
    {"registry": "quay.io", "repository": "lab/*"},
    {"registry": "docker.io", "repository": "jupyter/*", "tag": "2026-*"},
]


def _settings(**custom: Any) -> SandlotSettings:
    changed = document()
    changed["profiles"]["cpu"]["custom_images"] = {"allow": RULES, **custom}
    changed["sizes"]["large"]["excludes_images"] = [CUSTOM_IMAGE]
    changed["sizes"]["small"]["max_running"] = 2
    for name in ("huge", "wide", "tall"):
        size = {"display_name": name.capitalize(), "cpus": 32, "memory": "64 GiB"}
        changed["sizes"][name] = size
        changed["profiles"]["cpu"]["sizes"].append(name)
    return SandlotSettings.model_validate(changed)


def _resolve(
    options: object, facilities: Facilities = EVERYTHING_HERE, *groups: str
) -> Plan | Refused:
    return resolve(
        options,
        entitlements=person("ann", *groups),
        settings=_settings(),
        facilities=facilities,
    )


def _full(**running: int) -> Facilities:
    return Facilities(mode=Mode.KUBERNETES, running=running)


@pytest.mark.parametrize(
    ("options", "facilities", "reference", "size"),
    [
        pytest.param(
            {"reference": "quay.io/lab/x:1", "size": "huge"},
            EVERYTHING_HERE,
            "quay.io/lab/x:1",
            "huge",
            id="all",
        ),
        pytest.param(
            {"reference": "quay.io/lab/x"},
            EVERYTHING_HERE,
            "quay.io/lab/x:latest",
            "small",
            id="default-size",
        ),
        pytest.param(
            {"reference": "jupyter/minimal:2026-11"},
            EVERYTHING_HERE,
            "docker.io/jupyter/minimal:2026-11",
            "small",
            id="normalised",
        ),
        pytest.param(
            {"reference": "quay.io/lab/x:1"},
            _full(small=2),
            "quay.io/lab/x:1",
            "huge",
            id="default-size-is-full",
        ),
        pytest.param(
            {"reference": "quay.io/lab/x:1", "size": "small-old"},
            EVERYTHING_HERE,
            "quay.io/lab/x:1",
            "small",
            id="redirected-size",
        ),
    ],
)
def test_plans(options: dict[str, str], facilities: Facilities, reference: str, size: str) -> None:
    plan = _resolve({"profile": "cpu", **options}, facilities)
    assert isinstance(plan, Plan)
    assert plan.image_slug == CUSTOM_IMAGE
    assert plan.image.reference == plan.image.display_name == reference
    assert plan.image.local is None
    assert plan.options == {"profile": "cpu", "reference": reference, "size": size}
    again = _resolve(plan.options, facilities)
    assert isinstance(again, Plan)
    assert (again.options, again.image) == (plan.options, plan.image)


@pytest.mark.parametrize(
    ("options", "facilities", "code", "field", "status", "words"),
    [
        pytest.param(
            {"profile": "gpu", "reference": "quay.io/lab/x"}, EVERYTHING_HERE,
            "reference-not-allowed", "reference", 403, "In the profile “GPU” images cannot be named",
            id="profile-has-none",
        ),
        pytest.param(
            {"profile": "cpu", "reference": "quay.io/lab/x"}, MACHINE,
            "reference-not-here", "reference", 409, "Servers on this machine run in no container",
            id="one-machine",
        ),
        pytest.param(
            {"profile": "gpu", "reference": "quay.io/lab/x"}, MACHINE,
            "reference-not-allowed", "reference", 403, "cannot be named. Choose one of its images",
            id="settings-before-machine",
        ),
        pytest.param(
            {"profile": "cpu", "reference": ""}, EVERYTHING_HERE,
            "reference-invalid", "reference", 400, "It is empty. Name one like quay.io/lab/*",
            id="empty",
        ),
        pytest.param(
            {"profile": "cpu", "reference": "quay.io/lab/x\n"}, EVERYTHING_HERE,
            "reference-invalid", "reference", 400, r"“quay.io/lab/x\n” is not the name",
            id="newline",
        ),
        pytest.param(
            {"profile": "cpu", "reference": "{0.__class__:>999999}"}, EVERYTHING_HERE,
            "reference-invalid", "reference", 400, "“{0.__class__:>999999}” is not", id="format",
        ),
        pytest.param(
            {"profile": "cpu", "reference": "evil.org/lab/x:1"}, EVERYTHING_HERE,
            "reference-not-allowed", "reference", 403,
            "“evil.org/lab/x:1” is not one of those that may be named in this profile. "
            "Name one like quay.io/lab/* or docker.io/jupyter/*:2026-*.",
            id="not-permitted",
        ),
        pytest.param(
            {"profile": "lab", "reference": "quay.io/lab/x"}, EVERYTHING_HERE,
            "profile-not-allowed", "profile", 403, "cs101", id="closed-profile",
        ),
        pytest.param(
            {"profile": "vault", "reference": "quay.io/lab/x"}, EVERYTHING_HERE,
            "profile-unknown", "profile", 400, "There is no profile", id="hidden-profile",
        ),
        pytest.param(
            {"profile": "cpu", "reference": "quay.io/lab/x", "size": "large"}, EVERYTHING_HERE,
            "incompatible", "size", 409, "“Large” runs none of the images", id="excluded",
        ),
        pytest.param(
            {"profile": "cpu", "reference": "quay.io/lab/x", "size": "small"}, _full(small=2),
            "size-full", "size", 409, "All 2 places", id="full",
        ),
        pytest.param(
            {"profile": "cpu", "reference": "quay.io/lab/x", "size": "gpu"}, EVERYTHING_HERE,
            "size-other-profile", "size", 400, "“One GPU” is not in", id="other-size",
        ),
        pytest.param(
            {"profile": "cpu", "reference": "quay.io/lab/x"},
            Facilities(mode=Mode.KUBERNETES, cpus=16, running={"small": 2}),
            "incompatible", "size", 409, "No size that runs an image which you name",
            id="no-size-left",
        ),
        pytest.param(
            {"profile": "cpu", "reference": "quay.io/lab/x", "image": "base"}, EVERYTHING_HERE,
            "option-repeated", "reference", 400, "both say which image", id="two-images",
        ),
        pytest.param(
            {"profile": "cpu", "reference": ["quay.io/a", "quay.io/b"]}, EVERYTHING_HERE,
            "option-repeated", "reference", 400, "was given 2 times", id="twice",
        ),
        pytest.param(
            {"profile": "cpu", "reference": 7}, EVERYTHING_HERE,
            "options-type", "reference", 400, "Give the name of a container image", id="number",
        ),
        pytest.param(
            {"profile": "cpu", "reference": "x" * 256}, EVERYTHING_HERE,
            "options-too-large", "reference", 400, "256 characters", id="too-long",
        ),
        pytest.param(
            {"reference": "quay.io/lab/x"}, EVERYTHING_HERE,
            "profile-required", "profile", 400, "name no profile", id="no-profile",
        ),
        pytest.param(
            {"profile": "cpu", "image": CUSTOM_IMAGE}, EVERYTHING_HERE,
            "image-unknown", "image", 400, "There is no image “custom”", id="its-slug-is-no-image",
        ),
    ],
)  # fmt: skip
def test_refusals(
    options: dict[str, Any], facilities: Facilities, code: str, field: str, status: int, words: str
) -> None:
    refused = _resolve(options, facilities)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.field, refused.status) == (code, field, status)
    assert words in refused.message
    assert refused.message.isprintable()
    for alternative in refused.alternatives:
        again = _resolve(alternative.options, facilities)
        assert isinstance(again, Plan)
        assert again.options == alternative.options


def test_instead_of_a_full_size_the_named_image_stays() -> None:
    options = {"profile": "cpu", "reference": "quay.io/lab/x", "size": "small"}
    refused = _resolve(options, _full(small=2))
    assert isinstance(refused, Refused)
    assert [a.options for a in refused.alternatives] == [
        {"profile": "cpu", "reference": "quay.io/lab/x:latest", "size": "huge"},
        {"profile": "cpu", "reference": "quay.io/lab/x:latest", "size": "wide"},
        {"profile": "cpu", "image": "scipy", "size": "large"},
    ]
    first, *_ = refused.alternatives
    assert first.label == "CPU · quay.io/lab/x:latest · Huge"
    assert first.image == CUSTOM_IMAGE


def test_a_named_image_is_remembered() -> None:
    last = {"profile": "cpu", "reference": "quay.io/lab/x:1", "size": "huge"}
    plan = resolve_start(
        None, last, entitlements=person(), settings=_settings(), facilities=EVERYTHING_HERE
    )
    assert isinstance(plan, Plan)
    assert plan.options == last
    gone = {**last, "reference": "evil.org/x:1"}
    default = resolve_start(
        None, gone, entitlements=person(), settings=_settings(), facilities=EVERYTHING_HERE
    )
    assert isinstance(default, Plan)
    assert default.options == {"profile": "cpu", "image": "scipy", "size": "small"}
    assert "“evil.org/x:1” is not one of those" in default.redirected[0]


def test_the_form_leads_to_the_plan() -> None:
    posted = {
        "profile": ["cpu"],
        "profile-option-cpu--image": ["unlisted-choice"],
        text_field_name("cpu"): [" quay.io/lab/x:1 "],
        "profile-option-cpu--size": ["small"],
    }
    plan = _resolve(options_from_form(posted))
    assert isinstance(plan, Plan)
    assert plan.options == {"profile": "cpu", "reference": "quay.io/lab/x:1", "size": "small"}


def test_a_long_name_is_shortened_where_people_read_it() -> None:
    name = "quay.io/lab/" + "x" * 220 + ":1"
    plan = _resolve({"profile": "cpu", "reference": name})
    assert isinstance(plan, Plan)
    assert plan.image.reference == name
    assert len(plan.image.display_name) == 200
    assert plan.image.display_name.endswith("…")
