"""Why a container has not begun to run: its image, or what it is made from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandlot_hub.domain.values.names import quoted

from .documents import SERVER_CONTAINER, pod_events, text
from .outcomes import (
    OTHER_IMAGE,
    Failed,
    FailureCode,
    Waiting,
    WaitReason,
    detail,
    sentences,
)

if TYPE_CHECKING:
    from .documents import Document, StartView

_IMAGE_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
_CONTAINER_REASONS = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PreCreateHookError",
    }
)

# What registries and runtimes write. The order matters: a registry that hides what one may
# not read says "denied" and "does not exist" in one breath, and containerd ends its words
# about a missing platform with "not found".
_IMAGE_CAUSES = (
    (
        re.compile(
            r"denied|unauthori[sz]ed|no basic auth|authentication required|40[13] (forbidden|unauth)",
            re.IGNORECASE,
        ),
        FailureCode.IMAGE_DENIED,
        "does not exist, or the cluster may not read it",
    ),
    (
        re.compile(r"no match for platform|no matching manifest", re.IGNORECASE),
        FailureCode.IMAGE_PLATFORM,
        "was not built for the processors of this cluster",
    ),
    (
        re.compile(
            r"manifest[ _]unknown|name[ _]unknown|code = NotFound|(?::|404) not found|no such image",
            re.IGNORECASE,
        ),
        FailureCode.IMAGE_MISSING,
        "does not exist",
    ),
    (
        re.compile(
            r"InvalidImageName|invalid reference format|couldn't parse image", re.IGNORECASE
        ),
        FailureCode.IMAGE_MISSING,
        "cannot exist: that is no name of an image",
    ),
    (
        re.compile(r"ErrImageNeverPull", re.IGNORECASE),
        FailureCode.IMAGE_MISSING,
        "is not on the node, and the cluster does not get images itself",
    ),
)
_CONTAINER_CAUSES = (
    (
        re.compile(r"image will run as root|non-numeric user|runAsNonRoot"),
        FailureCode.IMAGE_ROOT,
        "runs as root, or does not say by number as whom, which is not allowed here",
    ),
    (
        re.compile(r"exec: .*(?:not found|no such file or directory)|exec format error", re.DOTALL),
        FailureCode.IMAGE_NO_SERVER,
        "has no program that starts a server",
    ),
)


def judge_waiting_container(view: StartView, container: Document) -> Waiting | Failed | None:
    """Return why a container waits; None when the cluster gives no reason of its own.

    Parameters
    ----------
    view
        What is known of the start.
    container
        An entry of ``containerStatuses`` whose state is ``waiting``.
    """
    reason = text(container, "state", "waiting", "reason")
    said = text(container, "state", "waiting", "message")
    if reason in _IMAGE_REASONS or reason in {"InvalidImageName", "ErrImageNeverPull"}:
        return _of_image(view, container, f"{reason}: {said} {_last_pull_error(view)}")
    if reason in _CONTAINER_REASONS:
        return judge_unmade_container(view, said)
    return None


def judge_unmade_container(view: StartView, message: str) -> Waiting | Failed:
    """Return why a container could not be made, from what the node's runtime says."""
    for pattern, code, words in _CONTAINER_CAUSES:
        if pattern.search(message):
            said = f"The image {quoted(view.subject.image)} {words}."
            return Failed(code=code, sentence=said, next=OTHER_IMAGE)
    said = sentences("The node cannot make the server from its configuration.", detail(message))
    return Waiting(reason=WaitReason.CONTAINER, sentence=said)


def _last_pull_error(view: StartView) -> str:
    # While it waits between two tries, an older kubelet only says that it does.
    said = (text(event, "message") for event in reversed(pod_events(view)))
    return next((each for each in said if each.startswith("Failed to pull image")), "")


def _of_image(view: StartView, container: Document, message: str) -> Waiting | Failed:
    if container.get("name") == SERVER_CONTAINER:
        name = f"The image {quoted(view.subject.image)}"
    else:
        name = (
            f"The image of the part {quoted(container.get('name'))}, which an administrator added,"
        )
    for pattern, code, words in _IMAGE_CAUSES:
        if pattern.search(message):
            return Failed(code=code, sentence=f"{name} {words}.", next=OTHER_IMAGE)
    reported = text(container, "state", "waiting", "message") or _last_pull_error(view)
    said = sentences(f"{name} could not be got, and is tried again.", detail(reported))
    return Waiting(reason=WaitReason.IMAGE_ERROR, sentence=said)
