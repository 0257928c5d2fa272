"""Tests of who sees which accelerators, and who has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.availability import Holder
from sandlot_hub.domain.capacity.flavor_availability import Sight, flavor_availability, sight_of
from sandlot_hub.domain.values.entitlements import Entitlements
from support.accelerators import accelerator_settings, cluster, flavor_state

if TYPE_CHECKING:
    from sandlot_hub.domain.settings.model import SandlotSettings

ALL = Sight(flavors=("l4", "a100"), people=True, admin=True)


def person(name: str = "alice", *groups: str, admin: bool = False) -> Entitlements:
    return Entitlements(user=name, groups=frozenset(groups), admin=admin)


@pytest.fixture
def settings() -> SandlotSettings:
    return accelerator_settings().settings


@pytest.mark.parametrize(
    ("who", "flavors"),
    [
        pytest.param(person(), ("l4",), id="what-is-hidden-stays-hidden"),
        pytest.param(person("alice", "ml"), ("l4", "a100"), id="who-may-use-it-sees-it"),
        pytest.param(person(admin=True), ("l4", "a100"), id="administrators-see-all"),
    ],
)
def test_flavors_are_seen_where_their_choices_are(
    who: Entitlements, flavors: tuple[str, ...], settings: SandlotSettings
) -> None:
    assert sight_of(who, settings).flavors == flavors


def test_a_flavor_that_no_profile_has_is_for_administrators() -> None:
    unused = accelerator_settings(
        accelerators={
            "l4": {"display_name": "L4"},
            "a100": {"display_name": "A100"},
            "h200": {"display_name": "H200"},
        }
    ).settings
    assert "h200" not in sight_of(person("alice", "ml"), unused).flavors
    assert "h200" in sight_of(person(admin=True), unused).flavors


@pytest.mark.parametrize(
    ("rule", "who", "sees"),
    [
        pytest.param({}, person("alice", "ml"), False, id="nobody-by-default"),
        pytest.param({}, person(admin=True), True, id="administrators-always"),
        pytest.param({"everybody": True}, person(), True, id="everybody"),
        pytest.param({"groups": ["ml"]}, person("alice", "ml"), True, id="a-group"),
        pytest.param({"groups": ["ml"]}, person("alice", "cs101"), False, id="another-group"),
        pytest.param({"users": ["alice"]}, person(), True, id="a-user"),
        pytest.param({"users": ["alice"]}, person("Alice"), False, id="a-name-that-is-alike"),
    ],
)
def test_who_has_them_is_told_where_the_settings_say_so(
    rule: dict[str, object], who: Entitlements, *, sees: bool
) -> None:
    settings = accelerator_settings(availability={"show_users": rule}).settings
    sight = sight_of(who, settings)
    assert sight.people is sees
    (first, *_) = flavor_availability(
        sight, settings, cluster(l4=flavor_state(used=4)), {"l4": {"bob": 4}}, {}
    )
    assert (first.holders is not None) is sees


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        pytest.param({}, [(None, 4)], id="others-only"),
        pytest.param({"bob": 4}, [("bob", 4)], id="users-only"),
        pytest.param(
            {"zoe": 1, "bob": 1, "al": 2}, [("al", 2), ("bob", 1), ("zoe", 1)], id="most-first"
        ),
        pytest.param({"bob": 1}, [("bob", 1), (None, 3)], id="the-rest-is-nameless"),
        pytest.param({"bob": 9}, [("bob", 9)], id="more-than-is-counted"),
        pytest.param({"bob": 0}, [(None, 4)], id="one-who-has-none"),
    ],
)
def test_who_has_them(
    held: dict[str, int], expected: list[tuple[str | None, int]], settings: SandlotSettings
) -> None:
    (first, second) = flavor_availability(
        ALL, settings, cluster(l4=flavor_state(used=4)), {"l4": held}, {}
    )
    assert first.holders == tuple(Holder(user=user, count=count) for user, count in expected)
    assert (second.state, second.holders) == (None, None)


def test_nothing_is_told_of_anybody_when_nothing_is_known(settings: SandlotSettings) -> None:
    found = flavor_availability(ALL, settings, None, {"l4": {"bob": 4}}, {})
    assert [(each.slug, each.state, each.holders) for each in found] == [
        ("l4", None, None),
        ("a100", None, None),
    ]
