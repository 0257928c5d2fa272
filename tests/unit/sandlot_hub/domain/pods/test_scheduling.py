from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.pods.documents import OthersWaiting, StartSubject
from sandlot_hub.domain.pods.outcomes import Failed, FailureCode, Waiting, WaitReason
from sandlot_hub.domain.pods.scheduling import read_placement
from sandlot_hub.domain.pods.verdict import observe
from support.pod_states import condition, event, pod, unschedulable, view

BUSY = (
    "0/5 nodes are available: 2 node(s) had untolerated taint(s), 3 Insufficient nvidia.com/gpu. "
    "no new claims to deallocate, preemption: 0/5 nodes are available: 2 Preemption is not helpful for scheduling, "
    "3 No preemption victims found for incoming pod."
)
NO_SUCH_GPU = (
    "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: "
    "3 Preemption is not helpful for scheduling."
)
FREE_GPU_NO_CPU = (
    "0/4 nodes are available: 1 Insufficient cpu, 3 Insufficient nvidia.com/gpu. preemption: 0/4 "
    "nodes are available: 1 No preemption victims found for incoming pod, "
    "3 Preemption is not helpful for scheduling."
)
OLD_TAINT = (
    "0/2 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint "
    "{node-role.kubernetes.io/control-plane: }. preemption: 0/2 nodes are available: "
    "1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."
)


def _unplaced(message: str, *events: dict[str, Any], **fields: Any) -> Waiting:
    verdict = observe(view(unschedulable(message), *events, **fields))
    assert isinstance(verdict, Waiting)
    return verdict


def test_the_schedulers_sentence_is_taken_apart() -> None:
    placement = read_placement(BUSY)
    assert placement.nodes == 5
    assert placement.reasons == {
        "node(s) had untolerated taint(s)": 2,
        "Insufficient nvidia.com/gpu": 3,
    }
    assert placement.helped == 3
    assert placement.lacking == {"nvidia.com/gpu": 3}


def test_an_older_scheduler_names_the_taint() -> None:
    placement = read_placement(OLD_TAINT)
    assert placement.count("taint") == 1
    assert placement.lacking == {"memory": 1}
    assert placement.helped == 1


OLDER = "0/3 nodes are available: "
NO_VICTIMS = "No preemption victims found for incoming pod"


@pytest.mark.parametrize(
    ("message", "reason", "words"),
    [
        pytest.param(
            f"{OLDER}3 Insufficient nvidia.com/gpu. preemption: {OLDER}3 {NO_VICTIMS}..",
            WaitReason.BUSY,
            "All NVIDIA L4 of the cluster are in use.",
            id="1.31-in-use-or-never-there",
        ),
        pytest.param(
            f"{OLDER}1 node(s) had untolerated taint {{node-role.kubernetes.io/control-plane: }}, "
            f"2 Insufficient cpu. preemption: {OLDER}1 Preemption is not helpful for scheduling, "
            f"2 {NO_VICTIMS}..",
            WaitReason.BUSY,
            "The cluster has too little CPU left at the moment.",
            id="1.31-cpu",
        ),
        pytest.param(
            f"{OLDER}3 node(s) had untolerated taint {{gpu: only, a}}. preemption: {OLDER}"
            "3 Preemption is not helpful for scheduling..",
            WaitReason.RESERVED,
            "All nodes of the cluster are kept for other work.",
            id="1.31-taint",
        ),
        pytest.param(
            f"{OLDER}3 node(s) didn't match Pod's node affinity/selector. preemption: {OLDER}"
            "3 Preemption is not helpful for scheduling..",
            WaitReason.NEVER_FITS,
            "Of 3 nodes, 3 are of another kind.",
            id="1.31-selector",
        ),
        pytest.param(
            f"{OLDER}1 node(s) had taint {{a: b}}, that the pod didn't tolerate, "
            "2 Insufficient memory.",
            WaitReason.BUSY,
            "The cluster has too little memory left at the moment.",
            id="1.22-without-preemption",
        ),
    ],
)
def test_the_words_of_older_schedulers(message: str, reason: WaitReason, words: str) -> None:
    """They never say "never" of a node that is too small: until patience is over, it waits."""
    waiting = _unplaced(message)
    assert waiting.reason is reason
    assert words in waiting.sentence


@pytest.mark.parametrize(
    ("message", "helped"),
    [
        pytest.param("0/1 nodes are available: 1 Insufficient cpu.", None, id="silent"),
        pytest.param(
            "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to "
            "preemptionPolicy=Never.",
            None,
            id="policy",
        ),
        pytest.param("no nodes available to schedule pods", None, id="empty-cluster"),
        pytest.param("", None, id="nothing"),
        pytest.param(
            "0/99999999999999999999 nodes are available: x, 1 y. preemption: 0/", None, id="odd"
        ),
    ],
)
def test_what_is_not_said_is_not_known(message: str, helped: int | None) -> None:
    assert read_placement(message).helped is helped


