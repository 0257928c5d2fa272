"""Who else waits for the same kind of node."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from .pod_documents import NOBODY, OthersWaiting, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .pod_documents import Document

_FLAVOR = ("metadata", "labels", "sandlot/flavor")


def others_waiting(
    own: Document | None, pods: Iterable[Document], *, waited_s: float
) -> OthersWaiting:
    """Return how many others wait for the accelerators that one start waits for.

    Parameters
    ----------
    own
        The pod of the start; None when it is not there yet.
    pods
        All pods of servers that are known.
    waited_s
        How long the pod of the start has been there, in seconds by the hub's clock. With
        it the age of the others follows from the cluster's times alone.
    """
    if own is None:
        return NOBODY
    uid = text(own, "metadata", "uid")
    others = [each for each in pods if _waits(each, own) and text(each, "metadata", "uid") != uid]
    ages = [_seconds_between(each, own) for each in others]
    return OthersWaiting(count=len(others), oldest_s=max(0.0, waited_s + max(ages, default=0.0)))


def _waits(pod: Document, own: Document) -> bool:
    return (
        text(pod, "status", "phase") == "Pending"
        and not text(pod, "spec", "nodeName")
        and not text(pod, "metadata", "deletionTimestamp")
        and text(pod, *_FLAVOR) == text(own, *_FLAVOR)
    )


def _seconds_between(earlier: Document, later: Document) -> float:
    times = [text(each, "metadata", "creationTimestamp") for each in (earlier, later)]
    try:
        first, second = map(datetime.fromisoformat, times)
        return (second - first).total_seconds()
    except (TypeError, ValueError):  # one without a zone, or none at all
        return 0.0
