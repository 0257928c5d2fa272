"""What is kept of devices that are given out by claims, and of the claims that have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    AttributeValue = str | int | bool


class DeviceId(NamedTuple):
    """A device, as a claim names it."""

    driver: str
    pool: str
    name: str


class DeviceRecord(NamedTuple):
    """A device, as its driver announces it."""

    name: str
    attributes: Mapping[str, AttributeValue]
    whole: bool = True
    """Whether one claim gets it, and nothing else takes part of it: no partition of another
    device, not shared, no taint, and where its slice says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRecord:
    """A part of a driver's announcement of what it has."""

    name: str
    driver: str
    pool: str
    generation: int
    """Only the slices of a pool's latest generation hold."""
    slices: int
    """How many slices that generation has."""
    node: str
    """Where the devices are; empty when they belong to no one node."""
    devices: tuple[DeviceRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRecord:
    """A claim for devices."""

    key: str
    """``namespace/name``."""
    devices: tuple[DeviceId, ...]
    """What it has; what it only looks at, as an administrator may, is left out."""
