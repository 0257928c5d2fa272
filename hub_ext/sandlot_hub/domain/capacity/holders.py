"""Which of Sandlot's users hold how many accelerators."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .cluster_records import PodRecord
    from .plan import FlavorPlan


class Holders:
    """Sums for each flavor and user, kept up to date one pod at a time.

    Parameters
    ----------
    flavors
        All that are counted.
    """

    def __init__(self, flavors: Iterable[FlavorPlan]) -> None:
        self._resources = {flavor.slug: flavor.resource for flavor in flavors}
        self._held: dict[str, dict[str, int]] = {}

    def take(self, pod: PodRecord, sign: int) -> None:
        """Count a pod; with the sign -1 no longer."""
        resource = self._resources.get(pod.flavor, "")
        amount = pod.requests.get(resource, 0) if pod.owner and pod.node else 0
        if amount <= 0:
            return
        users = self._held.setdefault(pod.flavor, {})
        users[pod.owner] = users.get(pod.owner, 0) + sign * amount
        if not users[pod.owner]:
            del users[pod.owner]

    def found(self) -> dict[str, dict[str, int]]:
        """Return how many each holds: by flavor, then by user, in the order of their names."""
        return {
            flavor: dict(sorted(self._held[flavor].items()))
            for flavor in self._resources
            if self._held.get(flavor)
        }
