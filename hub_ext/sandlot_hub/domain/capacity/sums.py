"""Sums over all nodes that are kept up to date, one node at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sandlot_contracts.capacity import SizeState

from .node_tally import (
    LACKS_ACCELERATOR,
    LACKS_CPUS,
    LACKS_MEMORY,
    LACKS_OTHER,
    LACKS_PLACES,
)

if TYPE_CHECKING:
    from sandlot_contracts.capacity import Lack

    from .node_tally import FlavorShare, NodeShares, SizeShare
    from .plan import SizePlan

_Key = TypeVar("_Key", int, str)

_WORDS: tuple[tuple[int, Lack], ...] = (
    (LACKS_MEMORY, "memory"),
    (LACKS_CPUS, "cpus"),
    (LACKS_PLACES, "servers"),
    (LACKS_OTHER, "unknown"),
)


class FlavorSums:
    """Accelerators of one flavor."""

    __slots__ = ("blocks", "down", "free", "total", "used")

    def __init__(self) -> None:
        self.total = self.used = self.free = self.down = 0
        self.blocks: dict[int, int] = {}
        """On how many nodes how many are free."""

    def add(self, share: FlavorShare, sign: int) -> None:
        """Add what a node has, or with the sign -1 take it out again."""
        self.total += sign * share.total
        self.used += sign * share.used
        self.free += sign * share.free
        self.down += sign * share.down
        _count(self.blocks, share.free, sign)

    @property
    def largest_block(self) -> int:
        """The most that are free on one node."""
        return max(self.blocks, default=0)


class SizeSums:
    """Room for servers of one size."""

    __slots__ = ("fits", "holders", "lacks", "smaller")

    def __init__(self) -> None:
        self.fits = 0
        self.holders = 0
        """Nodes of the kind that hold one server when they are empty."""
        self.lacks: dict[int, int] = {}
        """On how many usable nodes what is short; see `SizeShare.lacks`."""
        self.smaller: dict[int, int] = {}
        """On how many usable nodes how many accelerators a smaller server could have."""

    def add(self, share: SizeShare, sign: int) -> None:
        """Add what a node has, or with the sign -1 take it out again."""
        self.holders += sign * share.empty
        if share.usable:
            self.fits += sign * share.fits
            _count(self.lacks, share.lacks, sign)
            _count(self.smaller, share.smaller, sign)

    def state(self, size: SizePlan, *, free: int, grows: bool) -> SizeState:
        """Return what people are told.

        Parameters
        ----------
        size
            The size.
        free
            How many of its accelerators are free on nodes that servers can use.
        grows
            Whether the cluster may add a node for it.
        """
        # A node that is not there may be of any size.
        ever = self.holders > 0 or grows
        if self.fits:
            return SizeState(fits=self.fits, fits_ever=ever)
        wanted = size.demand.count
        return SizeState(
            fits=0,
            fits_ever=ever,
            lacking=self._lacking(enough=free >= wanted),
            fits_smaller=max(self.smaller, default=0) if wanted else None,
        )

    def _lacking(self, *, enough: bool) -> tuple[Lack, ...]:
        if not self.lacks:
            return ("node",)
        near = [lacks for lacks in self.lacks if not lacks & LACKS_ACCELERATOR]
        if not near:
            return ("block",) if enough else ("accelerator",)
        # What the nodes lack that lack the least: others may lack all sorts of things besides.
        fewest = min(lacks.bit_count() for lacks in near)
        together = 0
        for lacks in near:
            if lacks.bit_count() == fewest:
                together |= lacks
        return tuple(word for bit, word in _WORDS if together & bit)


class Sums:
    """Everything that is summed up over the nodes."""

    __slots__ = ("flavors", "sizes", "unclaimed")

    def __init__(self, *, flavors: int, sizes: int) -> None:
        self.flavors = tuple(FlavorSums() for _ in range(flavors))
        self.sizes = tuple(SizeSums() for _ in range(sizes))
        self.unclaimed: dict[str, int] = {}
        """Accelerators that belong to no flavor, by the name of their resource."""

    def add(self, shares: NodeShares, sign: int) -> None:
        """Add what a node has, or with the sign -1 take it out again."""
        for flavor in shares.flavors:
            self.flavors[flavor.flavor].add(flavor, sign)
        for size in shares.sizes:
            self.sizes[size.size].add(size, sign)
        for resource, amount in shares.unclaimed:
            _count(self.unclaimed, resource, sign * amount)


def _count(sums: dict[_Key, int], key: _Key, change: int) -> None:
    left = sums.get(key, 0) + change
    if left:
        sums[key] = left
    else:
        sums.pop(key, None)
