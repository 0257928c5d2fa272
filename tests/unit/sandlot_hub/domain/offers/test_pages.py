from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandlot_contracts.images import ImageContents, Package
from sandlot_contracts.offers import ProfileOffer, Reason
from sandlot_hub.domain.capacity.facilities import Facilities, ImageReadiness, Mode
from sandlot_hub.domain.offers.pages import (
    audience_key,
    changed,
    page_offers,
    without_facilities,
)
from sandlot_hub.domain.offers.profiles import visible
from sandlot_hub.domain.settings.model import SandlotSettings
from support.catalogue import catalogue, document, person

if TYPE_CHECKING:
    from sandlot_hub.domain.values.entitlements import Entitlements

INSIDE = ImageContents(packages=(Package(name="numpy", version="2.1"),))
UNKNOWN = Reason(code="availability-unknown", message="Not known.")


def _settings() -> SandlotSettings:
    limited = document()
    limited["sizes"]["small"]["max_running"] = 2
    limited["sizes"]["large"]["max_running"] = 3
    return SandlotSettings.model_validate(limited)


def _offers(running: dict[str, int], *groups: str) -> tuple[ProfileOffer, ...]:
    here = Facilities(
        mode=Mode.KUBERNETES,
        images={"scipy": ImageReadiness(ready=True, contents=INSIDE)},
        running=running,
    )
    return page_offers(visible(person("ann", *groups), _settings(), here))


def _by_slug(offers: tuple[ProfileOffer, ...]) -> dict[str, ProfileOffer]:
    return {offer.slug: offer for offer in offers}


def test_an_offer_is_what_is_shown() -> None:
    shown = visible(
        person(), _settings(), Facilities(mode=Mode.KUBERNETES, running={"small": 2, "large": 1})
    )
    for profile, offer in zip(shown, page_offers(shown), strict=True):
        assert offer.alternatives == profile.alternatives
        inside: list[tuple[Any, Any]] = [
            *zip(profile.images, offer.images, strict=True),
            *zip(profile.sizes, offer.sizes, strict=True),
        ]
        for choice, told in inside:
            assert told.alternatives == profile.alternatives_to(choice)
        pairs: list[tuple[Any, Any]] = [(profile, offer), *inside]
        for seen, told in pairs:
            assert told.slug == seen.slug
            assert (told.state == "unavailable") == (seen.refusal is not None)
            if seen.refusal is not None:
                assert told.reason is not None
                assert (told.reason.code, told.reason.message) == (
                    seen.refusal.code,
                    seen.refusal.message,
                )


def test_nothing_is_said_of_places_that_only_the_hub_counts() -> None:
    here = Facilities(mode=Mode.KUBERNETES)
    cpu = _by_slug(page_offers(visible(person(), _settings(), here)))["cpu"]
    assert {size.slug: size.words and size.words.text for size in cpu.sizes} == {
        "large": None,
        "small": None,
        "vip": "not available",
    }


def test_places_are_told() -> None:
    cpu = _by_slug(_offers({"small": 2, "large": 1}))["cpu"]
    assert {size.slug: (size.places, size.taken) for size in cpu.sizes} == {
        "large": (3, 1),
        "small": (2, 2),
        "vip": (None, None),
    }
    assert (cpu.places, cpu.taken) == (5, 3)


def test_what_is_inside_an_image_is_not_sent_again_with_every_number() -> None:
    offers = _offers({"small": 1})
    assert not any("numpy" in offer.model_dump_json() for offer in offers)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param({"small": 1}, {"small": 1}, "", id="nothing"),
        pytest.param({"large": 0}, {"large": 1}, "cpu", id="a-number"),
        pytest.param({"small": 1}, {"small": 2}, "cpu gpu lab machine", id="in-all-that-have-it"),
        pytest.param({"gpu": 1}, {"gpu": 2}, "", id="without-limit"),
    ],
)
def test_what_has_changed(before: dict[str, int], after: dict[str, int], told: str) -> None:
    old, new = _offers(before), _offers(after)
    assert [offer.slug for offer in changed(old, new)] == told.split()
    assert set(changed(old, new)) <= set(new)


def test_a_profile_that_was_not_there_has_changed() -> None:
    old, new = _offers({}), _offers({}, "staff")
    assert [offer.slug for offer in changed(old, new)][-1] == "vault"
    assert "vault" not in {offer.slug for offer in changed(new, old)}


def test_without_facilities_nothing_is_shown_as_free() -> None:
    shown = visible(person(), _settings(), Facilities(mode=Mode.LOCAL))
    offers = _by_slug(without_facilities(page_offers(shown), reason=UNKNOWN))
    cpu = offers["cpu"]
    assert (cpu.state, cpu.reason) == ("unknown", UNKNOWN)
    assert {image.slug: image.state for image in cpu.images} == {
        "base": "unknown",
        "scipy": "unknown",
        "cluster-only": "unavailable",
        "course": "unavailable",
    }
    assert {size.slug: (size.state, size.places, size.taken) for size in cpu.sizes} == {
        "large": ("unknown", 3, None),
        "small": ("unknown", 2, None),
        "vip": ("unavailable", None, None),
    }
    reasons = {image.slug: image.reason for image in cpu.images}
    assert reasons["base"] == UNKNOWN
    assert reasons["course"] is not None
    assert reasons["course"].code == "image-not-allowed"
    assert offers["lab"].state == "unavailable"
    entries: list[Any] = [e for o in offers.values() for e in (o, *o.images, *o.sizes)]
    assert not any(entry.state == "available" or entry.alternatives for entry in entries)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param(person("ann"), person("bob"), True, id="nobody-special"),
        pytest.param(person("ann", "x"), person("bob", "y", "z"), True, id="other-groups"),
        pytest.param(person("ann", "staff"), person("bob", "staff", "x"), True, id="same-group"),
        pytest.param(person("ann"), person("vera"), False, id="by-name"),
        pytest.param(person("ann"), person("bob", "cs101"), False, id="by-group"),
        pytest.param(person("a", "staff"), person("a", "cs101"), False, id="two-groups"),
    ],
)
def test_who_sees_the_same(one: Entitlements, other: Entitlements, *, same: bool) -> None:
    settings = catalogue()
    assert (audience_key(one, settings) == audience_key(other, settings)) is same
    assert hash(audience_key(one, settings)) == hash(audience_key(one, settings))
