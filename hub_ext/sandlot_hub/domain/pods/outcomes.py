"""How the start of a server in a cluster goes: it is ready, it waits, or it has failed.

There is no state without an end: each reason to wait has its own patience, and its own
code when that is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sandlot_hub.domain.values.names import printable
from sandlot_hub.domain.values.units import format_duration

if TYPE_CHECKING:
    from sandlot_hub.domain.settings.cluster import StartPatience

DETAIL_MAXIMUM = 200
"""Most of a message of the cluster that people are shown, in characters."""


class WaitReason(StrEnum):
    """Why a start waits."""

    PLACING = "placing"
    """No node was looked for yet."""
    BUSY = "busy"
    """What is asked for is there, and used by others."""
    NEVER_FITS = "never-fits"
    """No node can hold it, however empty."""
    RESERVED = "reserved"
    """The nodes are kept for others, by taints."""
    NEW_NODE = "new-node"
    """The cluster adds a node."""
    QUEUE = "queue"
    """A queue of the cluster holds it back."""
    CLAIM_GONE = "claim-gone"
    """A claim is missing; that of a home is made again."""
    VOLUME = "volume"
    """A volume is made or attached."""
    VOLUME_BUSY = "volume-busy"
    """A volume is attached to another node, or used by another server."""
    IMAGE = "image"
    """The node gets the image."""
    IMAGE_ERROR = "image-error"
    """The image could not be got, and is tried again."""
    PREPARING = "preparing"
    """The node prepares the container."""
    CONTAINER = "container"
    """The container cannot be made from its configuration."""
    RESTARTING = "restarting"
    """The server ended and is started again."""
    ANSWER = "answer"
    """The server runs, and is not ready."""
    NODE_LOST = "node-lost"
    """The node does not answer."""
    STOPPING = "stopping"
    """It is being stopped."""


class FailureCode(StrEnum):
    """Why a server did not start, or ended. Stable, and the ``reason`` of the hub's metric."""

    NOT_PLACED = "not-placed"
    """The scheduler did not look for a node in time. Next: see that it runs, and its log."""
    BUSY = "resources-busy"
    """What fits is used by others, for longer than `busy`. Next: wait, or add nodes."""
    NEVER_FITS = "never-fits"
    """No node can hold the size, however empty. Next: compare size and nodes, labels included."""
    RESERVED = "nodes-reserved"
    """Taints keep all nodes for other work. Next: write `tolerations`."""
    NO_NEW_NODE = "no-new-node"
    """The autoscaler promised a node, and none came. Next: look at its events and limits."""
    QUEUE = "queue-timeout"
    """A queue held the start back for longer than `queue`. Next: look at the queue."""
    QUOTA = "quota-exceeded"
    """A ResourceQuota is used up. Next: raise it, or wait until servers stop."""
    DENIED = "admission-denied"
    """A rule of the cluster refused the pod. Next: the hub's log names the rule."""
    INVALID = "cluster-refused"
    """The API server does not take the pod as it is. Next: the hub's log names the field."""
    NOT_PERMITTED = "hub-not-permitted"
    """The hub's role lacks a right. Next: compare it with `config/kubernetes/rbac.yaml`."""
    CLUSTER_TROUBLE = "cluster-trouble"
    """The API server does not answer, or with errors. Next: look after it."""
    VOLUME = "volume-pending"
    """A volume was not made or attached in time. Next: look at the claim's events."""
    VOLUME_BUSY = "volume-busy"
    """A volume is attached elsewhere. Next: `ReadWriteMany` for homes used on several nodes."""
    VOLUME_LOST = "volume-lost"
    """A claim lost its volume. Next: look for the files before anything is deleted."""
    CLAIM_GONE = "volume-missing"
    """A claim that an administrator named is missing. Next: make it, or remove it here."""
    IMAGE_SLOW = "image-slow"
    """The image was not there within `image`. Next: a smaller one, or pull it beforehand."""
    IMAGE_UNREACHABLE = "image-unreachable"
    """The registry did not give the image out. Next: the sentence has its words."""
    IMAGE_MISSING = "image-missing"
    """There is no such image. Next: check `reference`."""
    IMAGE_DENIED = "image-denied"
    """The image is not there, or may not be read. Next: write `image_pull_secrets`."""
    IMAGE_PLATFORM = "image-platform"
    """The image was built for other processors. Next: build it for those of the nodes."""
    IMAGE_ROOT = "image-root"
    """The image runs as root, or names its user. Next: write `USER` with a number."""
    IMAGE_NO_SERVER = "image-no-server"
    """The image has no program that starts a server. Next: install JupyterHub in it."""
    CONTAINER = "container-config"
    """A Secret or ConfigMap that the server needs is missing. Next: the sentence names it."""
    NOT_PREPARED = "not-prepared"
    """The node prepared nothing in time. Next: look at its network, devices and mounts."""
    NO_ANSWER = "no-answer"
    """The server runs, and does not answer. Next: see its log, and that the hub reaches pods."""
    OUT_OF_MEMORY = "out-of-memory"
    """It used all its memory. Next: choose a size with more."""
    EXITED = "exited"
    """It ended by itself, the sentence has the code. Next: look at its log."""
    CRASH_LOOP = "crash-loop"
    """It ends each time it is started. Next: look at its log."""
    EVICTED = "evicted"
    """The node was short of memory or disk, or was emptied. Next: start again."""
    PREEMPTED = "preempted"
    """More urgent work took its place. Next: start again, or write `priority_class`."""
    NODE_LOST = "node-lost"
    """The node no longer answers. Next: start again, and look after the node."""
    NODE_REFUSED = "node-refused"
    """The node had no room when the pod arrived. Next: start again."""
    STOP_STUCK = "stop-stuck"
    """An earlier server does not end. Next: look at its node, and remove the pod by force."""
    NAME_TAKEN = "name-taken"
    """What Sandlot did not make has the pod's name, or another user the home. Next: rename it."""
    VANISHED = "vanished"
    """Somebody else removed the pod. Next: the audit log of the API server tells who."""
    TIMEOUT = "start-timeout"
    """All waits together took longer than `in_all`. Next: raise it, or `start_timeout`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The server runs and is ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The start goes on."""

    reason: WaitReason
    sentence: str
    """What is, and why; plain text for people."""
    claim: str = ""
    """Name of the claim that is missing, for `WaitReason.CLAIM_GONE`."""
    seconds: float = 0.0
    """How long this reason has lasted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The start is over, or the server has ended."""

    code: FailureCode
    sentence: str
    """What is, and why; plain text for people."""
    next: str
    """What to do now."""

    @property
    def message(self) -> str:
        """All of it, as people read it."""
        return f"{self.sentence} {self.next}"


