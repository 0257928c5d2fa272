"""Tests of what node groups of an autoscaler mean for a flavor."""

from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.capacity.node_groups import NodeGroup, may_add
from support.counted import a_node, an_inventory

NOW = 1_800_000_000.0
PATTERNS = {"aks-l4-*": 4, "*/grp": 8, "plain.name": 1, "aks-*": 2}


def group(name: str = "aks-l4-1-vmss", nodes: int = 1, most: int = 3, **more: Any) -> NodeGroup:
    return NodeGroup(name, nodes, most, **{"grows": True, **more})


ADDED = [
    pytest.param([group()], 8, id="two-more-nodes"),
    pytest.param([group(nodes=3)], 0, id="has-all"),
    pytest.param([group(nodes=5)], 0, id="has-more-than-it-may"),
    pytest.param([group(grows=False)], 0, id="adds-none-now"),
    pytest.param([group(grows=False), group("aks-l4-b", 0, 1)], 4, id="one-of-two-adds"),
    pytest.param([group("https://cloud.example/zones/a/grp")], 16, id="address"),
    pytest.param([group("aks-t4")], 4, id="by-the-later-name"),
    pytest.param([group("plain.name"), group("plainXname")], 2, id="a-point-is-a-point"),
    pytest.param([group("my-aks-l4-1")], None, id="begins-otherwise"),
    pytest.param([], None, id="nothing-told"),
]


@pytest.mark.parametrize(("groups", "expected"), ADDED)
def test_what_may_be_added(groups: list[NodeGroup], expected: int | None) -> None:
    assert may_add(groups, PATTERNS) == expected


SAID = [
    pytest.param({}, [group()], 8, id="as-told"),
    pytest.param({"grows_to": 6}, [group()], 2, id="less-by-the-settings"),
    pytest.param({"grows_to": 400}, [group()], 8, id="less-by-the-autoscaler"),
    pytest.param({"grows_to": 6}, None, 2, id="not-told-any-more"),
    pytest.param({"grows_to": 6}, [group("others")], 2, id="nothing-of-these"),
    pytest.param({}, None, None, id="nobody-says"),
]


@pytest.mark.parametrize(("settings", "groups", "expected"), SAID)
def test_people_are_told_what_both_allow(
    settings: dict[str, Any], groups: list[NodeGroup] | None, expected: int | None
) -> None:
    inventory = an_inventory([a_node()], l4={"node_groups": PATTERNS, **settings})
    inventory.take_groups([group(most=99)])
    inventory.take_groups(groups)
    found = inventory.state(NOW).flavors
    assert found["l4"].total == 4
    assert found["l4"].may_grow == expected
    # It has no groups.
    assert found["a100"].may_grow is None


EVER = [
    pytest.param("four", {"aks-l4-*": 4}, True, id="a-node-holds-it"),
    pytest.param("four", {"aks-l4-*": 2, "x": 3}, False, id="no-node-holds-it"),
    pytest.param("four", {}, False, id="no-groups"),
]


@pytest.mark.parametrize(("size", "patterns", "ever"), EVER)
def test_a_size_that_fits_on_a_node_to_come_is_never_called_impossible(
    size: str, patterns: dict[str, int], *, ever: bool
) -> None:
    inventory = an_inventory([], l4={"node_groups": patterns})
    # Not at a moment, either, at which the autoscaler adds none or says nothing.
    for groups in (None, [group(grows=False)], [group(most=0)], [group()]):
        inventory.take_groups(groups)
        assert inventory.state(NOW).sizes[size].fits_ever is ever


def test_where_it_is_told() -> None:
    assert an_inventory([]).autoscaler_status is None
    there = an_inventory([], l4={"node_groups": PATTERNS})
    assert there.autoscaler_status == "kube-system/cluster-autoscaler-status"
    other = {"autoscaler_status": "tools/status"}
    assert an_inventory([], kubernetes=other).autoscaler_status is None
    inventory = an_inventory([], kubernetes=other, l4={"node_groups": PATTERNS})
    assert inventory.autoscaler_status == "tools/status"
