"""Who else waits for the same kind of node."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from .documents import NOBODY, OthersWaiting, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandlot_contracts.capacity import FlavorState

    from .documents import Document

_FLAVOR = ("metadata", "labels", "sandlot/flavor")
_NO_TIME = "9"
"""Sorts behind every time."""
_SAME_S = 2.0
"""Seconds within which two clocks mean the same moment."""


class Queue(NamedTuple):
    """The pods that wait for the same accelerators."""

    uids: frozenset[str]
    oldest: tuple[Document, ...]
    """The two that were there first: whoever asks may be one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedQueue:
    """Who waits for an accelerator flavor in the whole cluster, as the offers service counts."""

    count: int
    oldest_s: float
    """How long the one that came first has waited, in seconds; 0 when that is not known."""


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


def counted_queue(flavor: FlavorState, *, now: datetime) -> CountedQueue:
    """Return who waits for a flavor, of all namespaces."""
    oldest_s = 0.0
    if flavor.oldest_waiting is not None:
        since = datetime.fromisoformat(flavor.oldest_waiting)
        oldest_s = max(0.0, (now - since).total_seconds())
    return CountedQueue(count=flavor.waiting, oldest_s=oldest_s)


def with_others_elsewhere(
    others: OthersWaiting, counted: CountedQueue | None, *, waited_s: float
) -> OthersWaiting:
    """Return who else waits, with those whom only the count of the whole cluster knows.

    Parameters
    ----------
    others
        Who waits in the namespace of the servers.
    counted
        Who waits in the cluster, the start itself among them; None when that is not known.
    waited_s
        How long the pod of the start has been there, in seconds.
    """
    if counted is None or counted.count - 1 <= others.count:
        return others
    # One that came no earlier than the start itself may be that start.
    oldest_s = counted.oldest_s if counted.oldest_s > waited_s + _SAME_S else others.oldest_s
    return OthersWaiting(count=counted.count - 1, oldest_s=oldest_s)


def flavor_of(pod: Document) -> str:
    """Return the flavor that a pod of ours wants; empty without."""
    return text(pod, *_FLAVOR)


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
