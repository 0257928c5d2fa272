"""Ends of every kind; those of images and configuration too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.domain.pods.outcomes import Failed, FailureCode
from sandlot_hub.domain.pods.verdict import observe
from support.pod_states import (
    IMAGE_MISSING,
    NOTEBOOK,
    condition,
    container,
    ended,
    event,
    on_node,
    running,
    view,
    waiting,
)

if TYPE_CHECKING:
    from sandlot_hub.domain.pods.outcomes import Verdict

NO_SERVER = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc "
    "create failed: unable to start container process: exec: "
    '"jupyterhub-singleuser": executable file not found in $PATH: unknown'
)


def _failed(verdict: Verdict) -> Failed:
    assert isinstance(verdict, Failed), verdict
    return verdict


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        pytest.param(
            on_node(waiting("ErrImagePull", IMAGE_MISSING)),
            FailureCode.IMAGE_MISSING,
            "The image “PyTorch” does not exist.",
            id="image-missing",
        ),
        pytest.param(
            on_node(
                waiting(
                    "ErrImagePull",
                    "failed to pull: pull access denied, repository does not exist or may require "
                    "authorization: server message: insufficient_scope: authorization failed",
                )
            ),
            FailureCode.IMAGE_DENIED,
            "does not exist, or the cluster may not read it",
            id="image-denied",
        ),
        pytest.param(
            on_node(waiting("ErrImagePull", "no match for platform in manifest: not found")),
            FailureCode.IMAGE_PLATFORM,
            "was not built for the processors",
            id="image-platform-of-containerd",
        ),
        pytest.param(
            on_node(waiting("ErrImagePull", "no matching manifest for linux/arm64 in the list")),
            FailureCode.IMAGE_PLATFORM,
            "was not built for the processors",
            id="image-platform",
        ),
        pytest.param(
            on_node(waiting("InvalidImageName", 'couldn\'t parse image name "a b"')),
            FailureCode.IMAGE_MISSING,
            "that is no name of an image",
            id="image-name",
        ),
        pytest.param(
            on_node(waiting("ErrImageNeverPull", 'Container image "x" is not present')),
            FailureCode.IMAGE_MISSING,
            "is not on the node",
            id="never-pull",
        ),
        pytest.param(
            on_node(waiting("ImagePullBackOff", IMAGE_MISSING, name="sidecar")),
            FailureCode.IMAGE_MISSING,
            "The image of the part “sidecar”, which an administrator added, does not exist.",
            id="image-of-what-the-admin-added",
        ),
        pytest.param(
            on_node(
                waiting(
                    "CreateContainerConfigError",
                    "container has runAsNonRoot and image will run as root",
                )
            ),
            FailureCode.IMAGE_ROOT,
            "runs as root",
            id="image-root",
        ),
        pytest.param(
            on_node(waiting("RunContainerError", NO_SERVER)),
            FailureCode.IMAGE_NO_SERVER,
            "has no program that starts a server",
            id="no-server",
        ),
        pytest.param(
            on_node(
                waiting("CrashLoopBackOff", last=ended(128, "StartError", NO_SERVER), restarts=1)
            ),
            FailureCode.IMAGE_NO_SERVER,
            "has no program that starts a server",
            id="no-server-of-an-older-kubelet",
        ),
        pytest.param(
            on_node(container(state=ended(137, "OOMKilled")), phase="Running"),
            FailureCode.OUT_OF_MEMORY,
            "Your server used all of its memory and was ended.",
            id="oom",
        ),
        pytest.param(
            on_node(waiting("CrashLoopBackOff", last=ended(0, "OOMKilled"), restarts=1)),
            FailureCode.OUT_OF_MEMORY,
            "used all of its memory",
            id="oom-with-exit-code-0",
        ),
        pytest.param(
            on_node(waiting("CrashLoopBackOff", last=ended(1), restarts=2), phase="Running"),
            FailureCode.CRASH_LOOP,
            "Your server ended by itself (exit code 1). It was started again, and ended each time.",
            id="crash-loop",
        ),
        pytest.param(
            on_node(container(state=ended(127)), phase="Failed"),
            FailureCode.EXITED,
            "Your server ended by itself (exit code 127: its command was not found).",
            id="exited",
        ),
        pytest.param(
            on_node(container(state=ended(0, "Completed")), phase="Succeeded"),
            FailureCode.EXITED,
            "Your server ended by itself (exit code 0: without an error).",
            id="ended-well",
        ),
        pytest.param(
            on_node(
                container(state=ended(0, "Completed")),
                container("sidecar", state=ended(3)),
                phase="Failed",
            ),
            FailureCode.EXITED,
            "The part “sidecar”, which an administrator added, ended by itself (exit code 3).",
            id="what-the-admin-added-exited",
        ),
        pytest.param(
            on_node(phase="Failed", message="Pod was rejected"),
            FailureCode.EXITED,
            "Your server ended. The cluster says: “Pod was rejected”.",
            id="ended-without-a-container",
        ),
        pytest.param(
            on_node(phase="Failed", reason="Evicted", message="The node was low on memory."),
            FailureCode.EVICTED,
            "ran short of memory or disk space",
            id="evicted",
        ),
        pytest.param(
            on_node(
                phase="Failed",
                reason="Evicted",
                conditions=[condition("DisruptionTarget", "True", "TerminationByKubelet")],
            ),
            FailureCode.EVICTED,
            "ran short of memory or disk space",
            id="evicted-by-the-node",
        ),
        pytest.param(
            on_node(
                phase="Failed",
                reason="Terminated",
                conditions=[condition("DisruptionTarget", "True", "TerminationByKubelet")],
            ),
            FailureCode.NODE_LOST,
            "is being shut down",
            id="node-shutdown",
        ),
        pytest.param(
            on_node(
                phase="Running",
                deleted=True,
                conditions=[condition("DisruptionTarget", "True", "PreemptionByScheduler")],
            ),
            FailureCode.PREEMPTED,
            "needed the place of your server for more urgent work",
            id="preempted",
        ),
        pytest.param(
            on_node(
                phase="Running",
                deleted=True,
                conditions=[condition("DisruptionTarget", "True", "DeletionByTaintManager")],
            ),
            FailureCode.NODE_LOST,
            "no longer answers",
            id="node-lost",
        ),
        pytest.param(
            on_node(
                phase="Running",
                deleted=True,
                conditions=[condition("DisruptionTarget", "True", "EvictionByEvictionAPI")],
            ),
            FailureCode.EVICTED,
            "is being emptied for maintenance",
            id="drained",
        ),
        pytest.param(
            on_node(phase="Unknown", reason="NodeLost"),
            FailureCode.NODE_LOST,
            "no longer answers",
            id="node-lost-of-old",
        ),
        pytest.param(
            on_node(
                phase="Failed",
                reason="UnexpectedAdmissionError",
                message="Allocate failed due to requested number of devices unavailable for "
                "nvidia.com/gpu. Requested: 1, Available: 0, which is unexpected",
            ),
            FailureCode.NODE_REFUSED,
            "had no room left for your server when it arrived. The cluster says: “Allocate failed",
            id="device-gone",
        ),
        pytest.param(
            on_node(phase="Failed", reason="OutOfnvidia.com/gpu"),
            FailureCode.NODE_REFUSED,
            "had no room left",
            id="race-for-the-node",
        ),
    ],
)
def test_it_has_failed(document: dict[str, Any], code: FailureCode, words: str) -> None:
    failed = _failed(observe(view(document)))
    assert failed.code is code
    assert words in failed.sentence
    assert failed.next.startswith("Next: ")
    assert failed.message == f"{failed.sentence} {failed.next}"


def test_between_two_tries_the_event_tells_what_is_wrong() -> None:
    back_off = on_node(waiting("ImagePullBackOff", 'Back-off pulling image "registry/torch:2"'))
    events = (
        event("Failed", IMAGE_MISSING, at="12:00:05", field=NOTEBOOK),
        event("Failed", "Error: ErrImagePull", at="12:00:05", field=NOTEBOOK),
        event("BackOff", "Back-off pulling image", at="12:00:20", field=NOTEBOOK),
    )
    assert _failed(observe(view(back_off, *events))).code is FailureCode.IMAGE_MISSING


def test_what_was_seen_last_tells_why_it_is_gone() -> None:
    target = [condition("DisruptionTarget", "True", "PreemptionByScheduler")]
    known = observe(view(None, last_seen=on_node(phase="Running", conditions=target)))
    assert _failed(known).code is FailureCode.PREEMPTED
    assert _failed(observe(view(None, last_seen=running()))).code is FailureCode.VANISHED
