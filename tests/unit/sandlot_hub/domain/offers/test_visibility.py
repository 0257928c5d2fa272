from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandlot_contracts.images import NO_CONTENTS, ImageContents, Package
from sandlot_hub.domain.capacity.facilities import Facilities, ImageReadiness, Mode
from sandlot_hub.domain.choices.alternatives import Alternatives
from sandlot_hub.domain.choices.choice import Choice
from sandlot_hub.domain.choices.viewpoint import Viewpoint
from sandlot_hub.domain.offers.profiles import visible
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.domain.values.refusals import RefusalCode
from support.alike import alike_catalogue, half_full
from support.catalogue import EVERYTHING_HERE, GIB, catalogue, document, person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandlot_hub.domain.offers.shown import VisibleChoice, VisibleProfile
    from sandlot_hub.domain.values.entitlements import Entitlements

MACHINE = Facilities(
    mode=Mode.LOCAL,
    images={"scipy": ImageReadiness(ready=False, reason="It is being built, 40 % done.")},
    flavors=frozenset(),
    flavor_reasons={"l4": "This machine has no GPU."},
    cpus=4.0,
    memory_bytes=16 * GIB,
)


def _see(who: Entitlements, facilities: Facilities = EVERYTHING_HERE) -> dict[str, VisibleProfile]:
    return {profile.slug: profile for profile in visible(who, catalogue(), facilities)}


@pytest.mark.parametrize(
    ("who", "profiles", "images", "sizes"),
    [
        pytest.param(
            person("ann"),
            "cpu gpu lab! machine!",
            "base scipy* cluster-only course!",
            "large small* vip!",
            id="nobody-special",
        ),
        pytest.param(
            person("bob", "cs101"),
            "cpu gpu lab machine!",
            "base scipy* cluster-only course",
            "large small* vip!",
            id="group-opens",
        ),
        pytest.param(
            person("eve", "staff"),
            "cpu gpu lab! machine! vault",
            "base scipy* cluster-only course! secret",
            "large small* vip! secret",
            id="hidden-for-others",
        ),
        pytest.param(
            person("vera"),
            "cpu gpu lab! machine!",
            "base scipy* cluster-only course!",
            "large small* vip",
            id="user-opens",
        ),
        pytest.param(
            person("staff", "STAFF", "cs10"),
            "cpu gpu lab! machine!",
            "base scipy* cluster-only course!",
            "large small* vip!",
            id="names-that-only-look-alike",
        ),
    ],
)
def test_who_sees_what(who: Entitlements, profiles: str, images: str, sizes: str) -> None:
    """``!`` is shown disabled, ``*`` is preselected."""
    seen = _see(who)
    assert [p.slug + "!" * (p.refusal is not None) for p in seen.values()] == profiles.split()
    for choices, expected in ((seen["cpu"].images, images), (seen["cpu"].sizes, sizes)):
        marks = [c.slug + "!" * (c.refusal is not None) + "*" * c.default for c in choices]
        assert marks == expected.split()


def test_the_flagged_profile_is_preselected_before_the_first() -> None:
    changed = document()
    changed["profiles"]["cpu"]["default"] = False
    changed["profiles"]["gpu"]["default"] = True
    settings = SandlotSettings.model_validate(changed)
    defaults = [p.slug for p in visible(person(), settings, EVERYTHING_HERE) if p.default]
    assert defaults == ["gpu"]


def _choices(profile: VisibleProfile) -> list[VisibleChoice[Any]]:
    return [*profile.images, *profile.sizes]


def test_one_profile_is_preselected() -> None:
    assert [slug for slug, profile in _see(person()).items() if profile.default] == ["cpu"]


