from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.choices.plan import Plan
from sandlot_hub.domain.offers.profiles import resolve, resolve_start
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.domain.values.refusals import RefusalCode, Refused
from support.catalogue import EVERYTHING_HERE, catalogue, document, person

if TYPE_CHECKING:
    from sandlot_hub.domain.values.entitlements import Entitlements

ANN = person("ann")
LONG = "x" * 10_000_000
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]


class LyingText(str):
    """Equal to everything."""

    __slots__ = ()
    __hash__ = str.__hash__

    @override
    def __eq__(self, other: object) -> bool:
        return True


def _resolve(
    options: object, who: Entitlements = ANN, facilities: Facilities = EVERYTHING_HERE
) -> Plan | Refused:
    return resolve(options, entitlements=who, settings=catalogue(), facilities=facilities)


def _refused(
    options: object, who: Entitlements = ANN, facilities: Facilities = EVERYTHING_HERE
) -> Refused:
    outcome = _resolve(options, who, facilities)
    assert isinstance(outcome, Refused)
    return outcome


@pytest.mark.parametrize(
    ("options", "who", "slugs"),
    [
        pytest.param({}, ANN, "cpu scipy small", id="nothing-asked"),
        pytest.param(None, ANN, "cpu scipy small", id="none"),
        pytest.param({"profile": "gpu"}, ANN, "gpu torch gpu", id="profile-only"),
        pytest.param({"profile": "gpu", "image": "base"}, ANN, "gpu base small", id="image-only"),
        pytest.param({"profile": "cpu", "size": "large"}, ANN, "cpu scipy large", id="size-only"),
        pytest.param(
            {"profile": "gpu", "size": "gpu"}, ANN, "gpu torch gpu", id="size-picks-image"
        ),
        pytest.param(
            {"profile": "cpu", "image": "base", "size": "small"}, ANN, "cpu base small", id="full"
        ),
        pytest.param({"profile": "lab"}, person("b", "cs101"), "lab course small", id="group"),
        pytest.param(
            {"profile": "cpu", "size": "vip"}, person("vera"), "cpu scipy vip", id="by-name"
        ),
        pytest.param(
            {"profile": "vault", "image": "secret"},
            person("eve", "staff"),
            "vault secret inner",
            id="hidden-from-others",
        ),
        pytest.param({"profile": "cpu-old"}, ANN, "cpu scipy small", id="redirected-profile"),
        pytest.param(
            {"profile": "cpu", "image": "scipy-old", "size": "small-old"},
            ANN,
            "cpu scipy small",
            id="redirected-parts",
        ),
    ],
)
def test_plans(options: object, who: Entitlements, slugs: str) -> None:
    plan = _resolve(options, who)
    assert isinstance(plan, Plan)
    assert list(plan.options.values()) == slugs.split()
    assert plan.owner == who.user
    assert plan.image is plan.image
    assert _resolve(plan.options, who) == dataclasses.replace(plan, redirected=())


def test_a_plan_has_its_accelerators() -> None:
    plan = _resolve({"profile": "gpu"})
    assert isinstance(plan, Plan)
    assert plan.accelerator is not None
    assert (plan.accelerator.flavor_slug, plan.accelerator.count) == ("l4", 2)
    assert plan.accelerator.flavor.display_name == "NVIDIA L4"


def test_redirects_are_told() -> None:
    plan = _resolve({"profile": "cpu-old", "image": "scipy-old", "size": "small-old"})
    assert isinstance(plan, Plan)
    assert plan.redirected == (
        "The profile “CPU 2025” was replaced by “CPU”.",
        "The image “SciPy 2025” was replaced by “SciPy”. It is no longer patched.",
        "The size “Tiny” was replaced by “Small”.",
    )


