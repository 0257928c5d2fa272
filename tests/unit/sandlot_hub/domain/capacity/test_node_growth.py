from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.capacity.node_growth import NodeGrowth
from support.counted import a_node

ASKED = 1_000_000.0


@pytest.mark.parametrize(
    ("fields", "asked", "takes"),
    [
        pytest.param({}, ASKED, 120, id="added-for-it"),
        pytest.param({}, None, None, id="nobody-came"),
        pytest.param({}, ASKED + 61, None, id="came-later"),
        pytest.param({"created": None}, ASKED, None, id="age-not-known"),
        pytest.param({"ready_since": None}, ASKED, None, id="since-when-is-not-known"),
        pytest.param({"ready": False}, ASKED, None, id="not-ready-yet"),
        pytest.param({"ready_since": ASKED + 59}, ASKED, None, id="ready-before-it-was-there"),
        pytest.param({}, ASKED - 3600, None, id="waited-for-something-else"),
    ],
)
def test_one_addition(fields: dict[str, Any], asked: float | None, takes: float | None) -> None:
    growth = NodeGrowth()
    growth.note(a_node(**{"created": ASKED + 60, "ready_since": ASKED + 120, **fields}), asked)
    assert growth.usual() == takes


def test_ready_again_is_no_addition() -> None:
    growth = NodeGrowth()
    growth.note(a_node(created=ASKED + 60, ready_since=ASKED + 120), ASKED)
    growth.note(a_node(created=ASKED + 60, ready_since=ASKED + 3000), ASKED)
    assert growth.usual() == 120


def test_older_pod_that_is_seen_later_counts() -> None:
    growth = NodeGrowth()
    node = a_node(created=ASKED + 60, ready_since=ASKED + 120)
    growth.note(node, ASKED + 30)
    assert growth.usual() == 90
    growth.note(node, ASKED)
    assert growth.usual() == 120


def test_the_last_additions_count() -> None:
    growth = NodeGrowth()
    for number in range(30):
        made = ASKED + 10_000 * number
        growth.note(a_node(f"n{number}", created=made, ready_since=made + number), made - 1)
    # Of the last nine, 21 to 29, the middle one.
    assert growth.usual() == 26
