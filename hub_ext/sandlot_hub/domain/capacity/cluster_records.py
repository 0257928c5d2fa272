"""What is kept of a node and of a pod to know what is free: a few fields of each.

Amounts are whole numbers by resource name: thousandths of a CPU for ``cpu``, bytes for ``memory``
and ``ephemeral-storage``, pieces for everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING: Mapping[str, int] = MappingProxyType({})
NO_LABELS: Mapping[str, str] = MappingProxyType({})


def nothing() -> Mapping[str, int]:
    """Return no amounts."""
    return NOTHING


def no_labels() -> Mapping[str, str]:
    """Return no labels."""
    return NO_LABELS


class Taint(NamedTuple):
    """What keeps pods off a node that do not tolerate it."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRecord:
    """A node."""

    name: str
    ready: bool
    cordoned: bool
    labels: Mapping[str, str]
    taints: tuple[Taint, ...] = ()
    allocatable: Mapping[str, int] = field(default_factory=nothing)
    """What pods can have of it. A quantity that cannot be read is left out: it counts as none."""
    unknown: frozenset[str] = frozenset()
    """Resources whose quantity could not be read."""
    created: float | None = None
    """Seconds since 1970; None when that cannot be read."""
    ready_since: float | None = None
    """When the condition ``Ready`` changed last, seconds since 1970; None when not known."""


class PodRecord(NamedTuple):
    """A pod that holds something, or waits for it. One that has ended is none.

    A tuple, because tens of thousands are made at a start: a frozen dataclass takes four times as
    long.
    """

    key: str
    """``namespace/name``."""
    uid: str
    node: str = ""
    """Where it is; empty while it waits for a place."""
    nominated: str = ""
    """Node where others are being preempted for it."""
    requests: Mapping[str, int] = NOTHING
    """What the scheduler counts for it: containers, init and sidecar containers, overhead."""
    unknown: frozenset[str] = frozenset()
    """Resources of which it holds an amount that could not be read."""
    deleting: bool = False
    gated: bool = False
    """Whether a gate (Kueue, another scheduler) holds it back from being placed."""
    created: float | None = None
    """Seconds since 1970; None when that cannot be read."""
    node_selector: Mapping[str, str] = NO_LABELS
    priority: int = 0
    """Below zero it makes way for servers, as the placeholders of an autoscaler do."""
    flavor: str = ""
    """Slug that our own label says; trusted only in the servers' namespace."""
    owner: str = ""
    """User of Sandlot whom it belongs to; only of pods in the servers' namespace."""

    @override
    def __repr__(self) -> str:
        """Leave out who it belongs to: a log is no place for that."""
        return f"PodRecord(key={self.key!r}, node={self.node!r}, requests={dict(self.requests)!r})"