@pytest.mark.parametrize(
    ("options", "code", "field"),
    [
        # S04: the form of the options
        pytest.param([], "options-type", None, id="list"),
        pytest.param("profile=cpu", "options-type", None, id="text"),
        pytest.param(7, "options-type", None, id="number"),
        pytest.param(object(), "options-type", None, id="object"),
        pytest.param({1: "cpu"}, "options-type", None, id="key-number"),
        pytest.param({LyingText("profile"): "cpu"}, "options-type", None, id="key-lies"),
        pytest.param({"profile": ["cpu"]}, "options-type", "profile", id="value-list"),
        pytest.param({"profile": {"cpu": 1}}, "options-type", "profile", id="value-dict"),
        pytest.param({"profile": 1}, "options-type", "profile", id="value-int"),
        pytest.param({"profile": None}, "options-type", "profile", id="value-none"),
        pytest.param({"profile": float("nan")}, "options-type", "profile", id="value-nan"),
        pytest.param({"profile": True}, "options-type", "profile", id="value-bool"),
        pytest.param({"profile": b"cpu"}, "options-type", "profile", id="value-bytes"),
        pytest.param({"profile": LyingText("cpu")}, "options-type", "profile", id="value-lies"),
        pytest.param({"profile": "cpu", "image": DEEP}, "options-type", "image", id="value-deep"),
        pytest.param({"profile": "cpu", "size": []}, "options-type", "size", id="value-empty-list"),
        pytest.param({"profile": LONG}, "options-too-large", "profile", id="value-10-mb"),
        pytest.param({LONG: "cpu"}, "options-too-large", "x" * 60 + "…", id="key-10-mb"),
        pytest.param(dict.fromkeys(map(str, range(10**5))), "options-too-large", None, id="many"),
        # S01: no profile
        pytest.param({"image": "base"}, "profile-required", "profile", id="no-profile"),
        pytest.param({"profile": ""}, "profile-required", "profile", id="empty-profile"),
        # unknown options
        pytest.param({"profile": "cpu", "colour": "red"}, "option-unknown", "colour", id="unknown"),
        pytest.param(
            {"profile": "cpu", "image--unlisted-choice": "x/y:1"},
            "option-unknown",
            "image--unlisted-choice",
            id="unlisted-choice",
        ),
        pytest.param({"": ""}, "option-unknown", "", id="empty-key"),
        pytest.param(
            {"profile": ["cpu", "gpu"]}, "option-repeated", "profile", id="repeated-profile"
        ),
        pytest.param(
            {"profile": "cpu", "image": ["a", "b"]}, "option-repeated", "image", id="repeated-image"
        ),
        # S02, S03, S07: unknown choices and near misses
        pytest.param({"profile": "nix"}, "profile-unknown", "profile", id="profile"),
        pytest.param({"profile": "CPU"}, "profile-unknown", "profile", id="profile-case"),
        pytest.param({"profile": "cpu\n"}, "profile-unknown", "profile", id="profile-newline"),
        pytest.param({"profile": "сpu"}, "profile-unknown", "profile", id="profile-look-alike"),
        pytest.param({"profile": "cpu", "image": "nix"}, "image-unknown", "image", id="image"),
        pytest.param({"profile": "cpu", "image": ""}, "image-unknown", "image", id="empty-image"),
        pytest.param({"profile": "cpu", "size": "nix"}, "size-unknown", "size", id="size"),
        # S08: nothing is formatted with what a user wrote
        pytest.param({"profile": "{0}"}, "profile-unknown", "profile", id="format-index"),
        pytest.param({"profile": "{x:>999999999}"}, "profile-unknown", "profile", id="format-width"),
        pytest.param(
            {"profile": "cpu", "image": "{image.__class__}"}, "image-unknown", "image", id="format"
        ),
        pytest.param({"profile": "cpu", "size": "{{"}, "size-unknown", "size", id="format-brace"),
        pytest.param({"profile": "%s%n%x"}, "profile-unknown", "profile", id="percent"),
        # S05: choices of another profile
        pytest.param(
            {"profile": "cpu", "image": "torch"}, "image-other-profile", "image", id="other-image"
        ),
        pytest.param(
            {"profile": "cpu", "size": "gpu"}, "size-other-profile", "size", id="other-size"
        ),
        # S06: not for this user
        pytest.param({"profile": "lab"}, "profile-not-allowed", "profile", id="closed-profile"),
        pytest.param({"profile": "vault"}, "profile-unknown", "profile", id="hidden-profile"),
        pytest.param(
            {"profile": "cpu", "image": "course"}, "image-not-allowed", "image", id="closed-image"
        ),
        pytest.param({"profile": "cpu", "size": "vip"}, "size-not-allowed", "size", id="closed-size"),
        pytest.param(
            {"profile": "cpu", "image": "secret"}, "image-unknown", "image", id="hidden-image"
        ),
        pytest.param(
            {"profile": "cpu", "size": "secret"}, "size-unknown", "size", id="hidden-size"
        ),
        pytest.param(
            {"profile": "cpu", "image": "inner"}, "image-unknown", "image", id="of-hidden-profile"
        ),
        pytest.param(
            {"profile": "cpu", "size": "inner"}, "size-unknown", "size", id="size-of-hidden-profile"
        ),
        # removed and replaced
        pytest.param({"profile": "cpu-gone"}, "profile-removed", "profile", id="removed-profile"),
        pytest.param(
            {"profile": "cpu", "image": "base-gone"}, "image-removed", "image", id="removed-image"
        ),
        pytest.param(
            {"profile": "cpu", "size": "small-gone"}, "size-removed", "size", id="removed-size"
        ),
        pytest.param(
            {"profile": "gpu", "image": "scipy-old"},
            "image-removed",
            "image",
            id="successor-elsewhere",
        ),
        pytest.param(
            {"profile": "vault-old"}, "profile-unknown", "profile", id="successor-hidden-profile"
        ),
        pytest.param(
            {"profile": "cpu", "image": "to-secret"},
            "image-unknown",
            "image",
            id="successor-hidden-image",
        ),
        pytest.param(
            {"profile": "cpu", "image": "secret-old"}, "image-unknown", "image", id="hidden-old"
        ),
        # what cannot be started
        pytest.param(
            {"profile": "cpu", "image": "base", "size": "large"},
            "incompatible",
            "size",
            id="excluded",
        ),
        pytest.param(
            {"profile": "gpu", "image": "torch", "size": "small"},
            "incompatible",
            "size",
            id="no-accelerator",
        ),
        pytest.param(
            {"profile": "machine", "image": "machine-only"}, "image-unavailable", "image", id="part"
        ),
        pytest.param({"profile": "machine"}, "profile-unavailable", "profile", id="nothing-on"),
        pytest.param(
            {"profile": "machine", "size": "small"}, "profile-unavailable", "profile", id="size-on"
        ),
    ],
)  # fmt: skip
def test_refusals(options: object, code: str, field: str | None) -> None:
    refused = _refused(options)
    assert refused.code == code
    assert refused.field == field
    assert 400 <= refused.status < 500
    assert (refused.status == 403) == code.endswith("not-allowed")
    assert refused.message.isprintable()
    assert len(refused.message) < 400
    assert refused.message.endswith(".")
    for alternative in refused.alternatives:
        again = _resolve(alternative.options)
        assert isinstance(again, Plan)


