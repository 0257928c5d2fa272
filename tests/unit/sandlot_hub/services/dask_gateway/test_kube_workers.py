from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.pods.documents import StartSubject
from sandlot_hub.services.dask_gateway.kube_workers import SEEN_AFTER_S, Workers

SUBJECT = StartSubject(image="Base")


def pod(name: str, phase: str = "Running", *, ends: bool = False, **state: Any) -> dict[str, Any]:
    state = state or ({"running": {"startedAt": "t"}} if phase == "Running" else {})
    statuses = [{"name": "dask-worker", "state": state}] if state else []
    return {
        "metadata": {"name": name, "uid": name, **({"deletionTimestamp": "t"} if ends else {})},
        "spec": {"nodeName": "n"} if state else {},
        "status": {"phase": phase, "containerStatuses": statuses},
    }


def failed(name: str) -> dict[str, Any]:
    return pod(name, "Failed", terminated={"exitCode": 1, "reason": "Error"})


def workers() -> Workers:
    return Workers(subject=SUBJECT)


@pytest.mark.parametrize(
    ("pods", "wanted", "create", "remove"),
    [
        pytest.param([], 3, 3, (), id="none-yet"),
        pytest.param([pod("a"), pod("b")], 2, 0, (), id="enough"),
        pytest.param([pod("a"), pod("b", "Pending")], 4, 2, (), id="one-has-no-node"),
        pytest.param([pod("a", "Pending"), pod("b", "Pending")], 2, 0, (), id="none-has-a-node"),
        pytest.param([pod("a"), pod("b", "Pending"), pod("c", "Pending")], 2, 0, ("b",), id="one-too-many-waits"),
        pytest.param([pod("a"), pod("b", "Pending")], 0, 0, ("b",), id="the-scheduler-chooses-of-those-that-work"),
        pytest.param([pod("a"), pod("b", ends=True)], 2, 0, (), id="what-ends-still-counts"),
        pytest.param([pod("a"), pod("b", "Succeeded")], 2, 0, ("b",), id="what-ended-goes-first"),
        pytest.param([failed("a")], 1, 0, ("a",), id="what-failed-goes-first"),
    ],
)  # fmt: skip
def test_what_is_done_about_a_difference(
    pods: list[dict[str, Any]], wanted: int, create: int, remove: tuple[str, ...]
) -> None:
    todo = workers().plan(pods, wanted=wanted, worked=0, now=0.0)

    assert (todo.create, todo.remove) == (create, remove)


def test_one_that_was_made_and_is_not_seen_is_not_made_twice() -> None:
    counted = workers()
    counted.made("a", now=0.0)

    assert counted.plan([], wanted=1, worked=0, now=1.0).create == 0
    assert counted.plan([], wanted=1, worked=0, now=SEEN_AFTER_S).create == 1
    counted.made("b", now=40.0)
    counted.seen("b")
    assert counted.unseen == 0


def test_three_in_a_row_are_too_many_and_each_is_told_once() -> None:
    counted = workers()
    first = counted.plan([failed("a")], wanted=1, worked=0, now=0.0)
    assert [*first.ended] == ["a"]
    assert counted.plan([failed("a")], wanted=1, worked=0, now=0.0).ended == {}
    assert not counted.plan([failed("b")], wanted=1, worked=0, now=0.0).gives_up
    assert counted.plan([failed("c")], wanted=1, worked=0, now=0.0).gives_up


def test_one_that_works_begins_the_row_anew() -> None:
    counted = workers()
    counted.plan([failed("a"), failed("b")], wanted=2, worked=0, now=0.0)

    assert not counted.plan([failed("c"), pod("d")], wanted=2, worked=1, now=0.0).gives_up


def test_it_tells_what_a_worker_waits_for() -> None:
    lone = pod("a", "Pending")
    lone["status"]["conditions"] = [
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/1 nodes are available: 1 Insufficient cpu.",
        }
    ]

    assert "CPU" in workers().plan([lone], wanted=1, worked=0, now=0.0).waits
