"""What the supervisor reports of this machine, as facilities to decide with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .facilities import Facilities, ImageReadiness, Mode

if TYPE_CHECKING:
    from sandlot_contracts.supervisor import LocalFacilities, LocalImage


def machine_facilities(local: LocalFacilities) -> Facilities:
    """Return what servers on this machine can have."""
    return Facilities(
        mode=Mode.LOCAL,
        images={slug: _readiness(image) for slug, image in local.images.items()},
        running=dict(local.running),
        flavors=_flavors(local),
        flavor_reasons=dict(local.missing_flavors),
        capacity=local.capacity,
        cpus=float(local.cpus),
        memory_bytes=local.memory_bytes,
        cpu_enforced=local.cpu_enforced,
        memory_enforced=local.memory_enforced,
    )


def _flavors(local: LocalFacilities) -> frozenset[str] | None:
    if local.capacity is None:
        return None
    return frozenset(slug for slug, state in local.capacity.flavors.items() if state.total)


def _readiness(image: LocalImage) -> ImageReadiness:
    if image.state == "ready":
        return ImageReadiness(ready=True, contents=image.contents)
    return ImageReadiness(ready=False, reason=_reason(image), contents=image.contents)


def _reason(image: LocalImage) -> str:
    detail = f" {image.detail}" if image.detail else ""
    match image.state:
        case "building":
            return f"It is being built on this machine, {image.progress:.0%} done.{detail}"
        case "queued":
            return f"It waits for its turn to be built on this machine.{detail}"
        case "failed":
            return f"Building it on this machine failed; an administrator has the log.{detail}"
        case _:
            return f"It has not been built on this machine.{detail}"
