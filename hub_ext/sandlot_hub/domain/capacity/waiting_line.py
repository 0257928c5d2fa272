"""Who waits for accelerators of which flavor, and since when."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .cluster_records import PodRecord
    from .plan import FlavorPlan

_SPARE = 64
"""How many entries that hold no longer are kept at least before they are swept out."""
_LATEST = 253402300799.0
"""Last second of the year 9999: no time behind it can be written down."""


class WaitingLine:
    """Counts pods; each joins and leaves at a cost that hardly grows with the line."""

    __slots__ = ("_ages", "_since")

    def __init__(self) -> None:
        self._since: dict[str, float | None] = {}
        # Whoever leaves stays in the heap until it is at the top: taking it out of the middle
        # would go through the whole line.
        self._ages: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._since)

    def join(self, key: str, since: float | None) -> None:
        """Add a pod.

        Parameters
        ----------
        key
            Its key.
        since
            When it was made; None when not known: then it counts, and is never the oldest.
        """
        self._since[key] = since
        if since is not None:
            heappush(self._ages, (since, key))
        if len(self._ages) > 2 * len(self._since) + _SPARE:
            self._ages = [(age, each) for each, age in self._since.items() if age is not None]
            heapify(self._ages)

    def leave(self, key: str) -> None:
        """Take a pod out."""
        self._since.pop(key, None)

    def oldest(self) -> float | None:
        """Return when the oldest of them was made, in seconds since 1970; None without any."""
        while self._ages:
            since, key = self._ages[0]
            if self._since.get(key) == since:
                return since
            heappop(self._ages)
        return None


class WaitingLines:
    """A line for each flavor. A pod that would take any of several stands in all their lines.

    Parameters
    ----------
    flavors
        All that are counted.
    """

    def __init__(self, flavors: Iterable[FlavorPlan]) -> None:
        self._lines = {flavor.slug: (flavor, WaitingLine()) for flavor in flavors}

    def of(self, flavor: FlavorPlan) -> WaitingLine:
        """Return who waits for a flavor."""
        return self._lines[flavor.slug][1]

    def join(self, pod: PodRecord) -> None:
        """Add a pod that has no node yet."""
        created = pod.created
        since = created if created is not None and 0 <= created <= _LATEST else None
        for line in self._awaited(pod):
            line.join(pod.key, since)

    def leave(self, pod: PodRecord) -> None:
        """Take it out, as it was when it joined."""
        for line in self._awaited(pod):
            line.leave(pod.key)

    def _awaited(self, pod: PodRecord) -> list[WaitingLine]:
        ours = self._lines.get(pod.flavor)
        if ours is not None:
            return [ours[1]]
        return [line for flavor, line in self._lines.values() if _takes(pod, flavor)]


def _takes(pod: PodRecord, flavor: FlavorPlan) -> bool:
    resource = flavor.resource
    asks = pod.requests.get(resource, 0) > 0 or resource in pod.unknown
    return asks and _agree(pod.node_selector, flavor.selector)


def _agree(wanted: Mapping[str, str], there: Mapping[str, str]) -> bool:
    return all(wanted.get(key, value) == value for key, value in there.items())