@pytest.mark.parametrize(
    ("options", "nothing_like_it"),
    [
        pytest.param({"profile": "vault"}, {"profile": "vxxxx"}, id="profile"),
        pytest.param({"profile": "vault-old"}, {"profile": "vxxxx-xxx"}, id="its-predecessor"),
        pytest.param({"profile": "gpu-secret"}, {"profile": "gxx-xxxxxx"}, id="led-to-an-open-one"),
        pytest.param(
            {"profile": "cpu", "image": "secret"}, {"profile": "cpu", "image": "sxxxxx"}, id="image"
        ),
        pytest.param(
            {"profile": "cpu", "image": "secret-old"},
            {"profile": "cpu", "image": "sxxxxx-xxx"},
            id="old-image",
        ),
        pytest.param(
            {"profile": "cpu", "image": "inner"}, {"profile": "cpu", "image": "ixxxx"}, id="inner"
        ),
        pytest.param(
            {"profile": "cpu", "size": "secret"}, {"profile": "cpu", "size": "sxxxxx"}, id="size"
        ),
        pytest.param(
            {"profile": "vault", "image": "inner"},
            {"profile": "vxxxx", "image": "ixxxx"},
            id="both",
        ),
    ],
)
def test_hidden_is_told_like_absent(
    options: dict[str, str], nothing_like_it: dict[str, str]
) -> None:
    def masked(refused: Refused) -> Any:
        words = [word for word in (*options.values(), *nothing_like_it.values()) if word != "cpu"]
        text = str(dataclasses.asdict(dataclasses.replace(refused, params=dict(refused.params))))
        for word in words:
            text = text.replace(word, "?")
        return text

    assert masked(_refused(options)) == masked(_refused(nothing_like_it))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(
            {"profile": "nix\x1b[31m"},
            r"There is no profile “nix\x1b[31m”. Choose “CPU” or “GPU”.",
            id="unknown-profile",
        ),
        pytest.param(
            {"profile": "cpu", "image": "nix"},
            "There is no image “nix” in the profile “CPU”. Choose “Base”, “SciPy” or “Cluster only”.",
            id="unknown-image",
        ),
        pytest.param(
            {"profile": "cpu", "image": "torch"},
            "The image “PyTorch” is not in the profile “CPU”. "
            "Choose “Base”, “SciPy” or “Cluster only”.",
            id="other-profile",
        ),
        pytest.param(
            {"profile": "cpu-gone"},
            "The profile “CPU 2019” was removed. Nobody used it. Choose “CPU” or “GPU”.",
            id="removed",
        ),
        pytest.param(
            {"profile": "lab"},
            "The profile “Teaching lab” is for members of cs101. "
            "Choose another profile, or ask an administrator for access.",
            id="not-allowed",
        ),
        pytest.param(
            {"profile": "cpu", "image": {}},
            "The option `image` is an object, not text. Give the short name of a choice.",
            id="type",
        ),
        pytest.param(
            {"profile": "gpu", "image": "torch", "size": "small"},
            "The image “PyTorch” needs an accelerator, and the size “Small” has none. "
            "Choose another size or another image.",
            id="incompatible",
        ),
    ],
)
def test_messages(options: object, message: str) -> None:
    assert _refused(options).message == message


