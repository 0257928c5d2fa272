"""The one judgement of a start in a cluster: everything that is known, to what people read.

`observe` looks at documents only. `StartJudge` adds how long each reason has lasted, by the
hub's own clock: the times in the documents come from other machines, whose clocks differ.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from sandlot_hub.domain.values.names import quoted
from sandlot_hub.domain.values.units import format_duration

from .documents import (
    SERVER_CONTAINER,
    condition,
    containers,
    items,
    last_event,
    part,
    pod_events,
    text,
)
from .endings import (
    disruption,
    judge_ended,
    judge_node_lost,
    judge_restarting,
    judge_vanished,
)
from .images import judge_waiting_container
from .outcomes import (
    ASK,
    Failed,
    FailureCode,
    Ready,
    Waiting,
    WaitReason,
    detail,
    give_up,
    patience_for,
    sentences,
)
from .scheduling import judge_unplaced

if TYPE_CHECKING:
    from sandlot_hub.domain.settings.cluster import StartPatience

    from .documents import Document, StartView
    from .outcomes import Verdict

_VOLUME_EVENTS = ("FailedAttachVolume", "FailedMount", "FailedMapVolume")
_TROUBLE_EVENTS = ("FailedCreatePodSandBox", "FailedPrepareDynamicResources", "NetworkNotReady")
_GOOD_EVENTS = ("Pulling", "Pulled", "Created", "Started", "SuccessfulAttachVolume")


_STARTING = "The server runs, and gets ready to answer."


def observe(view: StartView) -> Verdict:
    """Return how a start goes, as the documents tell it. It never raises."""
    pod = view.pod
    if pod is None:
        if view.last_seen is not None:
            return judge_vanished(view)
        if view.earlier_ends:
            earlier = "Your earlier server has not ended yet."
            return Waiting(reason=WaitReason.STOPPING, sentence=earlier)
        return Waiting(reason=WaitReason.PLACING, sentence="The cluster is asked for your server.")
    over = _over(view, pod)
    if over is not None:
        return over
    if not text(pod, "spec", "nodeName"):
        return judge_unplaced(view, pod)
    return judge_node_lost(view, pod) or _on_its_node(view, pod)


def _over(view: StartView, pod: Document) -> Waiting | Failed | None:
    if text(pod, "status", "phase") in {"Failed", "Succeeded"}:
        return judge_ended(view, pod)
    because = disruption(pod)
    if because is None and text(pod, "metadata", "deletionTimestamp"):
        return Waiting(reason=WaitReason.STOPPING, sentence="The server is being stopped.")
    return because


def _on_its_node(view: StartView, pod: Document) -> Verdict:
    for container in containers(pod):
        if _has_done_its_part(container):
            continue
        # What ended comes first: between two starts it "waits" too, for a reason of the
        # kubelet's that says nothing about the cause.
        found = judge_restarting(view, container) or judge_waiting_container(view, container)
        if found is not None:
            return found
        if part(container, "state", "waiting"):
            return _preparing(view)
        if container not in items(pod, "status", "containerStatuses"):
            said = f"The step {quoted(container.get('name'))}, which an administrator added, runs."
            return Waiting(reason=WaitReason.PREPARING, sentence=said)
    if condition(pod, "Ready").get("status") == "True" and text(pod, "status", "podIP"):
        starting = Waiting(reason=WaitReason.ANSWER, sentence=_STARTING)
        return Ready() if view.answers else starting
    if text(pod, "status", "phase") == "Running":
        return Waiting(reason=WaitReason.ANSWER, sentence=_STARTING)
    return _preparing(view)


def _has_done_its_part(container: Document) -> bool:
    if container.get("ready") is True:
        return True
    return part(container, "state", "terminated").get("exitCode") == 0 and (
        container.get("name") != SERVER_CONTAINER
    )


def _preparing(view: StartView) -> Waiting:
    events = pod_events(view)
    last = last_event(events, *_VOLUME_EVENTS, *_TROUBLE_EVENTS, *_GOOD_EVENTS)
    reason = "" if last is None else text(last, "reason")
    said = "" if last is None else text(last, "message")
    if reason in _VOLUME_EVENTS:
        if "Multi-Attach" in said or "already used by" in said:
            busy = "A volume of the server is still attached to another node."
            return Waiting(reason=WaitReason.VOLUME_BUSY, sentence=busy)
        attached = sentences("A volume cannot be attached to the node yet.", detail(said))
        return Waiting(reason=WaitReason.VOLUME, sentence=attached)
    if reason == "Pulling":
        where = text(last or {}, "involvedObject", "fieldPath")
        ours = not where or f"{{{SERVER_CONTAINER}}}" in where
        image = f"the image {quoted(view.subject.image)}" if ours else "what goes with your server"
        return Waiting(reason=WaitReason.IMAGE, sentence=f"The node gets {image}.")
    if reason in _TROUBLE_EVENTS:
        trouble = sentences("The node cannot prepare the server yet.", detail(said))
        return Waiting(reason=WaitReason.PREPARING, sentence=trouble)
    return Waiting(reason=WaitReason.PREPARING, sentence="The node prepares the server.")


class StartJudge:
    """Judges one start again and again, and loses patience.

    Parameters
    ----------
    patience
        How long each reason may last.
    now
        Seconds at the beginning of the start, by a clock that never goes back.
    """

    def __init__(self, *, patience: StartPatience, now: float) -> None:
        self._patience = patience
        self._began = self._judged = now
        self._present: WaitReason | None = None
        # Sums, and not the time since a reason began: a start that goes to and fro between
        # two reasons would otherwise never end.
        self._lasted: dict[WaitReason, float] = {}

    def judge(self, view: StartView, *, now: float) -> Verdict:
        """Return how the start goes.

        Parameters
        ----------
        view
            What is known at this moment.
        now
            Seconds, by the clock of the beginning.
        """
        verdict = observe(view)
        if not isinstance(verdict, Waiting):
            return verdict
        if self._present is not None:
            self._lasted[self._present] = self._lasted.get(self._present, 0.0) + now - self._judged
        self._present, self._judged = verdict.reason, now
        seconds = self._lasted.get(verdict.reason, 0.0)
        limit = patience_for(verdict.reason, self._patience)
        if seconds >= limit:
            return give_up(verdict, limit)
        if now - self._began >= self._patience.in_all:
            return self._too_long(verdict)
        return dataclasses.replace(verdict, seconds=seconds)

    def _too_long(self, verdict: Waiting) -> Failed:
        limit = format_duration(self._patience.in_all)
        return Failed(
            code=FailureCode.TIMEOUT,
            sentence=f"{verdict.sentence} The start was given up after {limit} in all.",
            next=f"{ASK}, or try again later.",
        )
