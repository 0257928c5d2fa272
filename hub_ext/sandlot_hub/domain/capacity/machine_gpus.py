"""The GPUs of one machine: which are of which flavor, which are free, and why there is none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING

from sandlot_contracts.capacity import CapacityState, FlavorState, SizeState
from sandlot_hub.domain.settings.local_flavor import (
    plain_profile,
    profile_of_resource,
    vendor_of_resource,
)
from sandlot_hub.domain.values.names import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sandlot_contracts.capacity import Lack
    from sandlot_hub.domain.settings.local_flavor import Vendor
    from sandlot_hub.domain.settings.model import (
        AcceleratorFlavorSettings,
        SandlotSettings,
        SizeSettings,
    )

VENDOR_NAMES: Mapping[Vendor, str] = MappingProxyType(
    {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel"}
)
_RESOURCES: Mapping[Vendor, str] = MappingProxyType(
    {"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu", "intel": "gpu.intel.com/i915"}
)
_LISTED = 3
"""How many products a sentence names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineGpu:
    """One accelerator: a GPU, or a part of one that counts by itself (MIG)."""

    id: str
    """Names it for as long as it is there; no other has it."""
    vendor: Vendor
    handle: str
    """What the vendor's environment variable takes for it."""
    product: str
    memory_bytes: int | None = None
    mig_profile: str | None = None
    """Profile of a part; None for a whole GPU."""
    groups: tuple[int, ...] = ()
    """Unix groups that open its device files, where these are closed to others."""
    down: str = ""
    """Why it cannot be used, one sentence; empty when it can."""
    busy: bool = False
    """Whether a process computes on it, whoever's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSight:
    """What was found at one moment."""

    gpus: tuple[MachineGpu, ...] = ()
    """In the order in which they are given out."""
    missing: Mapping[Vendor, str] = field(default_factory=lambda: MappingProxyType({}))
    """Why there are none of a vendor, or no more, one sentence."""


def gpus_by_flavor(
    flavors: Mapping[str, AcceleratorFlavorSettings], gpus: Sequence[MachineGpu]
) -> dict[str, tuple[MachineGpu, ...]]:
    """Return the accelerators of every flavor, by slug.

    Each belongs to the first flavor that it fits, so that none counts twice.
    """
    found: dict[str, list[MachineGpu]] = {slug: [] for slug in flavors}
    for gpu in gpus:
        slug = _flavor(flavors, gpu)
        if slug is not None:
            found[slug].append(gpu)
    return {slug: tuple(its) for slug, its in found.items()}


def free_gpus(gpus: Sequence[MachineGpu], held: Collection[str]) -> tuple[MachineGpu, ...]:
    """Return those that can be given out.

    Parameters
    ----------
    gpus
        All of one flavor.
    held
        Ids of those that were given out.
    """
    return tuple(gpu for gpu in gpus if gpu.id not in held and not gpu.down and not gpu.busy)


def machine_capacity(
    settings: SandlotSettings,
    gpus: Sequence[MachineGpu],
    *,
    held: Collection[str],
    cpus: float,
    memory_bytes: int,
) -> CapacityState:
    """Return what is free on this machine.

    Sizes without an accelerator are left out: CPUs and memory limit a server here, and are not
    used up by others.

    Parameters
    ----------
    settings
        What may be started.
    gpus
        All accelerators.
    held
        Ids of those that were given out.
    cpus, memory_bytes
        The most that one server can have.
    """
    its = gpus_by_flavor(settings.accelerators, gpus)
    flavors = {slug: _flavor_state(found, held) for slug, found in its.items()}
    known = {gpu.id for found in its.values() for gpu in found}
    return CapacityState(
        scope="machine",
        flavors=flavors,
        sizes={
            slug: _size_state(size, flavors, cpus=cpus, memory_bytes=memory_bytes)
            for slug, size in settings.sizes.items()
            if size.accelerator is not None
        },
        unknown_flavor=dict(Counter(_resource(gpu) for gpu in gpus if gpu.id not in known)),
    )


def missing_flavors(settings: SandlotSettings, sight: GpuSight) -> dict[str, str]:
    """Return why a flavor is not on this machine, one sentence each, by slug."""
    its = gpus_by_flavor(settings.accelerators, sight.gpus)
    return {
        slug: _why_missing(settings.accelerators[slug], sight)
        for slug, found in its.items()
        if not found
    }


def _vendor(flavor: AcceleratorFlavorSettings) -> Vendor | None:
    return flavor.local.vendor or vendor_of_resource(flavor.resource)


def _flavor(flavors: Mapping[str, AcceleratorFlavorSettings], gpu: MachineGpu) -> str | None:
    return next((slug for slug, flavor in flavors.items() if _is_of(flavor, gpu)), None)


def _is_of(flavor: AcceleratorFlavorSettings, gpu: MachineGpu) -> bool:
    profile = flavor.local.mig_profile or profile_of_resource(flavor.resource)
    if gpu.vendor != _vendor(flavor) or (profile is None) != (gpu.mig_profile is None):
        return False
    if profile and gpu.mig_profile and plain_profile(profile) != plain_profile(gpu.mig_profile):
        return False
    return fnmatchcase(gpu.product.lower(), flavor.local.product.lower())


def _flavor_state(gpus: Sequence[MachineGpu], held: Collection[str]) -> FlavorState:
    down = sum(bool(gpu.down) and gpu.id not in held for gpu in gpus)
    free = len(free_gpus(gpus, held))
    return FlavorState(
        total=len(gpus),
        down=down,
        used=len(gpus) - down - free,
        free=free,
        largest_block=free,
        waiting=0,
        may_grow=0,
    )


def _size_state(
    size: SizeSettings, flavors: Mapping[str, FlavorState], *, cpus: float, memory_bytes: int
) -> SizeState:
    assert size.accelerator is not None  # noqa: S101 (asked for such sizes only; this tells the type)
    count, flavor = size.accelerator.count, flavors[size.accelerator.flavor]
    too_large: list[Lack] = []
    if size.cpus > cpus:
        too_large.append("cpus")
    if size.memory > memory_bytes:
        too_large.append("memory")
    few: list[Lack] = ["accelerator"] if flavor.free < count else []
    fits = 0 if too_large else flavor.free // count
    return SizeState(
        fits=fits,
        fits_ever=not too_large and flavor.total >= count,
        lacking=(*few, *too_large),
        fits_smaller=None if fits else (0 if too_large else flavor.free),
    )


def _resource(gpu: MachineGpu) -> str:
    if gpu.mig_profile is not None:
        return f"nvidia.com/mig-{plain_profile(gpu.mig_profile)}"
    return _RESOURCES[gpu.vendor]


def _why_missing(flavor: AcceleratorFlavorSettings, sight: GpuSight) -> str:
    vendor = _vendor(flavor)
    if vendor is None:
        return (
            f"The settings do not say which GPUs of this machine {flavor.resource} means "
            "(`local.vendor`)."
        )
    if vendor in sight.missing:
        return sight.missing[vendor]
    others = Counter(gpu.product for gpu in sight.gpus if gpu.vendor == vendor)
    if not others:
        return f"This machine has no {VENDOR_NAMES[vendor]} GPU."
    listed = ", ".join(
        f"{count} × {printable(product)}" for product, count in others.most_common(_LISTED)
    )
    return f"This machine has {listed}, and none that counts as this kind."
