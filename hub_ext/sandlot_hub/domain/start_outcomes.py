"""How the start of a server in a cluster goes: it is ready, it waits, or it has failed.

There is no state without an end: each reason to wait has its own patience, and its own
code when that is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

from .names import printable
from .units import format_duration

if TYPE_CHECKING:
    from .cluster_settings import StartPatience

Step = Literal["place", "image", "prepare", "answer"]
"""Where a start stands: a node is found, the image is got, the node prepares, the server answers."""

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
    BUSY = "resources-busy"
    NEVER_FITS = "never-fits"
    RESERVED = "nodes-reserved"
    NO_NEW_NODE = "no-new-node"
    QUEUE = "queue-timeout"
    QUOTA = "quota-exceeded"
    DENIED = "admission-denied"
    INVALID = "cluster-refused"
    NOT_PERMITTED = "hub-not-permitted"
    CLUSTER_TROUBLE = "cluster-trouble"
    VOLUME = "volume-pending"
    VOLUME_BUSY = "volume-busy"
    VOLUME_LOST = "volume-lost"
    CLAIM_GONE = "volume-missing"
    IMAGE_SLOW = "image-slow"
    IMAGE_UNREACHABLE = "image-unreachable"
    IMAGE_MISSING = "image-missing"
    IMAGE_DENIED = "image-denied"
    IMAGE_PLATFORM = "image-platform"
    IMAGE_ROOT = "image-root"
    IMAGE_NO_SERVER = "image-no-server"
    CONTAINER = "container-config"
    NOT_PREPARED = "not-prepared"
    NO_ANSWER = "no-answer"
    OUT_OF_MEMORY = "out-of-memory"
    EXITED = "exited"
    CRASH_LOOP = "crash-loop"
    EVICTED = "evicted"
    PREEMPTED = "preempted"
    NODE_LOST = "node-lost"
    NODE_REFUSED = "node-refused"
    STOP_STUCK = "stop-stuck"
    NAME_TAKEN = "name-taken"
    VANISHED = "vanished"
    TIMEOUT = "start-timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The server runs and is ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The start goes on."""

    reason: WaitReason
    step: Step
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


class _End(NamedTuple):
    """What a wait becomes when patience is over."""

    patience: str
    code: FailureCode
    next: str


_ENDS = {
    WaitReason.PLACING: _End("preparing", FailureCode.NOT_PLACED, f"{ASK}."),
    WaitReason.BUSY: _End("busy", FailureCode.BUSY, LATER),
    WaitReason.NEVER_FITS: _End("never_fits", FailureCode.NEVER_FITS, OTHER_SIZE),
    WaitReason.RESERVED: _End("never_fits", FailureCode.RESERVED, OTHER_SIZE),
    WaitReason.NEW_NODE: _End("new_node", FailureCode.NO_NEW_NODE, LATER),
    WaitReason.QUEUE: _End("queue", FailureCode.QUEUE, LATER),
    WaitReason.CLAIM_GONE: _End("volume", FailureCode.CLAIM_GONE, f"{ASK}."),
    WaitReason.VOLUME: _End("volume", FailureCode.VOLUME, f"{ASK}."),
    WaitReason.VOLUME_BUSY: _End(
        "volume",
        FailureCode.VOLUME_BUSY,
        "Next: stop your other servers, and start this one again.",
    ),
    WaitReason.IMAGE: _End(
        "image", FailureCode.IMAGE_SLOW, f"{AGAIN}: the node may have it by now."
    ),
    WaitReason.IMAGE_ERROR: _End("image_error", FailureCode.IMAGE_UNREACHABLE, OTHER_IMAGE),
    WaitReason.PREPARING: _End(
        "preparing", FailureCode.NOT_PREPARED, f"{AGAIN}, or tell an administrator."
    ),
    WaitReason.CONTAINER: _End("container", FailureCode.CONTAINER, OTHER_IMAGE),
    WaitReason.RESTARTING: _End("container", FailureCode.CRASH_LOOP, OTHER_IMAGE),
    WaitReason.ANSWER: _End("answer", FailureCode.NO_ANSWER, OTHER_IMAGE),
    WaitReason.NODE_LOST: _End(
        "node_lost", FailureCode.NODE_LOST, f"{AGAIN}; another node takes it."
    ),
    WaitReason.STOPPING: _End(
        "stopping", FailureCode.STOP_STUCK, f"{ASK}: it has to be removed by force."
    ),
}


def patience_for(reason: WaitReason, patience: StartPatience) -> float:
    """Return how long a reason may last, in seconds."""
    seconds: float = getattr(patience, _ENDS[reason].patience)
    return seconds


def give_up(waiting: Waiting, limit: float) -> Failed:
    """Return what a wait becomes that has lasted longer than its `limit` in seconds."""
    end = _ENDS[waiting.reason]
    over = f"The start was given up after {format_duration(limit)} of that."
    return Failed(code=end.code, sentence=f"{waiting.sentence} {over}", next=end.next)


def detail(message: str) -> str:
    """Return a message of the cluster as a sentence of its own; empty when there is none."""
    text = printable(" ".join(message.split()), limit=DETAIL_MAXIMUM)
    return f"The cluster says: “{text}”." if text else ""


def sentences(*parts: str) -> str:
    """Return those parts that say something, as one text."""
    return " ".join(filter(None, parts))
