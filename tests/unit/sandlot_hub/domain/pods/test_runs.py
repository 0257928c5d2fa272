from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.pods.runs import exit_code, judge_run, server_restarts
from support.pod_states import condition, container, ended, on_node, running

RUNNING = {"running": {"startedAt": "2026-11-21T12:00:10Z"}}
OOM = ended(137, "OOMKilled")


def _again(last: dict[str, Any], restarts: int = 1) -> dict[str, Any]:
    """Return a pod whose server was started again by the cluster."""
    server = container(ready=True, restarts=restarts, state=RUNNING, last=last)
    return on_node(server, phase="Running")


def _target(reason: str, **fields: Any) -> dict[str, Any]:
    target = condition("DisruptionTarget", "True", reason)
    return on_node(
        container(ready=True, state=RUNNING), phase="Running", conditions=[target], **fields
    )


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(running(), id="ready"),
        pytest.param(running(ready=False), id="not-ready-for-a-moment"),
        pytest.param(running() | {"status": {"phase": "Unknown"}}, id="unknown"),
        pytest.param(
            on_node(container(ready=True, state=RUNNING), phase="Running", deleted=True),
            id="is-being-stopped",
        ),
        pytest.param(
            on_node(
                container(ready=True, state=RUNNING),
                container("beside", state=ended(1), restarts=3),
                phase="Running",
            ),
            id="what-runs-beside-it-has-ended",
        ),
    ],
)
def test_it_runs(document: dict[str, Any]) -> None:
    assert judge_run(document, restarts=0) is None


def test_restarts_before_it_was_ready_do_not_count() -> None:
    pod = _again(ended(1), restarts=2)
    assert server_restarts(pod) == 2
    assert judge_run(pod, restarts=2) is None
    assert judge_run(pod, restarts=1) is not None


@pytest.mark.parametrize(
    ("document", "code", "words", "status"),
    [
        pytest.param(
            on_node(container(state=OOM), phase="Running"),
            "out-of-memory",
            "used all of its memory and was ended. Next: choose a size with more memory.",
            137,
            id="out-of-memory",
        ),
        pytest.param(_again(OOM), "out-of-memory", "used all", 137, id="out-of-memory-and-again"),
        pytest.param(
            on_node(container(state=ended(139)), phase="Failed"),
            "exited",
            "(exit code 139: it crashed in native code). Next: start the server again",
            139,
            id="exit-code",
        ),
        pytest.param(
            on_node(container(state=ended(0, "Completed")), phase="Succeeded"),
            "exited",
            "(exit code 0: without an error)",
            0,
            id="without-an-error",
        ),
        pytest.param(
            on_node(phase="Failed", reason="Evicted", message="low on memory"),
            "evicted",
            "The node ran short of memory",
            1,
            id="evicted",
        ),
        pytest.param(
            _target("PreemptionByScheduler", deleted=True), "preempted", "urgent", 1, id="preempted"
        ),
        pytest.param(
            _target("EvictionByEvictionAPI"), "evicted", "maintenance", 1, id="node-is-emptied"
        ),
        pytest.param(
            _target("DeletionByTaintManager", deleted=True),
            "node-lost",
            "no longer answers",
            1,
            id="node-lost",
        ),
        pytest.param(
            on_node(container(state=ended(143)), phase="Running", deleted=True),
            "vanished",
            "by somebody else",
            143,
            id="deleted-by-somebody",
        ),
    ],
)
def test_why_it_has_ended(document: dict[str, Any], code: str, words: str, status: int) -> None:
    failed = judge_run(document, restarts=0)
    assert failed is not None
    assert failed.code == code
    assert words in failed.message
    assert exit_code(document) == status


@pytest.mark.parametrize(
    ("last_seen", "code"),
    [
        pytest.param(None, "vanished", id="not-seen"),
        pytest.param(running(), "vanished", id="ran"),
        pytest.param(_target("PreemptionByScheduler"), "preempted", id="preempted"),
        pytest.param(_again(OOM), "out-of-memory", id="out-of-memory"),
        pytest.param(
            on_node(container(state=ended(0)), phase="Running", deleted=True),
            "vanished",
            id="ended-because-it-was-told-to",
        ),
    ],
)
def test_why_it_is_gone(last_seen: dict[str, Any] | None, code: str) -> None:
    failed = judge_run(None, restarts=0, last_seen=last_seen)
    assert failed is not None
    assert failed.code == code
    assert exit_code(None) == 1
