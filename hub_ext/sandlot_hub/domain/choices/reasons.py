"""Why an image or a size is off for one user, here and now, whatever the profile."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.capacity.facilities import Mode
from sandlot_hub.domain.settings.access import describe_audience, is_allowed
from sandlot_hub.domain.values.names import printable, quoted
from sandlot_hub.domain.values.refusals import RefusalCode, Refused
from sandlot_hub.domain.values.units import describe_memory, format_cpus, format_memory

if TYPE_CHECKING:
    from sandlot_hub.domain.capacity.facilities import Facilities, ImageReadiness
    from sandlot_hub.domain.settings.model import ImageSettings, SandlotSettings, SizeSettings
    from sandlot_hub.domain.values.entitlements import Entitlements

FORBIDDEN = 403
CONFLICT = 409
_REASON_MAXIMUM = 300


def refuse(
    code: RefusalCode,
    message: str,
    *,
    field: str | None = None,
    params: dict[str, Any] | None = None,
    status: int = 400,
) -> Refused:
    """Return a refusal whose parameters cannot be changed."""
    return Refused(
        code=code,
        message=message,
        field=field,
        params=MappingProxyType(params or {}),
        status=status,
    )


def image_reason(
    slug: str, image: ImageSettings, *, entitlements: Entitlements, facilities: Facilities
) -> Refused | None:
    """Return why this user cannot start an image, None when it can be started."""
    params = {"image": slug}
    name = f"The image {quoted(image.display_name)}"
    if not is_allowed(image.allow, entitlements):
        return refuse(
            RefusalCode.IMAGE_NOT_ALLOWED,
            f"{name} is for {describe_audience(image.allow)}. "
            "Choose another image, or ask an administrator for access.",
            field="image",
            params=params,
            status=FORBIDDEN,
        )
    reason = _missing_part(image, facilities.mode) or _not_ready(facilities.images.get(slug))
    if reason is None:
        return None
    return refuse(
        RefusalCode.IMAGE_UNAVAILABLE,
        f"{name} cannot be started now. {reason}",
        field="image",
        params=params,
        status=CONFLICT,
    )


def _not_ready(readiness: ImageReadiness | None) -> str | None:
    if readiness is None or readiness.ready:
        return None
    reason = printable(readiness.reason, limit=_REASON_MAXIMUM) or "It is not ready yet."
    return f"{reason} Choose another image, or try again later."


def _missing_part(image: ImageSettings, mode: Mode) -> str | None:
    match mode:
        case Mode.LOCAL if image.local is None:
            return "It has no local environment, which this machine needs. Choose another image."
        case Mode.KUBERNETES if image.reference is None:
            return "It has no container reference, which the cluster needs. Choose another image."
    return None


def size_reason(
    slug: str,
    size: SizeSettings,
    *,
    entitlements: Entitlements,
    settings: SandlotSettings,
    facilities: Facilities,
) -> Refused | None:
    """Return why this user cannot start a size, None when it can be started."""
    params = {"size": slug}
    name = f"The size {quoted(size.display_name)}"
    if not is_allowed(size.allow, entitlements):
        return refuse(
            RefusalCode.SIZE_NOT_ALLOWED,
            f"{name} is for {describe_audience(size.allow)}. "
            "Choose another size, or ask an administrator for access.",
            field="size",
            params=params,
            status=FORBIDDEN,
        )
    reason = _absent_flavor(size, settings, facilities) or _too_large(size, facilities)
    if reason is not None:
        return refuse(
            RefusalCode.SIZE_UNAVAILABLE,
            f"{name} cannot be started here. {reason} Choose another size.",
            field="size",
            params=params,
            status=CONFLICT,
        )
    # Last: a size that never fits has no places to wait for.
    taken = taken_places(slug, size, facilities)
    if size.max_running is None or taken is None or taken < size.max_running:
        return None
    return _full(slug, size, places=size.max_running, taken=taken)


def taken_places(slug: str, size: SizeSettings, facilities: Facilities) -> int | None:
    """Return how many servers of a size run; None without a limit, and when not known."""
    if size.max_running is None or facilities.running is None:
        return None
    return facilities.running.get(slug, 0)


def _full(slug: str, size: SizeSettings, *, places: int, taken: int) -> Refused:
    name = quoted(size.display_name)
    if places == 1:
        what = f"The only place of the size {name} is taken."
    else:
        what = f"All {places} places of the size {name} are taken."
    return refuse(
        RefusalCode.SIZE_FULL,
        f"{what} Choose another size, or try again later.",
        field="size",
        params={"size": slug, "places": places, "taken": taken},
        status=CONFLICT,
    )


def _absent_flavor(
    size: SizeSettings, settings: SandlotSettings, facilities: Facilities
) -> str | None:
    wanted = size.accelerator
    if wanted is None or facilities.flavors is None or wanted.flavor in facilities.flavors:
        return None
    flavor = settings.accelerators[wanted.flavor].display_name
    reason = facilities.flavor_reasons.get(wanted.flavor) or "There is none here."
    reason = printable(reason, limit=_REASON_MAXIMUM)
    return f"It needs {wanted.count} × {printable(flavor)}. {reason}"


def _too_large(size: SizeSettings, facilities: Facilities) -> str | None:
    if facilities.cpus is not None and size.cpus > facilities.cpus:
        most = format_cpus(facilities.cpus)
        return f"It needs {format_cpus(size.cpus)} CPUs, and a server can have at most {most}."
    if facilities.memory_bytes is not None and size.memory > facilities.memory_bytes:
        most = describe_memory(facilities.memory_bytes)
        return (
            f"It needs {format_memory(size.memory)} of memory, "
            f"and a server can have at most {most}."
        )
    return None


def mismatch(settings: SandlotSettings, image: str, size: str) -> Refused:
    """Return why an image and a size, each fine, do not go together."""
    image_name = quoted(settings.images[image].display_name)
    size_name = quoted(settings.sizes[size].display_name)
    if settings.images[image].requires_accelerator and settings.sizes[size].accelerator is None:
        why = f"The image {image_name} needs an accelerator, and the size {size_name} has none."
    else:
        why = f"The image {image_name} does not work with the size {size_name}."
    return refuse(
        RefusalCode.INCOMPATIBLE,
        f"{why} Choose another size or another image.",
        field="size",
        params={"image": image, "size": size},
        status=CONFLICT,
    )


def without_partner(settings: SandlotSettings, image: str | None, size: str | None) -> Refused:
    """Return why the one that is given goes with nothing that can be started in its profile."""
    if image is not None:
        part, other, slug = "image", "size", image
        name = quoted(settings.images[image].display_name)
    else:
        part, other, slug = "size", "image", str(size)
        name = quoted(settings.sizes[slug].display_name)
    if image is not None and settings.images[image].requires_accelerator:
        why = "needs an accelerator, and no size of this profile with one can be started now"
    else:
        why = f"goes with no {other} of this profile that can be started now"
    return refuse(
        RefusalCode.INCOMPATIBLE,
        f"The {part} {name} {why}. Choose another {part}.",
        field=part,
        params={part: slug},
        status=CONFLICT,
    )
