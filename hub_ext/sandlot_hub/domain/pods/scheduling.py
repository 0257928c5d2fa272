"""Why a server has no node yet, from what the scheduler and the autoscaler say.

The scheduler writes one sentence: how many nodes it looked at, what each lacks, and, behind
``preemption:``, on how many of them it would help if others went. That last number tells
"in use" from "never": a node that is too small even when empty is not among them. That holds
since Kubernetes 1.32; an older scheduler counts such nodes in, and then a server that can
never run is told that it waits, until patience is over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandlot_hub.domain.values.names import printable, quoted
from sandlot_hub.domain.values.units import format_duration

from .documents import condition, last_event, pod_events, text
from .outcomes import (
    ASK,
    Failed,
    FailureCode,
    Waiting,
    WaitReason,
    detail,
    sentences,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .documents import Document, StartView

_NODES = re.compile(r"0/([0-9]{1,9}) nodes are available: ?")
_REASON = re.compile(r"([0-9]{1,9}) (.+)")
_HELPLESS = "Preemption is not helpful for scheduling"
_LACKS = "Insufficient "
_CLAIM_MISSING = re.compile(r'persistentvolumeclaim "([^"]{1,253})" not found')
_VOLUME_WORDS = ("unbound immediate PersistentVolumeClaims", "persistentvolumeclaim", "pvc(s)")
_VOLUME_BUSY_WORDS = ("ReadWriteOncePod", "no available disk", "volume node affinity conflict")
_RESOURCES = {
    "cpu": "CPU",
    "memory": "memory",
    "ephemeral-storage": "local disk space",
    "pods": "room for more servers",
}
_CLAIMED = ("allocate all claims", "resourceclaim")
"""Devices that are claimed: the scheduler never calls preemption helpful for these."""
_QUEUE_NAME = "kueue.x-k8s.io/queue-name"
_NOTHING_YET = "The cluster looks for a node."


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The scheduler's sentence, taken apart."""

    nodes: int
    """How many nodes it looked at."""
    reasons: Mapping[str, int]
    """On how many nodes what is wrong; a node may have several reasons."""
    helped: int | None
    """On how many nodes it would help if others went; None when it does not say."""

    @property
    def lacking(self) -> dict[str, int]:
        """On how many nodes there is too little of what, by resource name."""
        found = {
            reason.removeprefix(_LACKS): count
            for reason, count in self.reasons.items()
            if reason.startswith(_LACKS)
        }
        if "Too many pods" in self.reasons:
            found["pods"] = self.reasons["Too many pods"]
        return found

    def count(self, *words: str) -> int:
        """Return on how many nodes a reason has one of these words."""
        return sum(
            count for reason, count in self.reasons.items() if any(word in reason for word in words)
        )


def read_placement(message: str) -> Placement:
    """Return what the scheduler's sentence says; nothing of what it does not."""
    before, _, tail = message.partition("preemption: ")
    # What other plug-ins say stands in front of preemption, in a sentence of its own.
    head, _, _ = before.partition(". ")
    nodes = _NODES.search(head)
    helped = _reasons(tail[match.end() :]) if (match := _NODES.search(tail)) else None
    return Placement(
        nodes=int(nodes[1]) if nodes else 0,
        reasons=_reasons(head[nodes.end() :]) if nodes else {},
        helped=None
        if helped is None
        else sum(count for reason, count in helped.items() if reason != _HELPLESS),
    )


