from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandlot_hub.domain.pods.documents import StartView
from sandlot_hub.domain.pods.outcomes import (
    Failed,
    FailureCode,
    Ready,
    Waiting,
    WaitReason,
    patience_for,
)
from sandlot_hub.domain.pods.verdict import StartJudge, observe
from sandlot_hub.domain.settings.cluster import StartPatience
from support.pod_states import (
    IMAGE_MISSING,
    NOTEBOOK,
    SUBJECT,
    condition,
    container,
    ended,
    event,
    on_node,
    pod,
    running,
    unschedulable,
    view,
    waiting,
)

if TYPE_CHECKING:
    from sandlot_hub.domain.pods.outcomes import Verdict

CREATING = waiting("ContainerCreating")


def _waits(verdict: Verdict) -> Waiting:
    assert isinstance(verdict, Waiting), verdict
    return verdict


def _failed(verdict: Verdict) -> Failed:
    assert isinstance(verdict, Failed), verdict
    return verdict


def test_it_is_ready() -> None:
    assert observe(view(running())) == Ready()


@pytest.mark.parametrize(
    ("document", "events", "reason", "words"),
    [
        pytest.param(None, (), WaitReason.PLACING, "is asked", id="not-there-yet"),
        pytest.param(on_node(), (), WaitReason.PREPARING, "prepares the server", id="on-its-node"),
        pytest.param(
            on_node(CREATING),
            (event("Pulling", 'Pulling image "registry/torch:2"', field=NOTEBOOK),),
            WaitReason.IMAGE,
            "The node gets the image “PyTorch”.",
            id="pulling",
        ),
        pytest.param(
            on_node(CREATING, init=[waiting("PodInitializing", name="block-metadata")]),
            (event("Pulling", field="spec.initContainers{block-metadata}"),),
            WaitReason.IMAGE,
            "The node gets what goes with your server.",
            id="pulling-what-the-admin-added",
        ),
        pytest.param(
            on_node(CREATING),
            (
                event("Pulling", at="12:00:05", field=NOTEBOOK),
                event("Pulled", at="12:00:09", field=NOTEBOOK),
            ),
            WaitReason.PREPARING,
            "prepares the server",
            id="pulled",
        ),
        pytest.param(
            on_node(CREATING),
            (event("Pulling", uid="another", field=NOTEBOOK),),
            WaitReason.PREPARING,
            "prepares the server",
            id="an-earlier-server-pulled",
        ),
        pytest.param(
            on_node(CREATING),
            (
                event(
                    "FailedAttachVolume",
                    'Multi-Attach error for volume "pvc-1" Volume is already exclusively attached '
                    "to one node and can't be attached to another",
                ),
            ),
            WaitReason.VOLUME_BUSY,
            "still attached to another node",
            id="multi-attach",
        ),
        pytest.param(
            on_node(CREATING),
            (event("FailedMount", 'MountVolume.SetUp failed for volume "x": mount failed: 32'),),
            WaitReason.VOLUME,
            "The cluster says: “MountVolume.SetUp failed",
            id="mount",
        ),
        pytest.param(
            on_node(CREATING),
            (event("FailedCreatePodSandBox", "failed to setup network: no IP addresses"),),
            WaitReason.PREPARING,
            "cannot prepare the server yet. The cluster says: “failed to setup network",
            id="network",
        ),
        pytest.param(
            on_node(
                waiting("PodInitializing"),
                init=[container("wait-for-it", state={"running": {}})],
            ),
            (),
            WaitReason.PREPARING,
            "The step “wait-for-it”, which an administrator added, runs.",
            id="init-step",
        ),
        pytest.param(running(ready=False), (), WaitReason.ANSWER, "gets ready", id="not-ready"),
        pytest.param(pod(deleted=True), (), WaitReason.STOPPING, "is being stopped", id="stopping"),
        pytest.param(
            running(ready=False),
            (event("Started"), event("NodeNotReady", "Node is not ready", at="12:05:00")),
            WaitReason.NODE_LOST,
            "no longer answers",
            id="node-not-ready",
        ),
        pytest.param(
            on_node(
                waiting(
                    "CreateContainerConfigError", 'configmap "settings" not found', name="notebook"
                )
            ),
            (),
            WaitReason.CONTAINER,
            'The cluster says: “configmap "settings" not found”.',
            id="config-error",
        ),
        pytest.param(
            on_node(waiting("ErrImagePull", "dial tcp: lookup registry: i/o timeout")),
            (),
            WaitReason.IMAGE_ERROR,
            "The image “PyTorch” could not be got, and is tried again. The cluster says: “dial tcp",
            id="registry-away",
        ),
        pytest.param(
            on_node(waiting("ImagePullBackOff", 'Back-off pulling image "registry/torch:2"')),
            (
                event("Failed", 'Failed to pull image "registry/torch:2": 503', at="12:00:05"),
                event("Failed", "Error: ErrImagePull", at="12:00:06"),
            ),
            WaitReason.IMAGE_ERROR,
            "The cluster says: “Back-off pulling image",
            id="between-two-tries",
        ),
        pytest.param(
            on_node(container(state=ended(1)), phase="Running"),
            (),
            WaitReason.RESTARTING,
            "Your server ended by itself (exit code 1). It is started again.",
            id="first-crash",
        ),
        pytest.param(
            on_node(container(state={"running": {}}, last=ended(143), restarts=1), phase="Running"),
            (),
            WaitReason.RESTARTING,
            "(exit code 143: it was told to end). It is started again.",
            id="started-again",
        ),
    ],
)
def test_it_waits(
    document: dict[str, Any] | None,
    events: tuple[dict[str, Any], ...],
    reason: WaitReason,
    words: str,
) -> None:
    waits = _waits(observe(view(document, *events)))
    assert waits.reason is reason
    assert words in waits.sentence


