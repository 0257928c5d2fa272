"""What a cluster can do now, as the offers service tells the hub of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from sandlot_hub.domain.pods.queue import counted_queue

from .availability import cluster_availability
from .kube_runs import KubeRuns

if TYPE_CHECKING:
    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.pods.queue import CountedQueue

    from .availability import Availability


class KubeOffers(KubeRuns):
    """Knows what is free without asking the cluster."""

    @override
    async def facilities(self) -> Facilities:
        """Return what the cluster can do, and what is free of it if that is known now."""
        return (await self.availability()).facilities

    @override
    async def availability(self) -> Availability:
        """Return the same, and how far it can be believed."""
        seen = None if self.feed is None else await self.feed.seen()
        if seen is None:
            return cluster_availability(None)
        # What was true a while ago must not refuse anybody anything.
        capacity = seen.snapshot.capacity if seen.live else None
        return cluster_availability(
            capacity, live=seen.live, age_s=seen.age_s, counted_at=seen.counted_at
        )

    @property
    @override
    def counted_at(self) -> float:
        """When the offers service counted what is free."""
        return 0.0 if self.feed is None else self.feed.counted_at

    def counted_queue(self, flavor: str) -> CountedQueue | None:
        """Return who waits for a flavor in the whole cluster; None when that is not known."""
        capacity = None if self.feed is None else self.feed.capacity
        state = None if capacity is None else capacity.flavors.get(flavor)
        return None if state is None else counted_queue(state, now=self.clock.now())
