from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.pod_documents import NOBODY, OthersWaiting
from sandlot_hub.domain.pod_queue import others_waiting, waiting_queues


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