def test_a_server_that_recovered_is_no_loss() -> None:
    events = (event("NodeNotReady", at="12:01:00"), event("NodeReady", at="12:02:00"))
    assert observe(view(running(), *events)) == Ready()


JSON: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=4)
    | st.just([None])
    | st.just({"reason": []})
)
DOCUMENTS: tuple[dict[str, Any], ...] = (
    unschedulable("0/1 nodes are available: 1 Insufficient cpu."),
    on_node(waiting("ErrImagePull", IMAGE_MISSING), conditions=[condition("Ready", "False")]),
    on_node(container(state=ended(1)), init=[waiting("PodInitializing", name="first")]),
    running(),
    event("TriggeredScaleUp"),
    event("FailedMount", field=NOTEBOOK),
)


def _places(document: Any, *path: str | int) -> list[tuple[str | int, ...]]:
    inside = document.items() if isinstance(document, dict) else enumerate(document)
    found: list[tuple[str | int, ...]] = []
    for key, value in inside:
        found.append((*path, key))
        if isinstance(value, dict | list):
            found += _places(value, *path, key)
    return found


@given(st.data())
def test_no_document_makes_it_raise(data: st.DataObject) -> None:
    documents = []
    for document in copy.deepcopy(DOCUMENTS):
        *parents, last = data.draw(st.sampled_from(_places(document)))
        inner: Any = document
        for key in parents:
            inner = inner[key]
        inner[last] = data.draw(JSON)
        documents.append(document)
    *pods, one, other = documents
    for document in pods:
        start = StartView(subject=SUBJECT, pod=document, events=[one, other])
        assert isinstance(observe(start), Ready | Waiting | Failed)


# --- patience --------------------------------------------------------------------------------

BUSY = view(
    unschedulable(
        "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are "
        "available: 1 No preemption victims found for incoming pod."
    )
)
PULLING = view(on_node(CREATING), event("Pulling", field=NOTEBOOK))
SHORT = StartPatience.model_validate({"busy": "1 min", "image": "2 min", "in_all": "1 h"})


def _judge(patience: StartPatience = SHORT, *, now: float = 1000.0) -> StartJudge:
    return StartJudge(patience=patience, now=now)


def test_patience_ends_with_the_code_of_its_reason() -> None:
    judge = _judge()
    judge.judge(BUSY, now=1000)
    assert _waits(judge.judge(BUSY, now=1059)).seconds == 59
    failed = _failed(judge.judge(BUSY, now=1060))
    assert failed.code is FailureCode.BUSY
    assert failed.sentence == (
        "All NVIDIA L4 of the cluster are in use. The start was given up after 1 min of that."
    )


def test_each_reason_has_its_own_patience() -> None:
    judge = _judge()
    judge.judge(BUSY, now=1000)
    assert _waits(judge.judge(PULLING, now=1055)).seconds == 0
    assert _waits(judge.judge(PULLING, now=1100)).seconds == 45


def test_going_to_and_fro_does_not_begin_anew() -> None:
    judge = _judge()
    for after in range(0, 120, 10):  # 60 s of each
        verdict = judge.judge((BUSY, PULLING)[after // 10 % 2], now=1000 + after)
        assert isinstance(verdict, Waiting)
    assert _failed(judge.judge(BUSY, now=1120)).code is FailureCode.BUSY


def test_all_of_it_has_an_end() -> None:
    judge = _judge(StartPatience.model_validate({"image": "1 h", "in_all": "1 h"}))
    judge.judge(BUSY, now=1000)
    judge.judge(PULLING, now=1500)
    failed = _failed(judge.judge(PULLING, now=4600))
    assert failed.code is FailureCode.TIMEOUT
    assert "given up after 1 h in all" in failed.sentence


@pytest.mark.parametrize("reason", WaitReason)
def test_every_reason_ends(reason: WaitReason) -> None:
    assert 0 < patience_for(reason, StartPatience()) <= StartPatience().in_all


def test_a_cause_that_is_certain_needs_no_patience() -> None:
    missing = view(on_node(waiting("ErrImagePull", IMAGE_MISSING)))
    assert _failed(_judge().judge(missing, now=1000)).code is FailureCode.IMAGE_MISSING