def _reasons(listed: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in re.split(r", (?=[0-9])", listed.strip().removesuffix(".")):
        match = _REASON.fullmatch(each)
        if match is not None:
            reason = match[2].rstrip(".")
            found[reason] = found.get(reason, 0) + int(match[1])
    return found


def judge_unplaced(view: StartView, pod: Document) -> Waiting | Failed:
    """Return why a pod that has no node has none."""
    scheduled = condition(pod, "PodScheduled")
    events = pod_events(view)
    if scheduled.get("reason") == "SchedulingGated":
        return _in_queue(view, pod)
    message = text(scheduled, "message")
    if scheduled.get("reason") != "Unschedulable":
        failure = last_event(events, "FailedScheduling")
        message = "" if failure is None else text(failure, "message")
    if not message:
        return Waiting(reason=WaitReason.PLACING, sentence=_NOTHING_YET)
    return _of_volumes(view, message) or _new_node(view) or _of_nodes(view, message)


def _in_queue(view: StartView, pod: Document) -> Waiting:
    # No place in line: a gate says that something holds it back, not who is before it.
    name = text(pod, "metadata", "labels", _QUEUE_NAME)
    queue = f"The queue {quoted(name)}" if name else "A queue"
    said = f"{queue} of the cluster holds the start back until it is your turn."
    return Waiting(reason=WaitReason.QUEUE, sentence=sentences(said, _others(view)))


def _of_volumes(view: StartView, message: str) -> Waiting | Failed | None:
    missing = _CLAIM_MISSING.search(message)
    if missing is not None:
        return _claim_missing(view, missing[1])
    lost = [name for name, claim in view.claims.items() if text(claim, "status", "phase") == "Lost"]
    if lost or "bound to non-existent" in message:
        return Failed(
            code=FailureCode.VOLUME_LOST,
            sentence="A volume of the server is lost: what holds its files is no longer there.",
            next=f"{ASK}, before anything is deleted: the files may still be somewhere.",
        )
    if any(words in message for words in _VOLUME_BUSY_WORDS):
        return Waiting(
            reason=WaitReason.VOLUME_BUSY,
            sentence="A volume of the server is in use where there is no room for the server.",
        )
    if any(words in message for words in _VOLUME_WORDS):
        return Waiting(
            reason=WaitReason.VOLUME,
            sentence="A volume for the server is being made.",
        )
    return None


def _claim_missing(view: StartView, claim: str) -> Waiting:
    if claim == view.subject.home_claim:
        said = "The volume of your home was deleted; an empty one is being made."
    else:
        said = f"The volume {quoted(claim)} that an administrator added does not exist."
    return Waiting(reason=WaitReason.CLAIM_GONE, sentence=said, claim=claim)


def _new_node(view: StartView) -> Waiting | None:
    event = last_event(
        pod_events(view), "TriggeredScaleUp", "NotTriggerScaleUp", "Nominated", "FailedScaleUp"
    )
    if event is None or text(event, "reason") not in {"TriggeredScaleUp", "Nominated"}:
        return None
    takes = view.subject.new_node_s
    usually = "" if takes is None else f", which usually takes {format_duration(takes)}"
    said = f"A new node is being added for your server{usually}."
    return Waiting(reason=WaitReason.NEW_NODE, sentence=said)


def _of_nodes(view: StartView, message: str) -> Waiting:
    placement = read_placement(message)
    reserved = placement.count("taint")
    claimed = placement.count(*_CLAIMED)
    if (placement.helped == 0 and not claimed) or placement.nodes == 0:
        if reserved and reserved == placement.nodes:
            reason, said = WaitReason.RESERVED, "All nodes of the cluster are kept for other work."
        else:
            reason = WaitReason.NEVER_FITS
            said = f"No node of the cluster can hold this server. {_what_is_wrong(view, placement)}"
        return Waiting(reason=reason, sentence=said.rstrip())
    said = sentences(_what_is_used(view, placement) or detail(message), _others(view))
    return Waiting(reason=WaitReason.BUSY, sentence=said)


def _what_is_wrong(view: StartView, placement: Placement) -> str:
    lacking = placement.lacking
    wrong = {
        f"have too little {_named(view, resource)}": count for resource, count in lacking.items()
    }
    wrong["are kept for other work"] = placement.count("taint")
    wrong["are of another kind"] = placement.count("node affinity", "node selector")
    wrong["are closed for maintenance"] = placement.count("were unschedulable")
    told = [f"{count} {words}" for words, count in wrong.items() if count]
    return f"Of {placement.nodes} nodes, {', '.join(told)}." if told else ""


def _what_is_used(view: StartView, placement: Placement) -> str:
    lacking, subject = placement.lacking, view.subject
    if subject.accelerator and placement.count(*_CLAIMED):
        return f"All {printable(subject.accelerator)} of the cluster are in use."
    if not lacking:
        return ""
    without = lacking.pop(subject.resource, 0) if subject.accelerator else 0
    if not without:
        return f"The cluster has too little {_named(view, *lacking)} left at the moment."
    elsewhere = placement.count("taint", "node affinity", "node selector", "were unschedulable")
    if lacking and without + elsewhere < placement.nodes:
        # Every node lacks something, and some do not lack the accelerator.
        left = _named(view, *lacking)
        return f"Where {printable(subject.accelerator)} is free, there is too little {left} left."
    return f"All {printable(subject.accelerator)} of the cluster are in use."


def _named(view: StartView, *resources: str) -> str:
    subject = view.subject
    names = dict(_RESOURCES)
    if subject.accelerator:
        names[subject.resource] = printable(subject.accelerator)
    return " and ".join(names.get(each, printable(each)) for each in resources)


def _others(view: StartView) -> str:
    others = view.others
    if not others.count:
        return ""
    who = "1 other waits" if others.count == 1 else f"{others.count} others wait"
    kind = "this kind of GPU" if view.subject.accelerator else "a node"
    # Whole minutes: a number of seconds would change under the reader's eyes.
    minutes = int(others.oldest_s // 60) * 60
    since = f", the oldest {format_duration(minutes)}" if minutes else ""
    return f"{who} for {kind} too{since}."
