"""What an inventory says of sizes: how many servers fit, and what is short when none does."""

from __future__ import annotations

from typing import Any

import pytest

from sandlot_contracts.capacity import SizeState
from sandlot_hub.domain.capacity.cluster_records import NodeRecord, PodRecord, Taint
from support.counted import GIB, GPU, a_node, a_pod, an_inventory, has

NOW = 1_800_000_000.0


def _full(cpu: int = 0, memory: int = 0, gpus: int = 0, **changes: Any) -> PodRecord:
    return a_pod(requests={"cpu": cpu, "memory": memory, GPU: gpus}, **changes)


@pytest.mark.parametrize(
    ("size", "nodes", "pods", "expected"),
    [
        pytest.param("one", [a_node()], [], SizeState(fits=4, fits_ever=True), id="by-devices"),
        pytest.param("plain", [a_node(taints=())], [], (4, True), id="by-cpus"),
        pytest.param(
            "plain", [a_node(taints=(), allocatable=has(64_000))], [], (8, True), id="by-memory"
        ),
        pytest.param(
            "plain",
            [a_node(taints=(), allocatable=has(pods=3))],
            [a_pod(requests={})],
            (2, True),
            id="by-places",
        ),
        pytest.param("one", [a_node("n1"), a_node("n2")], [_full(gpus=3)], (5, True), id="sum"),
        pytest.param("plain", [a_node()], [], (0, False, ("node",)), id="not-let-in"),
        pytest.param("one", [], [], (0, False, ("node",), 0), id="no-node"),
        pytest.param(
            "one", [a_node(cordoned=True)], [], (0, True, ("node",), 0), id="only-cordoned-ones"
        ),
        pytest.param(
            "one",
            [a_node(taints=(Taint("node.kubernetes.io/memory-pressure", "", "NoSchedule"),))],
            [],
            (0, True, ("node",), 0),
            id="under-pressure-at-the-moment",
        ),
        pytest.param(
            "one", [a_node()], [_full(gpus=4)], (0, True, ("accelerator",), 0), id="none-free"
        ),
        pytest.param(
            "four",
            [a_node("n1"), a_node("n2")],
            [_full(gpus=2), _full(gpus=1, key="ns/p2", node="n2")],
            (0, True, ("block",), 3),
            id="not-on-one-node",
        ),
        pytest.param(
            "four", [a_node()], [_full(gpus=2)], (0, True, ("accelerator",), 2), id="fewer-free"
        ),
        pytest.param(
            "four",
            [a_node(allocatable=has(**{GPU: 2}))],
            [],
            (0, False, ("accelerator",), 2),
            id="never-as-many",
        ),
        pytest.param(
            "one", [a_node()], [_full(memory=30 * GIB)], (0, True, ("memory",), 0), id="no-memory"
        ),
        pytest.param("one", [a_node()], [_full(cpu=7000)], (0, True, ("cpus",), 0), id="no-cpus"),
        pytest.param(
            "one",
            [a_node(allocatable=has(pods=1, **{GPU: 4}))],
            [_full()],
            (0, True, ("servers",), 0),
            id="no-place-for-a-server",
        ),
        pytest.param(
            "one",
            [a_node("n1"), a_node("n2")],
            [_full(cpu=7000), _full(memory=30 * GIB, key="ns/p2", node="n2")],
            (0, True, ("memory", "cpus"), 0),
            id="one-thing-here-another-there",
        ),
        pytest.param(
            "one",
            [a_node("n1"), a_node("n2")],
            [_full(cpu=7000), _full(8000, 32 * GIB, key="ns/p2", node="n2")],
            (0, True, ("cpus",), 0),
            id="the-node-that-lacks-least",
        ),
        pytest.param(
            "one",
            [a_node("n1"), a_node("n2")],
            [_full(cpu=7000), _full(gpus=4, key="ns/p2", node="n2")],
            (0, True, ("cpus",), 0),
            id="free-where-there-are-no-cpus",
        ),
        pytest.param(
            "one",
            [a_node(allocatable={"pods": 9, GPU: 4}, unknown=frozenset({"cpu", "memory"}))],
            [],
            (0, False, ("unknown",), 0),
            id="node-says-nonsense",
        ),
        pytest.param(
            "one",
            [a_node()],
            [a_pod(unknown=frozenset({"memory"}))],
            (0, True, ("unknown",), 0),
            id="pod-says-nonsense",
        ),
        pytest.param(
            "one",
            [a_node()],
            [a_pod(requests={}, unknown=frozenset({GPU}))],
            (0, True, ("unknown",), 0),
            id="accelerators-nobody-knows-of",
        ),
        pytest.param(
            "big",
            [a_node(allocatable=has(pods=1, **{GPU: 4}))],
            [_full(8000, 32 * GIB, priority=-10)],
            (1, True),
            id="placeholders-give-way",
        ),
        pytest.param(
            "big",
            [a_node(allocatable=has(7999, **{GPU: 4}))],
            [],
            (0, False, ("cpus",), 0),
            id="never-as-large",
        ),
    ],
)
def test_what_fits(
    size: str,
    nodes: list[NodeRecord],
    pods: list[PodRecord],
    expected: SizeState | tuple[int, bool, *tuple[Any, ...]],
) -> None:
    if isinstance(expected, tuple):
        names = ("fits", "fits_ever", "lacking", "fits_smaller")
        expected = SizeState(**dict(zip(names, expected, strict=False)))
    assert an_inventory(nodes, pods).state(NOW).sizes[size] == expected


@pytest.mark.parametrize(
    ("size", "settings", "nodes", "ever"),
    [
        pytest.param("four", {"l4": {"grows_to": 4}}, [], True, id="grows-from-nothing"),
        pytest.param("four", {"l4": {"grows_to": 3}}, [], False, id="grows-by-too-little"),
        pytest.param("one", {"l4": {"grows_to": 0}}, [], False, id="does-not-grow"),
        pytest.param("one", {"l4": {"new_node_takes": "5 min"}}, [], True, id="nodes-are-added"),
        pytest.param(
            "one",
            {"l4": {"grows_to": 0, "new_node_takes": "5 min"}},
            [],
            False,
            id="how-many-tops-how-long",
        ),
        pytest.param(
            "plain", {"kubernetes": {"new_node_takes": "5 min"}}, [], True, id="without-devices"
        ),
        pytest.param(
            "four",
            {"l4": {"grows_to": 40}},
            [a_node(allocatable=has(**{GPU: 2}))],
            True,
            id="larger-nodes-may-be-added",
        ),
    ],
)
def test_what_may_fit_on_nodes_that_are_not_there(
    size: str, settings: dict[str, Any], nodes: list[NodeRecord], *, ever: bool
) -> None:
    found = an_inventory(nodes, **settings).state(NOW).sizes[size]
    assert (found.fits, found.fits_ever) == (0, ever)