@pytest.mark.parametrize(
    ("profile", "part", "slug", "code", "words"),
    [
        pytest.param(
            "cpu", "images", "cluster-only", "image-unavailable", "no local environment", id="part"
        ),
        pytest.param(
            "cpu", "images", "scipy", "image-unavailable", "being built, 40 % done", id="building"
        ),
        pytest.param(
            "cpu", "images", "course", "image-not-allowed", "members of cs101", id="not-allowed"
        ),
        pytest.param(
            "gpu", "sizes", "gpu", "size-unavailable", "2 × NVIDIA L4. This machine", id="flavor"
        ),
        pytest.param(
            "cpu", "sizes", "large", "size-unavailable", "8 CPUs, and a server can have", id="cpus"
        ),
        pytest.param(
            "cpu", "sizes", "vip", "size-not-allowed", "is for certain people", id="no-names"
        ),
        pytest.param(
            "gpu", "images", "torch", "incompatible", "needs an accelerator", id="no-partner"
        ),
    ],
)
def test_why_a_choice_is_off(profile: str, part: str, slug: str, code: str, words: str) -> None:
    choices = getattr(_see(person(), MACHINE)[profile], part)
    [refusal] = [choice.refusal for choice in choices if choice.slug == slug]
    assert refusal.code == code
    assert words in refusal.message
    assert refusal.field == part.removesuffix("s")


def test_memory_beyond_the_machine_is_off() -> None:
    facilities = Facilities(mode=Mode.LOCAL, memory_bytes=2 * GIB - 1)
    [refusal] = [c.refusal for c in _see(person(), facilities)["cpu"].sizes if c.slug == "small"]
    assert refusal is not None
    assert "needs 2 GiB of memory, and a server can have at most 1.9 GiB" in refusal.message


def test_what_is_not_known_is_not_off() -> None:
    facilities = Facilities(mode=Mode.LOCAL, flavors=None, images={})
    choices = _choices(_see(person(), facilities)["gpu"])
    assert [choice.refusal for choice in choices] == [None] * 4


def test_default_falls_to_what_can_be_started() -> None:
    seen = _see(person(), MACHINE)["cpu"]
    assert [choice.slug for choice in seen.images if choice.default] == ["base"]
    assert [choice.slug for choice in seen.sizes if choice.default] == ["small"]


def test_default_size_gives_way_to_the_default_image() -> None:
    changed = document()
    changed["profiles"]["gpu"]["defaults"] = {"image": "torch", "size": "small"}
    settings = SandlotSettings.model_validate(changed)
    [profile] = [p for p in visible(person(), settings, EVERYTHING_HERE) if p.slug == "gpu"]
    assert [choice.slug for choice in _choices(profile) if choice.default] == ["torch", "gpu"]


def test_profiles_that_differ_in_their_defaults_only_keep_them() -> None:
    changed = document()
    twin = {**changed["profiles"]["cpu"], "default": False, "allow": {"groups": ["cs101"]}}
    changed["profiles"]["twin"] = {**twin, "defaults": {"image": "base", "size": "small"}}
    settings = SandlotSettings.model_validate(changed)
    seen = {p.slug: p for p in visible(person("ann", "cs101"), settings, EVERYTHING_HERE)}
    for slug, image in (("cpu", "scipy"), ("twin", "base")):
        assert [c.slug for c in seen[slug].images if c.default] == [image]


@pytest.mark.parametrize(
    ("who", "facilities", "code", "words"),
    [
        pytest.param(
            person(),
            EVERYTHING_HERE,
            "profile-unavailable",
            "Every image of it is off",
            id="images",
        ),
        pytest.param(
            person("ann"),
            Facilities(mode=Mode.LOCAL, cpus=0.5),
            "profile-unavailable",
            "Every size of it is off: “Small”",
            id="sizes",
        ),
    ],
)
def test_a_profile_without_anything_is_off(
    who: Entitlements, facilities: Facilities, code: str, words: str
) -> None:
    profile = _see(who, facilities)["machine"]
    assert profile.refusal is not None
    assert profile.refusal.code == code
    assert words in profile.refusal.message
    assert not profile.default
    assert not any(choice.default for choice in _choices(profile))


def test_a_profile_whose_images_are_all_hidden_says_no_names() -> None:
    changed = document()
    changed["profiles"]["machine"]["images"] = ["secret"]
    settings = SandlotSettings.model_validate(changed)
    [profile] = [p for p in visible(person(), settings, EVERYTHING_HERE) if p.slug == "machine"]
    assert profile.images == ()
    assert profile.refusal is not None
    assert profile.refusal.code is RefusalCode.PROFILE_UNAVAILABLE
    assert "Secret" not in profile.refusal.message


