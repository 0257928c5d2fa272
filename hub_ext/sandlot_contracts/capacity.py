"""How much of everything there is, is used and is free, now: what the offers service counts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import WireModel

CapacityScope = Literal["machine", "cluster", "namespace"]
"""What was counted: this machine, the whole cluster, or only what the servers' namespace shows,
which is no more than who waits there."""

Lack = Literal["accelerator", "block", "cpus", "memory", "servers", "node", "unknown"]
"""What there is too little of for one more server of a size. ``block``: enough accelerators are
free, but not on one node; ``servers``: nodes that hold no further pod; ``node``: no node is usable
for it at all; ``unknown``: a node or a pod says something that cannot be counted."""


class FlavorState(WireModel):
    """The accelerators of one flavor. ``total`` is ``down`` and ``used`` and ``free`` together."""

    total: int = Field(ge=0, description="There at all, on whatever node.")
    down: int = Field(
        ge=0, description="Free, but on nodes that are not ready, cordoned or kept for others."
    )
    used: int = Field(ge=0, description="Held by anybody, in any namespace.")
    free: int = Field(ge=0, description="Held by nobody, on nodes that servers can use.")
    largest_block: int = Field(ge=0, description="The most that are free on one node.")
    waiting: int = Field(ge=0, description="Servers, jobs and others that wait for one.")
    oldest_waiting: str | None = Field(
        default=None, description="Since when the first of them waits: UTC, ISO 8601."
    )
    may_grow: int | None = Field(
        default=None, ge=0, description="How many more the cluster may add; None when not known."
    )
    growth_takes_s: float | None = Field(
        default=None, ge=0, description="How long adding a node usually takes; None: not known."
    )


class SizeState(WireModel):
    """Whether a server of one size can be placed."""

    fits: int = Field(ge=0, description="Servers of this size that there is room for now.")
    fits_ever: bool = Field(
        description="Whether a node that is there, or may be added, holds it when nobody else is."
    )
    lacking: tuple[Lack, ...] = Field(
        default=(), description="What is short when none fits, the first to be told first."
    )
    fits_smaller: int | None = Field(
        default=None,
        ge=0,
        description="The most accelerators that one server of these CPUs and this memory could"
        " have now, when fewer than it wants; None: not asked.",
    )


class CapacityState(WireModel):
    """Everything that is counted, at one moment."""

    scope: CapacityScope
    flavors: dict[str, FlavorState] = Field(description="By slug; missing: not known.")
    sizes: dict[str, SizeState] = Field(description="By slug; missing: not known.")
    unknown_flavor: dict[str, int] = Field(
        default_factory=dict,
        description="Accelerators that belong to no flavor, by the name of their resource.",
    )
    uncounted_images: tuple[str, ...] = Field(
        default=(),
        description="Slugs of images whose servers may go elsewhere, or take more, than sizes say:"
        " of these nothing here holds.",
    )
