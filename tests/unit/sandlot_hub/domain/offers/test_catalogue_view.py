from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.offers.catalogue_view import ViewState, view_catalogue
from sandlot_hub.domain.offers.profiles import visible
from sandlot_hub.domain.settings.model import SandlotSettings
from support.catalogue import EVERYTHING_HERE, catalogue, document, person

if TYPE_CHECKING:
    from sandlot_hub.domain.offers.catalogue_view import ViewedChoice, ViewedProfile
    from sandlot_hub.domain.values.entitlements import Entitlements

SETTINGS = catalogue()


def _profiles(who: Entitlements) -> dict[str, ViewedProfile]:
    return {each.slug: each for each in view_catalogue(who, SETTINGS, EVERYTHING_HERE)}


def _told(entry: ViewedProfile | ViewedChoice) -> tuple[str, str]:
    return entry.state, "" if entry.reason is None else entry.reason.code


@pytest.mark.parametrize(
    ("groups", "slug", "told"),
    [
        pytest.param((), "cpu", ("shown", ""), id="open"),
        pytest.param((), "lab", ("disabled", "profile-not-allowed"), id="of others, shown"),
        pytest.param(("cs101",), "lab", ("shown", ""), id="of a group"),
        pytest.param((), "vault", ("hidden", "hidden"), id="of others, hidden"),
        pytest.param(("staff",), "vault", ("shown", ""), id="hidden from others"),
        pytest.param((), "machine", ("disabled", "profile-unavailable"), id="cannot start"),
        pytest.param((), "cpu-old", ("hidden", "deprecated"), id="replaced"),
        pytest.param((), "cpu-gone", ("hidden", "deprecated"), id="removed"),
        pytest.param(("staff",), "gpu-secret", ("hidden", "deprecated"), id="replaced, theirs"),
    ],
)
def test_profiles(groups: tuple[str, ...], slug: str, told: tuple[str, str]) -> None:
    assert _told(_profiles(person("ann", *groups))[slug]) == told


@pytest.mark.parametrize(
    ("groups", "profile", "part", "slug", "told"),
    [
        pytest.param((), "cpu", "images", "base", ("shown", ""), id="open"),
        pytest.param((), "cpu", "images", "course", ("disabled", "image-not-allowed"), id="off"),
        pytest.param((), "cpu", "images", "secret", ("hidden", "hidden"), id="hidden"),
        pytest.param((), "cpu", "images", "base-gone", ("hidden", "deprecated"), id="removed"),
        pytest.param((), "cpu", "sizes", "vip", ("disabled", "size-not-allowed"), id="off size"),
        pytest.param((), "vault", "images", "inner", ("hidden", "profile-hidden"), id="inside"),
        pytest.param((), "vault", "images", "secret", ("hidden", "hidden"), id="both hidden"),
        pytest.param(("staff",), "vault", "sizes", "inner", ("shown", ""), id="theirs"),
    ],
)
def test_choices(
    groups: tuple[str, ...], profile: str, part: str, slug: str, told: tuple[str, str]
) -> None:
    viewed = _profiles(person("ann", *groups))[profile]
    (choice,) = [each for each in getattr(viewed, part) if each.slug == slug]
    assert _told(choice) == told


@pytest.mark.parametrize("who", [person(), person("vera"), person("sue", "staff", "cs101")])
def test_nothing_is_missing_and_the_shown_is_what_the_person_sees(who: Entitlements) -> None:
    viewed = view_catalogue(who, SETTINGS, EVERYTHING_HERE)
    assert [each.slug for each in viewed] == list(SETTINGS.profiles)
    for each in viewed:
        entry = SETTINGS.profiles[each.slug]
        assert tuple(choice.slug for choice in each.images) == entry.images
        assert tuple(choice.slug for choice in each.sizes) == entry.sizes
        entries: tuple[ViewedProfile | ViewedChoice, ...] = (each, *each.images, *each.sizes)
        for told in entries:
            assert (told.reason is None) == (told.state is ViewState.SHOWN)
    seen = visible(who, SETTINGS, EVERYTHING_HERE)
    assert {p.slug: p.refusal and p.refusal.message for p in seen} == {
        p.slug: p.reason and p.reason.message for p in viewed if p.state is not ViewState.HIDDEN
    }
    assert [p.slug for p in viewed if p.default] == [p.slug for p in seen if p.default]


def test_reasons_and_access_are_sentences() -> None:
    profiles = _profiles(person())
    assert profiles["cpu"].access == "For everybody."
    assert profiles["lab"].access == "For members of cs101."
    assert profiles["vault"].access == "For members of staff. Hidden from everybody else."
    reason = profiles["cpu-old"].reason
    assert reason is not None
    assert reason.message == "This profile is deprecated. Whoever asks for it gets “CPU”."
    (vip,) = [size for size in profiles["cpu"].sizes if size.slug == "vip"]
    assert vip.access == "For vera."


def test_naming_an_image_is_a_line_of_its_own() -> None:
    document_ = document()
    for slug in ("cpu", "vault"):
        document_["profiles"][slug]["custom_images"] = {
            "allow": [{"registry": "quay.io", "repository": "**"}]
        }
    settings = SandlotSettings.model_validate(document_)

    def last(mode: Mode, slug: str) -> tuple[str, str]:
        viewed = view_catalogue(person(), settings, Facilities(mode=mode))
        (profile,) = [each for each in viewed if each.slug == slug]
        assert profile.images[-1].slug == "custom"
        return _told(profile.images[-1])

    assert last(Mode.KUBERNETES, "cpu") == ("shown", "")
    assert last(Mode.LOCAL, "cpu") == ("disabled", "reference-not-here")
    assert last(Mode.KUBERNETES, "vault") == ("hidden", "profile-hidden")
