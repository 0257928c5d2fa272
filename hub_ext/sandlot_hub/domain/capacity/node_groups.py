"""What an autoscaler may still add, by what it says of its node groups."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class NodeGroup(NamedTuple):
    """Nodes of one kind that an autoscaler adds and removes."""

    name: str
    nodes: int
    """How many it has now, ready or not."""
    most: int
    """How many it may have."""
    grows: bool
    """Whether the autoscaler adds nodes to it now; not after it could not, for a while."""


def may_add(groups: Iterable[NodeGroup], wanted: Mapping[str, int]) -> int | None:
    """Return how many accelerators may be added now; None when nothing tells of these groups.

    Parameters
    ----------
    groups
        All that there are.
    wanted
        How many accelerators a node has, by the name of its group; ``*`` stands for anything. Of
        several names that stand for a group, the first one counts.
    """
    named = ((group, _count(group.name, wanted)) for group in groups)
    found = [(group, count) for group, count in named if count]
    if not found:
        return None
    return sum(max(0, each.most - each.nodes) * count for each, count in found if each.grows)


def _count(name: str, wanted: Mapping[str, int]) -> int:
    return next((count for pattern, count in wanted.items() if _stands_for(pattern, name)), 0)


def _stands_for(pattern: str, name: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None
