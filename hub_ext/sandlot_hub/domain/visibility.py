"""What a user is shown: every profile, image and size, with the reason when it is off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from .settings import ImageSettings, ProfileSettings, SizeSettings
from .units import format_cpus, format_memory
from .viewpoint import Part, Viewpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .entitlements import Entitlements
    from .facilities import Facilities
    from .refusals import Refused
    from .settings import SandlotSettings

EntryT = TypeVar("EntryT", ImageSettings, SizeSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleChoice(Generic[EntryT]):
    """An image or a size as one user sees it in one profile."""

    slug: str
    entry: EntryT
    default: bool
    """Whether it is preselected; exactly one image and one size of a startable profile are."""
    facts: tuple[str, ...] = ()
    """What sets it apart, in few words: ``4 CPU``, ``16 GiB memory``, ``2 × NVIDIA L4``."""
    refusal: Refused | None = None
    """Set when it is shown disabled, with this reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleProfile:
    """A profile as one user sees it."""

    slug: str
    profile: ProfileSettings
    default: bool
    """Whether it is preselected; exactly one is, if any can be started."""
    images: tuple[VisibleChoice[ImageSettings], ...]
    sizes: tuple[VisibleChoice[SizeSettings], ...]
    refusal: Refused | None = None
    """Set when the whole profile is shown disabled, with this reason."""


def visible(
    entitlements: Entitlements, settings: SandlotSettings, facilities: Facilities
) -> tuple[VisibleProfile, ...]:
    """Return the profiles that a user is shown, in the order of the settings.

    Left out are deprecated entries, and hidden ones that the user may not use.
    Everything else is there; what cannot be started carries the refusal that
    `resolve` would answer. The preselected image and size go together and can be
    started.
    """
    view = Viewpoint(entitlements=entitlements, settings=settings, facilities=facilities)
    default = view.default_profile()
    # Once for all profiles: twenty of them name the same few sizes.
    facts = {slug: _size_facts(settings, size) for slug, size in settings.sizes.items()}
    return tuple(
        _visible_profile(view, slug, facts, is_default=slug == default) for slug in view.profiles()
    )


def _visible_profile(
    view: Viewpoint, slug: str, facts: Mapping[str, tuple[str, ...]], *, is_default: bool
) -> VisibleProfile:
    refusal = view.profile_reason(slug)
    picked = view.pick(slug) if refusal is None else None
    settings = view.settings
    return VisibleProfile(
        slug=slug,
        profile=settings.profiles[slug],
        default=is_default,
        images=tuple(
            VisibleChoice(
                slug=image,
                entry=settings.images[image],
                default=picked is not None and image == picked[0],
                facts=_image_facts(settings.images[image]),
                refusal=view.choice_reason(slug, Part.IMAGE, image),
            )
            for image in view.offered(Part.IMAGE, slug)
        ),
        sizes=tuple(
            VisibleChoice(
                slug=size,
                entry=settings.sizes[size],
                default=picked is not None and size == picked[1],
                facts=facts[size],
                refusal=view.choice_reason(slug, Part.SIZE, size),
            )
            for size in view.offered(Part.SIZE, slug)
        ),
        refusal=refusal,
    )


def _image_facts(image: ImageSettings) -> tuple[str, ...]:
    return (image.version,) if image.version else ()


def _size_facts(settings: SandlotSettings, size: SizeSettings) -> tuple[str, ...]:
    facts = (f"{format_cpus(size.cpus)} CPU", f"{format_memory(size.memory)} memory")
    wanted = size.accelerator
    if wanted is None:
        return facts
    return (*facts, f"{wanted.count} × {settings.accelerators[wanted.flavor].display_name}")
