"""What the place where servers run can do: the mode, its images, its accelerators."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from sandlot_contracts.images import NO_CONTENTS, ImageContents

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sandlot_contracts.capacity import CapacityState


class Mode(StrEnum):
    """Where servers run."""

    LOCAL = "local"
    """Processes of this machine, in environments built from ``images/<name>/``."""
    KUBERNETES = "kubernetes"
    """Pods, from container images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReadiness:
    """Whether an image can be started now, and if not, the sentence that says why."""

    ready: bool
    reason: str = ""
    contents: ImageContents = NO_CONTENTS
    """What is inside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facilities:
    """A snapshot. Values, never a callback: `resolve` stays pure."""

    mode: Mode
    images: Mapping[str, ImageReadiness] = field(default_factory=lambda: MappingProxyType({}))
    """By image slug; an image that is absent here counts as ready."""
    running: Mapping[str, int] | None = None
    """Servers that start or run, by size slug; None when that is not known."""
    flavors: frozenset[str] | None = None
    """Accelerator flavors present here; None when that is not known (all may be)."""
    flavor_reasons: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Why a flavor that is not in `flavors` is absent, one sentence, by its slug."""
    cpus: float | None = None
    """The largest number of CPU cores that one server can have; None when not known."""
    memory_bytes: int | None = None
    """The largest memory that one server can have, in bytes; None when not known."""
    capacity: CapacityState | None = None
    """What is free of it now; None when that is not known, and then nothing is refused for it."""
    now: datetime | None = None
    """Up to when sentences count how long something waits; None leaves that out."""
    cpu_enforced: bool = True
    memory_enforced: bool = True
