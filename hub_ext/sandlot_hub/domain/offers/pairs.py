"""Which images and sizes a form shows as going together, and which it begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.settings.catalogue import CUSTOM_IMAGE, is_compatible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .shown import VisibleChoice, VisibleProfile


def incompatible_images(profiles: Sequence[VisibleProfile]) -> dict[str, list[str]]:
    """Return the images that a size cannot run, by size, whether they are on or off.

    They are of all profiles, not of one: each pair is looked at once, and a size is
    described alike wherever it is shown. `CUSTOM_IMAGE` stands for what people name.
    """
    images = {image.slug: image.entry for profile in profiles for image in profile.images}
    sizes = {size.slug: size.entry for profile in profiles for size in profile.sizes}
    found = {
        slug: [image for image, entry in images.items() if not is_compatible(image, entry, size)]
        for slug, size in sizes.items()
    }
    for slug, size in sizes.items():
        if CUSTOM_IMAGE in size.excludes_images:
            found[slug].append(CUSTOM_IMAGE)
    return found


def preselected_reference(profile: VisibleProfile, wanted: Mapping[str, str]) -> str | None:
    """Return the name of a container image to begin with, None when none may be written."""
    custom = profile.custom_images
    return wanted.get("reference") if custom is not None and custom.refusal is None else None


def preselected_pair(
    profile: VisibleProfile, wanted: Mapping[str, str]
) -> tuple[str, str] | tuple[None, None]:
    """Return the image and size that go together and keep most of what is wanted.

    Both are None when nothing of the profile can be started.
    """

    def rank(choice: VisibleChoice[Any], slug: str | None) -> tuple[bool, bool]:
        return choice.slug != slug, not choice.default

    images = sorted(profile.images, key=lambda choice: rank(choice, wanted.get("image")))
    sizes = sorted(profile.sizes, key=lambda choice: rank(choice, wanted.get("size")))
    if profile.refusal is None:
        for image in images:
            for size in sizes:
                is_on = image.refusal is None and size.refusal is None
                if is_on and is_compatible(image.slug, image.entry, size.entry):
                    return image.slug, size.slug
    return None, None
