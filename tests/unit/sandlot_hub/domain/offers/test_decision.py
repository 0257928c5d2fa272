from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.offers.decision import decide_offers
from sandlot_hub.domain.settings.fingerprint import settings_hash
from support.catalogue import EVERYTHING_HERE, catalogue, person

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _offers(facilities: Facilities = EVERYTHING_HERE) -> dict[tuple[str, str, str], str]:
    listed = decide_offers(
        entitlements=person(), settings=catalogue(), facilities=facilities, now=NOON
    )
    return {
        (offer.profile, offer.image, offer.size): offer.reason.code if offer.reason else "available"
        for offer in listed.offers
    }


@pytest.mark.parametrize(
    ("offer", "state"),
    [
        pytest.param(("cpu", "scipy", "small"), "available", id="available"),
        pytest.param(("cpu", "base", "large"), "incompatible", id="excluded"),
        pytest.param(("cpu", "course", "small"), "image-not-allowed", id="image"),
        pytest.param(("cpu", "scipy", "vip"), "size-not-allowed", id="size"),
        pytest.param(("cpu", "course", "vip"), "image-not-allowed", id="image-before-size"),
        pytest.param(("gpu", "torch", "small"), "incompatible", id="no-accelerator"),
        pytest.param(("lab", "course", "small"), "profile-not-allowed", id="profile"),
        pytest.param(("machine", "machine-only", "small"), "image-unavailable", id="part"),
    ],
)
def test_offers(offer: tuple[str, str, str], state: str) -> None:
    assert _offers()[offer] == state


def test_what_is_hidden_or_deprecated_is_not_offered() -> None:
    slugs = {slug for offer in _offers() for slug in offer}
    assert slugs.isdisjoint({"vault", "secret", "inner", "base-gone", "small-gone", "cpu-old"})


def test_alternatives_stay_in_the_profile() -> None:
    listed = decide_offers(
        entitlements=person(),
        settings=catalogue(),
        facilities=Facilities(mode=Mode.LOCAL, flavors=frozenset()),
        now=NOON,
    )
    [offer] = [o for o in listed.offers if (o.profile, o.image, o.size) == ("gpu", "base", "gpu")]
    assert offer.state == "unavailable"
    assert [(a.image, a.size) for a in offer.alternatives] == [("base", "small")]
    assert {a.profile for o in listed.offers for a in o.alternatives} == {"cpu", "gpu"}


def test_the_list_says_whose_and_when() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5)))
    settings = catalogue()
    listed = decide_offers(
        entitlements=person("ann"), settings=settings, facilities=EVERYTHING_HERE, now=elsewhere
    )
    assert listed.user == "ann"
    assert listed.as_of == "2026-11-21T12:00:00.000Z"
    assert listed.settings_hash == settings_hash(settings)


def test_a_time_without_a_zone_is_a_mistake() -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        decide_offers(
            entitlements=person(), settings=catalogue(), facilities=EVERYTHING_HERE, now=naive
        )
