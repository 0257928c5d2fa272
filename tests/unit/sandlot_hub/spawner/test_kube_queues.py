from __future__ import annotations

from typing import Any

from sandlot_hub.spawner.kube_queues import COUNT_S, SharedQueues


def _waiting(uid: str) -> dict[str, Any]:
    return {
        "metadata": {"uid": uid, "labels": {"sandlot/flavor": "l4"}},
        "status": {"phase": "Pending"},
    }


def test_all_who_ask_within_a_moment_are_told_the_same_count() -> None:
    now, asked = 100.0, 0

    def pods() -> list[dict[str, Any]]:
        nonlocal asked
        asked += 1
        return [_waiting(f"pod-{number}") for number in range(asked)]

    queues = SharedQueues(monotonic=lambda: now)
    first = [queues.of(pods) for _ in range(100)]
    assert (asked, len(first[-1]["l4"].uids)) == (1, 1)
    now += COUNT_S
    assert (len(queues.of(pods)["l4"].uids), asked) == (2, 2)
