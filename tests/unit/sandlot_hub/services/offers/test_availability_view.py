"""Tests of the words of the availability page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.availability import Availability, FlavorAvailability, Holder
from sandlot_contracts.offers import Reason
from sandlot_hub.services.offers.availability_view import (
    AvailabilityView,
    FlavorView,
    build_availability_view,
)
from support.accelerators import flavor_state

if TYPE_CHECKING:
    from sandlot_contracts.capacity import CapacityScope, FlavorState

SINCE = "2026-11-21T09:00:00.000Z"


def page(
    state: FlavorState | None,
    *,
    scope: CapacityScope = "cluster",
    holders: tuple[Holder, ...] | None = None,
    strays: dict[str, int] | None = None,
    reason: Reason | None = None,
    missing: str | None = None,
) -> AvailabilityView:
    flavor = FlavorAvailability(
        slug="l4", display_name="L4", state=state, holders=holders, missing=missing
    )
    found = Availability(
        as_of=SINCE,
        age_s=0.0,
        known=state is not None,
        settings_hash="0",
        scope=scope,
        reason=reason,
        flavors=(flavor,),
        unknown_flavor=strays,
    )
    return build_availability_view(found, admin=False)


def flavor(
    state: FlavorState | None, *holders: Holder, scope: CapacityScope = "cluster"
) -> FlavorView:
    (found,) = page(state, scope=scope, holders=holders).flavors
    return found


@pytest.mark.parametrize(
    ("state", "mark", "headline"),
    [
        pytest.param(flavor_state(), "free", "3 of 8 free", id="some"),
        pytest.param(flavor_state(free=0, used=7), "full", "None of 8 free", id="none"),
        pytest.param(
            flavor_state(total=0, used=0, down=0, free=0, largest_block=0),
            "full",
            "None is there at the moment",
            id="there-are-none",
        ),
        pytest.param(None, "unknown", "How many are free is not known", id="not-known"),
    ],
)
def test_what_is_free_stands_first(state: FlavorState | None, mark: str, headline: str) -> None:
    found = flavor(state)
    assert (found.mark, found.headline) == (mark, headline)


@pytest.mark.parametrize(
    ("state", "bar", "length"),
    [
        pytest.param(
            flavor_state(waiting=2),
            [("used", 0, 4), ("down", 4, 1), ("free", 5, 3), ("waiting", 8, 2)],
            10,
            id="all-four",
        ),
        pytest.param(
            flavor_state(free=0, down=0, used=8),
            [("used", 0, 8)],
            8,
            id="parts-of-nothing-are-left-out",
        ),
        pytest.param(
            flavor_state(free=0, down=0, used=8, waiting=1000),
            [("used", 0, 8), ("waiting", 8, 8)],
            16,
            id="a-crowd-leaves-room-for-the-rest",
        ),
        pytest.param(None, [], 0, id="no-bar-of-what-is-not-known"),
    ],
)
def test_the_bar_is_drawn_in_accelerators(
    state: FlavorState | None, bar: list[tuple[str, int, int]], length: int
) -> None:
    found = flavor(state)
    assert [(part.kind, part.start, part.width) for part in found.bar] == bar
    assert found.length == length


@pytest.mark.parametrize(
    ("state", "figures"),
    [
        pytest.param(flavor_state(), ["4 in use", "1 down", "3 free"], id="usual"),
        pytest.param(
            flavor_state(down=0, free=0, used=8, waiting=2, oldest_waiting=SINCE),
            ["8 in use", "0 free", f"2 waiting, the first came|{SINCE}"],
            id="waiting-since",
        ),
        pytest.param(
            flavor_state(total=0, used=0, down=0, free=0, largest_block=0), [], id="there-are-none"
        ),
        pytest.param(
            flavor_state(waiting=1), ["4 in use", "1 down", "3 free", "1 waiting"], id="some-time"
        ),
    ],
)
def test_every_part_has_its_number_in_words(state: FlavorState, figures: list[str]) -> None:
    found = flavor(state).figures
    assert [f"{each.text}|{each.since}".removesuffix("|") for each in found] == figures


BLOCK = "Largest free block: 2 on one node."
DOWN = "Down: on nodes that are not ready, taken out of service or kept for others."


@pytest.mark.parametrize(
    ("changes", "notes"),
    [
        pytest.param({"down": 0, "used": 5}, [BLOCK], id="block"),
        pytest.param({"down": 0, "free": 1, "used": 7, "largest_block": 1}, [], id="one-is-one"),
        pytest.param({}, [BLOCK, DOWN], id="what-down-means"),
        pytest.param(
            {"down": 0, "may_grow": 4, "growth_takes_s": 300.0},
            [BLOCK, "A node can be added, usually 5 min: up to 4 more."],
            id="growth-with-its-time",
        ),
        pytest.param(
            {"down": 0, "may_grow": 4},
            [BLOCK, "A node can be added: up to 4 more."],
            id="growth-of-unknown-time",
        ),
        pytest.param(
            {"down": 0, "may_grow": 1, "growth_takes_s": 45.4},
            [BLOCK, "A node can be added, usually 45 s: up to 1 more."],
            id="in-seconds",
        ),
        pytest.param(
            {"down": 0, "may_grow": 1, "growth_takes_s": 7300.0},
            [BLOCK, "A node can be added, usually 2 h: up to 1 more."],
            id="in-hours",
        ),
        pytest.param({"down": 0, "may_grow": 0, "growth_takes_s": 9.0}, [BLOCK], id="no-growth"),
    ],
)
def test_what_else_there_is_to_say(changes: dict[str, object], notes: list[str]) -> None:
    assert list(flavor(flavor_state(**changes)).notes) == notes


@pytest.mark.parametrize(
    ("total", "notes"),
    [
        pytest.param(0, ("NVIDIA's driver is not loaded.",), id="none"),
        pytest.param(8, (), id="some-that-are-there-all-the-same"),
    ],
)
def test_a_machine_without_any_says_what_is_missing(total: int, notes: tuple[str, ...]) -> None:
    state = flavor_state(total=total, down=0, used=total, free=0, largest_block=0)
    (found,) = page(state, scope="machine", missing="NVIDIA's driver is not loaded.").flavors
    assert found.notes == notes


def test_one_machine_is_one_block() -> None:
    assert flavor(flavor_state(down=0), scope="machine").notes == ()


@pytest.mark.parametrize(
    ("holders", "sentence"),
    [
        pytest.param([("bob", 4)], "In use by bob (4).", id="one"),
        pytest.param(
            [("bob", 2), ("al", 1), (None, 1)],
            "In use by bob (2), al (1) and other work in the cluster (1).",
            id="the-rest",
        ),
        pytest.param([(None, 4)], "In use by other work in the cluster (4).", id="others"),
        pytest.param(
            [(f"u{n:02}", 2) for n in range(22)],
            "In use by " + ", ".join(f"u{n:02} (2)" for n in range(20)) + " and 2 more people (4).",
            id="a-crowd",
        ),
    ],
)
def test_who_has_them(holders: list[tuple[str | None, int]], sentence: str) -> None:
    named = [Holder(user=user, count=count) for user, count in holders]
    assert flavor(flavor_state(down=0, free=0), *named).notes == (sentence,)


def test_what_belongs_to_no_flavor_says_what_to_do() -> None:
    strays = page(flavor_state(), strays={"amd.com/gpu": 2, "a.example/fpga": 1}).strays
    assert [stray.partition(",")[0] for stray in strays] == [
        "1 × a.example/fpga is of no flavor",
        "2 × amd.com/gpu are of no flavor",
    ]
    assert "Next: name them under “accelerators”" in strays[0]


def test_why_there_are_no_numbers_is_said_once() -> None:
    reason = Reason(code="availability-unknown", message="Not known since noon.")
    assert page(None, reason=reason).notice == "Not known since noon."
    assert page(flavor_state()).notice == ""