def test_a_size_without_its_accelerator() -> None:
    facilities = Facilities(
        mode=Mode.LOCAL, flavors=frozenset(), flavor_reasons={"l4": "This machine has no GPU."}
    )
    refused = _refused({"profile": "gpu", "image": "base", "size": "gpu"}, facilities=facilities)
    assert refused.code is RefusalCode.SIZE_UNAVAILABLE
    assert refused.status == 409
    assert refused.message == (
        "The size “One GPU” cannot be started here. It needs 2 × NVIDIA L4. "
        "This machine has no GPU. Choose another size."
    )
    instead = refused.alternatives[0]
    assert (instead.profile, instead.image, instead.size) == ("gpu", "base", "small")


def test_an_image_whose_sizes_are_off_says_so_as_the_form_does() -> None:
    facilities = Facilities(mode=Mode.LOCAL, flavors=frozenset())
    refused = _refused({"profile": "gpu", "image": "torch"}, facilities=facilities)
    assert refused.code is RefusalCode.INCOMPATIBLE
    assert "no size of this profile with one can be started now" in refused.message


@pytest.mark.parametrize(
    ("allow", "facilities", "code"),
    [
        pytest.param({"groups": ["x"]}, EVERYTHING_HERE, "profile-none", id="none-allowed"),
        pytest.param(
            {}, Facilities(mode=Mode.LOCAL, cpus=0.01), "profile-unavailable", id="none-on"
        ),
    ],
)
def test_no_profile_at_all(allow: dict[str, Any], facilities: Facilities, code: str) -> None:
    changed = document()
    for profile in changed["profiles"].values():
        profile["allow"] = allow
    settings = SandlotSettings.model_validate(changed)
    refused = resolve({}, entitlements=ANN, settings=settings, facilities=facilities)
    assert isinstance(refused, Refused)
    assert refused.code == code
    assert refused.alternatives == ()
    start = resolve_start(
        None, {"profile": "cpu"}, entitlements=ANN, settings=settings, facilities=facilities
    )
    assert start == refused