Verdict = Ready | Waiting | Failed

ASK = "Next: tell an administrator"
"""What people can do about what only an administrator can mend."""
LATER = "Next: try again later, or choose a smaller size."
OTHER_IMAGE = "Next: choose another image, or tell an administrator."
OTHER_SIZE = "Next: choose another size, or tell an administrator."
AGAIN = "Next: start the server again"


class End(NamedTuple):
    """What a wait becomes when patience is over."""

    patience: str
    """Key of `StartPatience`."""
    code: FailureCode
    next: str


ENDS = {
    WaitReason.PLACING: End("preparing", FailureCode.NOT_PLACED, f"{ASK}."),
    WaitReason.BUSY: End("busy", FailureCode.BUSY, LATER),
    WaitReason.NEVER_FITS: End("never_fits", FailureCode.NEVER_FITS, OTHER_SIZE),
    WaitReason.RESERVED: End("never_fits", FailureCode.RESERVED, OTHER_SIZE),
    WaitReason.NEW_NODE: End("new_node", FailureCode.NO_NEW_NODE, LATER),
    WaitReason.QUEUE: End("queue", FailureCode.QUEUE, LATER),
    WaitReason.CLAIM_GONE: End("volume", FailureCode.CLAIM_GONE, f"{ASK}."),
    WaitReason.VOLUME: End("volume", FailureCode.VOLUME, f"{ASK}."),
    WaitReason.VOLUME_BUSY: End(
        "volume",
        FailureCode.VOLUME_BUSY,
        "Next: stop your other servers, and start this one again.",
    ),
    WaitReason.IMAGE: End(
        "image", FailureCode.IMAGE_SLOW, f"{AGAIN}: the node may have it by now."
    ),
    WaitReason.IMAGE_ERROR: End("image_error", FailureCode.IMAGE_UNREACHABLE, OTHER_IMAGE),
    WaitReason.PREPARING: End(
        "preparing", FailureCode.NOT_PREPARED, f"{AGAIN}, or tell an administrator."
    ),
    WaitReason.CONTAINER: End("container", FailureCode.CONTAINER, OTHER_IMAGE),
    WaitReason.RESTARTING: End("container", FailureCode.CRASH_LOOP, OTHER_IMAGE),
    WaitReason.ANSWER: End("answer", FailureCode.NO_ANSWER, OTHER_IMAGE),
    WaitReason.NODE_LOST: End(
        "node_lost", FailureCode.NODE_LOST, f"{AGAIN}; another node takes it."
    ),
    WaitReason.STOPPING: End(
        "stopping", FailureCode.STOP_STUCK, f"{ASK}: it has to be removed by force."
    ),
}


def patience_for(reason: WaitReason, patience: StartPatience) -> float:
    """Return how long a reason may last, in seconds."""
    seconds: float = getattr(patience, ENDS[reason].patience)
    return seconds


def give_up(waiting: Waiting, limit: float) -> Failed:
    """Return what a wait becomes that has lasted longer than its `limit` in seconds."""
    end = ENDS[waiting.reason]
    over = f"The start was given up after {format_duration(limit)} of that."
    return Failed(code=end.code, sentence=f"{waiting.sentence} {over}", next=end.next)


def detail(message: str) -> str:
    """Return a message of the cluster as a sentence of its own; empty when there is none."""
    text = printable(" ".join(message.split()), limit=DETAIL_MAXIMUM)
    return f"The cluster says: “{text}”." if text else ""


def sentences(*parts: str) -> str:
    """Return those parts that say something, as one text."""
    return " ".join(filter(None, parts))
