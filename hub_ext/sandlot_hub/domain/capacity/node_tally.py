"""One node: what it has, what others hold of it, and what that leaves for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandlot_hub.domain.values.quantities import CPU, MEMORY, PODS

from .node_uses import node_uses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .cluster_records import NodeRecord, PodRecord
    from .node_uses import FlavorUse, NodeUses, SizeUse
    from .plan import CapacityPlan
    from .size_demand import SizeDemand

LACKS_ACCELERATOR = 1
LACKS_CPUS = 2
LACKS_MEMORY = 4
LACKS_PLACES = 8
LACKS_OTHER = 16
_LACKS = {CPU: LACKS_CPUS, MEMORY: LACKS_MEMORY, PODS: LACKS_PLACES}
_MANY = 2**63


class FlavorShare(NamedTuple):
    """What a node adds to a flavor."""

    flavor: int
    """Which of the plan's flavors."""
    total: int
    used: int
    free: int
    down: int


class SizeShare(NamedTuple):
    """What a node adds to a size that it is of the kind for."""

    size: int
    """Which of the plan's sizes."""
    empty: bool
    """Whether one server fits when nobody else is there."""
    usable: bool
    """Whether servers can be on it now. The rest is about usable nodes only."""
    fits: int = 0
    lacks: int = 0
    """What is short for one server: bits ``LACKS_…``."""
    smaller: int = 0
    """With how many accelerators a server fits, at most one fewer than the size has."""


class NodeShares(NamedTuple):
    """What a node adds to everything."""

    flavors: tuple[FlavorShare, ...] = ()
    sizes: tuple[SizeShare, ...] = ()
    unclaimed: tuple[tuple[str, int], ...] = ()
    """Accelerators that belong to no flavor, by the name of their resource."""


NO_SHARES = NodeShares()


class NodeTally:
    """Sums of one node. Pods may be known before the node is, and after it has gone."""

    __slots__ = ("devices", "earliest", "held", "places", "record", "shares", "unclear", "uses")

    def __init__(self) -> None:
        self.record: NodeRecord | None = None
        self.uses: NodeUses | None = None
        """What it is there for; None when that is to be found out."""
        self.devices: dict[str, int] = {}
        """How many devices it has that are claimed, by the name under which they are counted."""
        self.held: dict[str, int] = {}
        self.unclear: dict[str, int] = {}
        """How many pods hold an amount that could not be read, by resource name."""
        self.places = 0
        """How many pods are there."""
        self.earliest: dict[str, float] = {}
        """When the oldest pod was made that came here for an accelerator, by resource name."""
        self.shares = NO_SHARES
        """What is in the sums of all nodes now."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remember."""
        remembered = self.places or self.held or self.unclear or self.devices
        return self.record is None and not remembered

    def become(self, node: NodeRecord | None) -> None:
        """Take the node as it is now; None when it is gone."""
        before, self.record, self.uses = self.record, node, None
        if node is None or (before is not None and before.created != node.created):
            # What came to another machine of the same name says nothing about this one.
            self.earliest.clear()

    def take(self, pod: PodRecord, plan: CapacityPlan, sign: int) -> None:
        """Count a pod that is here, or that room is kept for; with the sign -1 no longer."""
        gives_way = pod.priority < 0
        self.places += 0 if gives_way else sign
        for resource, amount in pod.requests.items():
            # Servers displace it, so its CPUs are theirs; but nobody is to lose an
            # accelerator because a page called it free.
            if amount > 0 and not (gives_way and not plan.is_accelerator(resource)):
                _count(self.held, resource, sign * amount)
        for resource in pod.unknown:
            if not (gives_way and not plan.is_accelerator(resource)):
                _count(self.unclear, resource, sign)
        if sign > 0 and pod.node and pod.created is not None:
            for resource in plan.resources & pod.requests.keys():
                earliest = self.earliest.get(resource, pod.created)
                self.earliest[resource] = min(earliest, pod.created)

    def change_devices(self, resource: str, *, there: int, held: int) -> None:
        """Count so many more devices that are claimed, of which so many are taken."""
        _count(self.devices, resource, there)
        _count(self.held, resource, held)
        self.uses = None

    def left(self, resource: str) -> int | None:
        """Return how much of a resource nobody holds; None when that cannot be known."""
        node = self.record
        if node is None or resource in self.unclear or resource in node.unknown:
            return None
        held = self.places if resource == PODS else self.held.get(resource, 0)
        there = self.devices.get(resource, 0) or node.allocatable.get(resource, 0)
        return max(0, there - held)


def _count(sums: dict[str, int], resource: str, change: int) -> None:
    left = sums.get(resource, 0) + change
    if left:
        sums[resource] = left
    else:
        sums.pop(resource, None)


def node_shares(tally: NodeTally, plan: CapacityPlan) -> NodeShares:
    """Return what a node adds to everything that is counted."""
    node = tally.record
    if node is None:
        return NO_SHARES
    if tally.uses is None:
        tally.uses = node_uses(node, plan, devices=tally.devices)
    uses = tally.uses
    left = {resource: tally.left(resource) for resource in uses.resources}
    return NodeShares(
        flavors=tuple(
            _flavor_share(use, left[plan.flavors[use.flavor].resource]) for use in uses.flavors
        ),
        sizes=tuple(_size_share(use, plan.sizes[use.size].demand, left) for use in uses.sizes),
        unclaimed=uses.unclaimed,
    )


def _flavor_share(use: FlavorUse, left: int | None) -> FlavorShare:
    rest = min(use.total, left or 0)
    free = rest if use.usable else 0
    return FlavorShare(use.flavor, use.total, use.total - rest, free, rest - free)


def _size_share(use: SizeUse, demand: SizeDemand, left: Mapping[str, int | None]) -> SizeShare:
    if not use.usable:
        return SizeShare(use.size, use.empty, usable=False)
    fits, lacks = _MANY, 0
    for resource, amount in demand.amounts:
        some = left[resource]
        room = 0 if some is None else some // amount
        fits = min(fits, room)
        if not room:
            lacks |= LACKS_OTHER if some is None else _LACKS.get(resource, LACKS_OTHER)
    if not demand.count:
        return SizeShare(use.size, use.empty, usable=True, fits=fits, lacks=lacks)
    devices = left[demand.resource]
    some = devices or 0
    smaller = 0 if lacks else min(some, demand.count - 1)
    if some < demand.count:
        lacks |= LACKS_OTHER if devices is None else LACKS_ACCELERATOR
    fits = min(fits, some // demand.count)
    return SizeShare(use.size, use.empty, usable=True, fits=fits, lacks=lacks, smaller=smaller)