def test_a_profile_without_a_pair_is_off() -> None:
    facilities = Facilities(mode=Mode.LOCAL, images={"base": ImageReadiness(ready=False)},
                            flavors=frozenset())  # fmt: skip
    refusal = _see(person(), facilities)["gpu"].refusal
    assert refusal is not None
    assert "None of its images that are on goes with a size that is on" in refusal.message


def test_the_default_profile_that_is_off_gives_way() -> None:
    facilities = Facilities(
        mode=Mode.KUBERNETES,
        images={slug: ImageReadiness(ready=False) for slug in ("scipy", "cluster-only")},
        cpus=4,
    )
    changed = document()
    changed["sizes"]["small"]["excludes_images"] = ["base"]
    settings = SandlotSettings.model_validate(changed)
    defaults = [p.slug for p in visible(person(), settings, facilities) if p.default]
    assert defaults == ["gpu"]


def test_what_is_inside_an_image() -> None:
    inside = ImageContents(packages=(Package(name="numpy", version="2.1"),), size_bytes=5)
    facilities = Facilities(
        mode=Mode.LOCAL,
        images={"scipy": ImageReadiness(ready=False, reason="Not yet.", contents=inside)},
    )
    contents = {image.slug: image.contents for image in _see(person(), facilities)["cpu"].images}
    assert contents["scipy"] == inside
    assert contents["base"] == NO_CONTENTS


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        pytest.param(Mode.KUBERNETES, None, id="cluster"),
        pytest.param(Mode.LOCAL, "reference-not-here", id="machine"),
    ],
)
def test_whether_images_can_be_named(mode: Mode, code: str | None) -> None:
    changed = document()
    changed["profiles"]["cpu"]["custom_images"] = {
        "display_name": "Ours",
        "allow": [{"registry": "quay.io", "repository": "lab/*"}],
    }
    settings = SandlotSettings.model_validate(changed)
    cpu, gpu, *_ = visible(person(), settings, Facilities(mode=mode))
    assert gpu.custom_images is None
    assert cpu.custom_images is not None
    assert (cpu.custom_images.refusal and cpu.custom_images.refusal.code) == code
    assert cpu.custom_images.display_name == "Ours"
    assert cpu.custom_images.hint == "Name one like quay.io/lab/*."


def test_facts_tell_what_differs() -> None:
    seen = _see(person())
    assert seen["cpu"].images[1].facts == ("2026-10",)
    assert seen["gpu"].sizes[1].facts == ("4 CPU", "16 GiB memory", "2 × NVIDIA L4")


@pytest.mark.parametrize("when_full", ["refuse", "wait"])
def test_profiles_that_are_alike_are_offered_what_each_would_be_by_itself(when_full: str) -> None:
    settings = alike_catalogue(when_full=when_full)
    facilities = Facilities(mode=Mode.KUBERNETES, capacity=half_full(settings))
    for profile in visible(person(), settings, facilities):
        for size in profile.sizes:
            view = Viewpoint(entitlements=person(), settings=settings, facilities=facilities)
            alone, choice = Alternatives(view), Choice(profile=profile.slug, size=size.slug)
            wanted: Sequence[tuple[str, str, str]] = ()
            if size.refusal is not None:
                wanted = alone.near(choice)
            elif size.waits is not None:
                wanted = alone.sooner(choice)
            found = profile.alternatives_to(size)
            assert [(each.profile, each.image, each.size) for each in found] == list(wanted)
            assert bool(wanted) is (size.slug in {"s1", "s3", "s5"})


def test_what_is_the_same_in_many_profiles_is_one_object() -> None:
    settings = alike_catalogue()
    facilities = Facilities(mode=Mode.KUBERNETES, capacity=half_full(settings))
    profiles = visible(person(), settings, facilities)
    off = [profile.sizes[1] for profile in profiles]

    assert len({id(profile.images) for profile in profiles}) == 1
    # To the first the second is offered, and to all others the first.
    assert [each.instead[-1].profile for each in off] == ["p1", *["p0"] * (len(profiles) - 1)]
    assert len({id(each) for each in off}) == 2


def test_what_names_a_profile_is_not_said_of_another() -> None:
    settings = alike_catalogue()
    facilities = Facilities(mode=Mode.KUBERNETES, flavors=frozenset())
    for profile in visible(person(), settings, facilities):
        assert profile.refusal is not None
        for image in profile.images:
            assert image.refusal == profile.refusal
