"""Who else waits for the same kind of node."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from .pod_documents import NOBODY, OthersWaiting, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .pod_documents import Document

_FLAVOR = ("metadata", "labels", "sandlot/flavor")
_NO_TIME = "9"
"""Sorts behind every time."""


class Queue(NamedTuple):
    """The pods that wait for the same accelerators."""

    uids: frozenset[str]
    oldest: tuple[Document, ...]
    """The two that were there first: whoever asks may be one of them."""


def waiting_queues(pods: Iterable[Document]) -> dict[str, Queue]:
    """Return who waits, by the flavor that they wait for.

    All pods are gone through, so that it is done once for everybody who asks.
    """
    found: dict[str, list[Document]] = {}
    for each in pods:
        if _waits(each):
            found.setdefault(text(each, *_FLAVOR), []).append(each)
    return {
        flavor: Queue(
            uids=frozenset(map(_uid, waiting)), oldest=tuple(sorted(waiting, key=_created)[:2])
        )
        for flavor, waiting in found.items()
    }


def others_waiting(
    own: Document | None, queues: Mapping[str, Queue], *, waited_s: float
) -> OthersWaiting:
    """Return how many others wait for the accelerators that one start waits for.

    Parameters
    ----------
    own
        The pod of the start; None when it is not there yet.
    queues
        Who waits, see `waiting_queues`.
    waited_s
        How long the pod of the start has been there, in seconds by the hub's clock. With
        it the age of the others follows from the cluster's times alone.
    """
    if own is None:
        return NOBODY
    uid, queue = _uid(own), queues.get(text(own, *_FLAVOR))
    if queue is None:
        return OthersWaiting(count=0, oldest_s=waited_s)
    ages = [_seconds_between(each, own) for each in queue.oldest if _uid(each) != uid]
    return OthersWaiting(
        count=len(queue.uids) - (uid in queue.uids),
        oldest_s=max(0.0, waited_s + max(ages, default=0.0)),
    )


def _uid(pod: Document) -> str:
    return text(pod, "metadata", "uid")


def _created(pod: Document) -> str:
    return text(pod, "metadata", "creationTimestamp") or _NO_TIME


def _waits(pod: Document) -> bool:
    return (
        # First what nearly all others fail: a large cluster is gone through.
        text(pod, "status", "phase") == "Pending"
        and not text(pod, "spec", "nodeName")
        and not text(pod, "metadata", "deletionTimestamp")
    )


def _seconds_between(earlier: Document, later: Document) -> float:
    times = [text(each, "metadata", "creationTimestamp") for each in (earlier, later)]
    try:
        first, second = map(datetime.fromisoformat, times)
        return (second - first).total_seconds()
    except (TypeError, ValueError):  # one without a zone, or none at all
        return 0.0
