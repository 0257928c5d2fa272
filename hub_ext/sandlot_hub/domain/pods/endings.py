"""Why a server ended: by itself, by its node, or by the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_hub.domain.values.names import quoted

from .documents import (
    SERVER_CONTAINER,
    condition,
    containers,
    last_event,
    number,
    part,
    pod_events,
    text,
)
from .images import judge_unmade_container
from .outcomes import (
    AGAIN,
    ASK,
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

_CRASHES = 2
"""Restarts after which a server counts as one that cannot run."""
_STEP_UNMADE = frozenset({"StartError", "ContainerCannotRun"})
_EXIT_WORDS = {
    0: "without an error",
    126: "its command may not be run",
    127: "its command was not found",
    134: "it aborted",
    137: "it was killed",
    139: "it crashed in native code",
    143: "it was told to end",
}
_EVICTED = Failed(
    code=FailureCode.EVICTED,
    sentence="The node ran short of memory or disk space, and your server was moved off it.",
    next=f"{AGAIN}; if it happens again, choose a size with more memory.",
)
_PREEMPTED = Failed(
    code=FailureCode.PREEMPTED,
    sentence="The cluster needed the place of your server for more urgent work.",
    next=f"{AGAIN}: it waits for the next place.",
)
_NODE_LOST = Failed(
    code=FailureCode.NODE_LOST,
    sentence="The node of your server no longer answers.",
    next=f"{AGAIN}; another node takes it.",
)
_NODE_DOWN = Failed(
    code=FailureCode.NODE_LOST,
    sentence="The node of your server is being shut down.",
    next=f"{AGAIN}; another node takes it.",
)
VANISHED = Failed(
    code=FailureCode.VANISHED,
    sentence="Your server was removed from the cluster by somebody else.",
    next=f"{AGAIN}; if it happens again, tell an administrator.",
)
"""What is known of a pod that is gone without a word."""
_DISRUPTIONS = {
    "PreemptionByScheduler": _PREEMPTED,
    "DeletionByTaintManager": _NODE_LOST,
    "DeletionByPodGC": _NODE_LOST,
    "EvictionByEvictionAPI": Failed(
        code=FailureCode.EVICTED,
        sentence="Your server was moved off its node, which is being emptied for maintenance.",
        next=f"{AGAIN}; another node takes it.",
    ),
}
_POD_REASONS = {
    "Evicted": _EVICTED,
    "Preempting": _PREEMPTED,
    "NodeLost": _NODE_LOST,
    "NodeShutdown": _NODE_DOWN,
    "Terminated": _NODE_DOWN,
    "Shutdown": _NODE_DOWN,
}
_NODE_REFUSALS = ("UnexpectedAdmissionError", "OutOf", "NodeAffinity", "TopologyAffinityError")


def judge_vanished(view: StartView) -> Failed:
    """Return why a pod is gone that was there."""
    return (None if view.last_seen is None else disruption(view.last_seen)) or VANISHED


def disruption(pod: Document) -> Failed | None:
    """Return why the cluster ends a pod; None when it does not, or does not say."""
    target = condition(pod, "DisruptionTarget")
    if target.get("status") == "True":
        if text(target, "reason") == "TerminationByKubelet":
            return _POD_REASONS.get(text(pod, "status", "reason"), _EVICTED)
        if text(target, "reason") in _DISRUPTIONS:
            return _DISRUPTIONS[text(target, "reason")]
    return _POD_REASONS.get(text(pod, "status", "reason"))


def judge_ended(view: StartView, pod: Document) -> Failed:
    """Return why a pod has ended that is not started again."""
    because = disruption(pod)
    if because is not None:
        return because
    reason = text(pod, "status", "reason")
    if reason.startswith(_NODE_REFUSALS):
        return Failed(
            code=FailureCode.NODE_REFUSED,
            sentence=sentences(
                "The node had no room left for your server when it arrived.",
                detail(text(pod, "status", "message")),
            ),
            next=f"{AGAIN}; if it happens again, tell an administrator.",
        )
    ended = [each for each in containers(pod) if part(each, "state", "terminated")]
    # One that ended with an error explains more than one that was told to end after it.
    ended.sort(key=lambda each: number(each, "state", "terminated", "exitCode") == 0)
    if not ended:
        return Failed(
            code=FailureCode.EXITED,
            sentence=sentences("Your server ended.", detail(text(pod, "status", "message"))),
            next=OTHER_IMAGE,
        )
    return judge_exit(view, ended[0], part(ended[0], "state", "terminated"))


def judge_restarting(view: StartView, container: Document) -> Waiting | Failed | None:
    """Return why a container that ended is started again; None when it has not ended."""
    end = part(container, "state", "terminated") or part(container, "lastState", "terminated")
    if not end:
        return None
    known = _known_cause(view, container, end)
    if known is not None:
        return known
    failed = judge_exit(view, container, end)
    if (number(container, "restartCount") or 0) >= _CRASHES:
        said = f"{failed.sentence} It was started again, and ended each time."
        return Failed(code=FailureCode.CRASH_LOOP, sentence=said, next=failed.next)
    return Waiting(
        reason=WaitReason.RESTARTING,
        sentence=f"{failed.sentence} It is started again.",
    )


def judge_node_lost(view: StartView, pod: Document) -> Waiting | None:
    """Return whether the node of a pod does not answer."""
    event = last_event(pod_events(view), "NodeNotReady", "NodeReady", "Started")
    if event is None or text(event, "reason") != "NodeNotReady":
        return None
    if condition(pod, "Ready").get("status") == "True":
        return None
    return Waiting(reason=WaitReason.NODE_LOST, sentence=_NODE_LOST.sentence)


def _known_cause(view: StartView, container: Document, end: Document) -> Failed | None:
    """Return a cause that trying again does not change."""
    if text(end, "reason") == "OOMKilled":
        return _out_of_memory(container)
    if text(end, "reason") in _STEP_UNMADE:
        unmade = judge_unmade_container(view, text(end, "message"))
        return unmade if isinstance(unmade, Failed) else None
    return None


def judge_exit(view: StartView, container: Document, end: Document) -> Failed:
    """Return why a container ended.

    Parameters
    ----------
    view
        What is known of the server.
    container
        An entry of ``containerStatuses``.
    end
        Its state when it ended.
    """
    known = _known_cause(view, container, end)
    if known is not None:
        return known
    code = number(end, "exitCode") or 0
    words = _EXIT_WORDS.get(code, "")
    told = f"exit code {code}: {words}" if words else f"exit code {code}"
    what, next_ = _what(container)
    return Failed(code=FailureCode.EXITED, sentence=f"{what} ended by itself ({told}).", next=next_)


def _out_of_memory(container: Document) -> Failed:
    what, next_ = _what(container)
    if container.get("name") == SERVER_CONTAINER:
        next_ = "Next: choose a size with more memory."
    said = f"{what} used all of its memory and was ended."
    return Failed(code=FailureCode.OUT_OF_MEMORY, sentence=said, next=next_)


def _what(container: Document) -> tuple[str, str]:
    if container.get("name") == SERVER_CONTAINER:
        return "Your server", OTHER_IMAGE
    return f"The part {quoted(container.get('name'))}, which an administrator added,", f"{ASK}."