@pytest.mark.parametrize(
    ("message", "reason", "words"),
    [
        pytest.param(BUSY, WaitReason.BUSY, "All NVIDIA L4 of the cluster are in use.", id="busy"),
        pytest.param(
            NO_SUCH_GPU,
            WaitReason.NEVER_FITS,
            "No node of the cluster can hold this server. Of 3 nodes, 3 have too little NVIDIA L4.",
            id="never-fits",
        ),
        pytest.param(
            FREE_GPU_NO_CPU,
            WaitReason.BUSY,
            "Where NVIDIA L4 is free, there is too little CPU left.",
            id="gpu-free-cpu-used",
        ),
        pytest.param(
            OLD_TAINT,
            WaitReason.BUSY,
            "The cluster has too little memory left at the moment.",
            id="memory",
        ),
        pytest.param(
            "0/2 nodes are available: 2 node(s) had untolerated taint(s). preemption: 0/2 nodes are "
            "available: 2 Preemption is not helpful for scheduling.",
            WaitReason.RESERVED,
            "All nodes of the cluster are kept for other work.",
            id="taints",
        ),
        pytest.param(
            "0/6 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match Pod's "
            "node affinity/selector, 3 Insufficient nvidia.com/gpu. preemption: 0/6 nodes are "
            "available: 6 Preemption is not helpful for scheduling.",
            WaitReason.NEVER_FITS,
            "Of 6 nodes, 3 have too little NVIDIA L4, 2 are of another kind, "
            "1 are closed for maintenance.",
            id="many-reasons",
        ),
        pytest.param(
            "no nodes available to schedule pods",
            WaitReason.NEVER_FITS,
            "No node of the cluster can hold this server.",
            id="empty-cluster",
        ),
        pytest.param(
            "0/1 nodes are available: 1 Too many pods. preemption: 0/1 nodes are available: "
            "1 No preemption victims found for incoming pod.",
            WaitReason.BUSY,
            "The cluster has too little room for more servers left",
            id="pods",
        ),
        pytest.param(
            "0/2 nodes are available: 2 cannot allocate all claims. preemption: 0/2 nodes are "
            "available: 2 Preemption is not helpful for scheduling.",
            WaitReason.BUSY,
            "All NVIDIA L4 of the cluster are in use.",
            id="claimed",
        ),
        pytest.param(
            "0/1 nodes are available: 1 node(s) didn't satisfy pod anti-affinity rules. "
            "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
            WaitReason.BUSY,
            "The cluster says: “0/1 nodes are available: 1 node(s) didn't satisfy",
            id="other-words",
        ),
        pytest.param(
            '0/3 nodes are available: persistentvolumeclaim "claim-ann" not found. preemption: 0/3 '
            "nodes are available: 3 Preemption is not helpful for scheduling.",
            WaitReason.CLAIM_GONE,
            "The volume of your home was deleted; an empty one is being made.",
            id="home-gone",
        ),
        pytest.param(
            '0/3 nodes are available: persistentvolumeclaim "maps" not found.',
            WaitReason.CLAIM_GONE,
            "The volume “maps” that an administrator added does not exist.",
            id="data-gone",
        ),
        pytest.param(
            "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: "
            "0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
            WaitReason.VOLUME,
            "A volume for the server is being made.",
            id="unbound",
        ),
        pytest.param(
            '0/3 nodes are available: persistentvolumeclaim "claim-ann" is being deleted.',
            WaitReason.VOLUME,
            "A volume for the server is being made.",
            id="being-deleted",
        ),
        pytest.param(
            "0/3 nodes are available: 3 node(s) unavailable due to PersistentVolumeClaim with "
            "ReadWriteOncePod access mode already in-use by another pod.",
            WaitReason.VOLUME_BUSY,
            "A volume of the server is in use",
            id="once-pod",
        ),
    ],
)
def test_why_there_is_no_node(message: str, reason: WaitReason, words: str) -> None:
    waiting = _unplaced(message)
    assert waiting.reason is reason
    assert words in waiting.sentence


def test_the_missing_claim_is_named_for_whoever_makes_it() -> None:
    message = '0/3 nodes are available: persistentvolumeclaim "claim-ann" not found.'
    assert _unplaced(message).claim == "claim-ann"


