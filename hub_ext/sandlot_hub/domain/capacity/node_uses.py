"""What a node is there for, whatever others hold of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .cluster_records import NOTHING
from .size_demand import has_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .cluster_records import NodeRecord
    from .plan import CapacityPlan
    from .size_demand import SizeDemand


class FlavorUse(NamedTuple):
    """It has accelerators of a flavor."""

    flavor: int
    """Which of the plan's flavors."""
    total: int
    usable: bool
    """Whether servers can be on it now."""


class SizeUse(NamedTuple):
    """It is of the kind for servers of a size."""

    size: int
    """Which of the plan's sizes."""
    empty: bool
    """Whether one fits when nobody else is there."""
    usable: bool
    """Whether servers can be on it now."""


class NodeUses(NamedTuple):
    """Everything that a node is there for."""

    flavors: tuple[FlavorUse, ...]
    sizes: tuple[SizeUse, ...]
    unclaimed: tuple[tuple[str, int], ...]
    """Accelerators that belong to no flavor, by the name of their resource."""
    resources: frozenset[str]
    """Names of all resources that these ask for."""


def node_uses(
    node: NodeRecord, plan: CapacityPlan, *, devices: Mapping[str, int] = NOTHING
) -> NodeUses:
    """Return what a node is there for.

    Parameters
    ----------
    node
        The node.
    plan
        What is counted.
    devices
        How many it has that are claimed, by the name under which they are counted.
    """
    there = {**node.allocatable, **devices} if devices else node.allocatable
    works = node.ready and not node.cordoned
    # A taint that passes, as a node under pressure has, says nothing about what it can hold.
    kinds = [
        wish.selects(node) and wish.tolerates(node.taints, passing=False) for wish in plan.wishes
    ]
    usable = [
        kind and works and wish.tolerates(node.taints)
        for kind, wish in zip(kinds, plan.wishes, strict=True)
    ]
    flavors = tuple(
        FlavorUse(number, total, usable[flavor.wish])
        for number, flavor in enumerate(plan.flavors)
        if (total := there.get(flavor.resource, 0)) > 0 and has_labels(node.labels, flavor.selector)
    )
    sizes = tuple(
        SizeUse(number, _holds(there, size.demand), usable[size.wish])
        for number, size in enumerate(plan.sizes)
        if kinds[size.wish]
    )
    ours = {plan.flavors[use.flavor].resource for use in flavors}
    demands = [plan.sizes[use.size].demand for use in sizes]
    return NodeUses(
        flavors=flavors,
        sizes=sizes,
        unclaimed=tuple(
            (resource, amount)
            for resource, amount in node.allocatable.items()
            if amount > 0 and resource not in ours and plan.is_accelerator(resource)
        ),
        resources=frozenset(ours)
        | {each.resource for each in demands if each.count}
        | {resource for each in demands for resource, _ in each.amounts},
    )


def _holds(there: Mapping[str, int], demand: SizeDemand) -> bool:
    return there.get(demand.resource, 0) >= demand.count and all(
        there.get(resource, 0) >= amount for resource, amount in demand.amounts
    )
