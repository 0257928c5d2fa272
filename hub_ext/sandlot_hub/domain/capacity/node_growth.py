"""What is known of the nodes that a cluster adds: how many, and how long that takes."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cluster_records import NodeRecord

_KEPT = 9
"""From how many additions is learnt: the cluster of last month may have been another."""
_LONGEST_S = 3600.0
"""Who waited longer than that waited for something else."""


class NodeGrowth:
    """Remembers the last additions of nodes of one flavor, and what may be added.

    Parameters
    ----------
    grows_to
        The most accelerators that there may be, where the settings say it.
    block
        The most that a node has which an autoscaler adds, where they say that; else 0.
    """

    __slots__ = ("_block", "_grows_to", "_seen", "told")

    def __init__(self, grows_to: int | None = None, block: int = 0) -> None:
        self._grows_to = grows_to
        self._block = block
        self.told: int | None = None
        """How many accelerators the autoscaler may add now; None when that is not known."""
        self._seen: dict[tuple[float, str], tuple[float, float]] = {}
        """When it was first ready and when it was asked for, by when it was made and its name."""

    def note(self, node: NodeRecord, asked: float | None) -> None:
        """Look at a node, again and again as more is known of it.

        Parameters
        ----------
        node
            A node of the flavor.
        asked
            When the oldest pod was made that came there for an accelerator, in seconds since
            1970 by the cluster's clock, as all times of the node.
        """
        made, ready = node.created, node.ready_since
        if asked is None or made is None or ready is None or not node.ready:
            return
        key = (made, node.name)
        # One that becomes ready again was first ready when it was seen so first.
        ready = min(ready, self._seen.get(key, (ready, asked))[0])
        # A pod that is younger than the node is not what it was added for.
        if asked < made <= ready <= asked + _LONGEST_S:
            self._seen[key] = (ready, asked)
            if len(self._seen) > _KEPT:
                del self._seen[min(self._seen)]

    def more(self, *, total: int) -> int | None:
        """Return how many accelerators may be added to those there are; None when not known."""
        if self._grows_to is None:
            return self.told
        # No autoscaler can promise more than the settings say.
        most = max(0, self._grows_to - total)
        return most if self.told is None else min(most, self.told)

    def holds(self, count: int, *, total: int) -> bool | None:
        """Return whether a node that is added some time holds so many; None: not known.

        That none can be added at the moment is no reason to say never.
        """
        if self._grows_to is not None and self._grows_to - total < count:
            return False
        if self._block:
            return self._block >= count
        return None if self._grows_to is None else True

    def usual(self) -> float | None:
        """Return how many seconds it usually takes; None when none was seen."""
        if not self._seen:
            return None
        return median(ready - asked for ready, asked in self._seen.values())