def test_a_lost_volume_is_no_wait() -> None:
    message = "0/3 nodes are available: 3 node(s) unavailable due to one or more pvc(s) bound to "
    claims = {"claim-ann": {"status": {"phase": "Lost"}}}
    for verdict in (
        observe(view(unschedulable(f"{message}non-existent pv(s)."))),
        observe(view(unschedulable("0/3 nodes are available: x."), claims=claims)),
    ):
        assert isinstance(verdict, Failed)
        assert verdict.code is FailureCode.VOLUME_LOST
        assert "before anything is deleted" in verdict.next


@pytest.mark.parametrize(
    ("others", "words"),
    [
        pytest.param(OthersWaiting(), "in use.", id="nobody"),
        pytest.param(
            OthersWaiting(count=1, oldest_s=30),
            "in use. 1 other waits for this kind of GPU too.",
            id="one",
        ),
        pytest.param(
            OthersWaiting(count=2, oldest_s=280),
            "in use. 2 others wait for this kind of GPU too, the oldest 4 min.",
            id="two",
        ),
    ],
)
def test_others_wait_too(others: OthersWaiting, words: str) -> None:
    assert _unplaced(BUSY, others=others).sentence.endswith(words)


def test_without_an_accelerator_others_wait_for_a_node() -> None:
    waiting = _unplaced(
        "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: "
        "1 No preemption victims found for incoming pod.",
        subject=StartSubject(image="Base"),
        others=OthersWaiting(count=3),
    )
    assert waiting.sentence == (
        "The cluster has too little CPU left at the moment. 3 others wait for a node too."
    )


UP = event("TriggeredScaleUp", "pod triggered scale-up: [{l4 1->2 (max: 3)}]", at="12:00:09")
NOT_UP = "pod didn't trigger scale-up: 1 max node group size reached"


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        pytest.param((UP,), WaitReason.NEW_NODE, id="cluster-autoscaler"),
        pytest.param((event("Nominated"),), WaitReason.NEW_NODE, id="karpenter"),
        pytest.param((event("NotTriggerScaleUp", NOT_UP),), WaitReason.NEVER_FITS, id="at-maximum"),
        pytest.param(
            (event("NotTriggerScaleUp", NOT_UP, at="12:00:07"), UP),
            WaitReason.NEW_NODE,
            id="first-no-then-yes",
        ),
        pytest.param(
            (event("NotTriggerScaleUp", NOT_UP, at="12:01:07"), UP),
            WaitReason.NEVER_FITS,
            id="order-is-by-time",
        ),
        pytest.param(
            (event("TriggeredScaleUp", uid="another"),), WaitReason.NEVER_FITS, id="earlier-server"
        ),
    ],
)
def test_a_new_node(events: tuple[dict[str, Any], ...], reason: WaitReason) -> None:
    assert _unplaced(NO_SUCH_GPU, *events).reason is reason


@pytest.mark.parametrize(
    ("takes", "said"),
    [
        pytest.param(None, "A new node is being added for your server.", id="nobody-said"),
        pytest.param(
            300.0,
            "A new node is being added for your server, which usually takes 5 min.",
            id="five-minutes",
        ),
    ],
)
def test_how_long_a_new_node_takes(takes: float | None, said: str) -> None:
    subject = StartSubject(image="Base", new_node_s=takes)
    assert _unplaced(NO_SUCH_GPU, UP, subject=subject).sentence == said


@pytest.mark.parametrize(
    ("labels", "others", "said"),
    [
        pytest.param(
            {},
            OthersWaiting(),
            "A queue of the cluster holds the start back until it is your turn.",
            id="some-queue",
        ),
        pytest.param(
            {"kueue.x-k8s.io/queue-name": "gpu"},
            OthersWaiting(count=2, oldest_s=250),
            "The queue “gpu” of the cluster holds the start back until it is your turn. "
            "2 others wait for this kind of GPU too, the oldest 4 min.",
            id="kueue",
        ),
    ],
)
def test_a_queue_holds_it_back(labels: dict[str, str], others: OthersWaiting, said: str) -> None:
    gated = pod(conditions=[condition("PodScheduled", "False", "SchedulingGated")])
    gated["metadata"]["labels"] = labels
    verdict = observe(view(gated, others=others))
    assert isinstance(verdict, Waiting)
    assert verdict.reason is WaitReason.QUEUE
    assert verdict.sentence == said


def test_nobody_has_looked_yet() -> None:
    verdict = observe(view(pod()))
    assert isinstance(verdict, Waiting)
    assert verdict.reason is WaitReason.PLACING


def test_the_event_tells_before_the_condition_does() -> None:
    verdict = observe(view(pod(), event("FailedScheduling", BUSY)))
    assert isinstance(verdict, Waiting)
    assert verdict.reason is WaitReason.BUSY
