from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sandlot_hub.domain.pods.documents import NOBODY, OthersWaiting
from sandlot_hub.domain.pods.queue import (
    CountedQueue,
    counted_queue,
    flavor_of,
    others_waiting,
    waiting_queues,
    with_others_elsewhere,
)
from support.accelerators import flavor_state


def _pod(uid: str, created: str = "12:00:00", flavor: str = "l4", **fields: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "uid": uid,
        "creationTimestamp": f"2026-11-21T{created}Z" if created else None,
        "labels": {"sandlot/flavor": flavor} if flavor else {},
    }
    if fields.get("deleted"):
        metadata["deletionTimestamp"] = "2026-11-21T12:00:09Z"
    return {
        "metadata": metadata,
        "spec": {"nodeName": fields["node"]} if "node" in fields else {},
        "status": {"phase": fields.get("phase", "Pending")},
    }


OWN = _pod("own")


@pytest.mark.parametrize(
    ("pods", "count", "oldest"),
    [
        pytest.param([OWN], 0, 60, id="oneself"),
        pytest.param([OWN, _pod("a", "11:57:00")], 1, 240, id="came-before"),
        pytest.param([_pod("a", "11:57:00"), _pod("b", "11:59:00")], 2, 240, id="the-oldest"),
        pytest.param([OWN, _pod("a", "12:05:00")], 1, 0, id="oneself-was-first"),
        pytest.param([_pod("a", ""), _pod("b", "11:59:00")], 2, 120, id="one-without-a-time"),
        pytest.param([_pod("a", "12:05:00")], 1, 0, id="came-after-by-the-clusters-clock"),
        pytest.param([_pod("a", flavor="h100")], 0, 60, id="another-kind"),
        pytest.param([_pod("a", flavor="")], 0, 60, id="without-accelerators"),
        pytest.param([_pod("a", node="n1")], 0, 60, id="has-its-node"),
        pytest.param([_pod("a", phase="Running")], 0, 60, id="runs"),
        pytest.param([_pod("a", deleted=True)], 0, 60, id="is-leaving"),
        pytest.param([_pod("a", created="")], 1, 60, id="without-a-time"),
    ],
)
def test_who_else_waits(pods: list[dict[str, Any]], count: int, oldest: float) -> None:
    expected = OthersWaiting(count=count, oldest_s=oldest)
    assert others_waiting(OWN, waiting_queues(pods), waited_s=60) == expected


def test_before_the_pod_is_there_nobody_is_counted() -> None:
    assert others_waiting(None, waiting_queues([_pod("a")]), waited_s=60) == NOBODY


HERE = OthersWaiting(count=1, oldest_s=60.0)


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        pytest.param(None, HERE, id="not-known"),
        pytest.param(CountedQueue(count=0, oldest_s=0.0), HERE, id="not-counted-yet"),
        pytest.param(CountedQueue(count=2, oldest_s=900.0), HERE, id="the-same-and-oneself"),
        pytest.param(
            CountedQueue(count=5, oldest_s=900.0),
            OthersWaiting(count=4, oldest_s=900.0),
            id="others-elsewhere",
        ),
        pytest.param(
            CountedQueue(count=5, oldest_s=31.0),
            OthersWaiting(count=4, oldest_s=60.0),
            id="oneself-came-first-of-those",
        ),
    ],
)
def test_who_waits_in_other_namespaces(
    counted: CountedQueue | None, expected: OthersWaiting
) -> None:
    assert with_others_elsewhere(HERE, counted, waited_s=30.0) == expected


@pytest.mark.parametrize(
    ("since", "oldest_s"),
    [
        pytest.param(None, 0.0, id="not-known"),
        pytest.param("2026-11-21T11:48:00.000Z", 720.0, id="a-while"),
        pytest.param("2026-11-21T12:00:05Z", 0.0, id="a-clock-that-is-ahead"),
    ],
)
def test_the_count_of_the_cluster_says_since_when(since: str | None, oldest_s: float) -> None:
    state = flavor_state(waiting=3, oldest_waiting=since)
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert counted_queue(state, now=now) == CountedQueue(count=3, oldest_s=oldest_s)


def test_a_pod_says_what_it_waits_for() -> None:
    assert [flavor_of(OWN), flavor_of(_pod("a", flavor=""))] == ["l4", ""]
