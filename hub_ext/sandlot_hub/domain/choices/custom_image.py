"""An image that somebody names, in a profile that permits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_hub.domain.capacity.facilities import Mode
from sandlot_hub.domain.settings.catalogue import CUSTOM_IMAGE, is_compatible
from sandlot_hub.domain.settings.model import ImageSettings
from sandlot_hub.domain.values.image_reference import Malformed, parse_reference
from sandlot_hub.domain.values.names import joined, quoted, shorten
from sandlot_hub.domain.values.refusals import RefusalCode, Refused

from .image_rules import describe_rule, is_permitted
from .reasons import CONFLICT, FORBIDDEN, refuse
from .sight import Part

if TYPE_CHECKING:
    from sandlot_hub.domain.settings.model import CustomImageSettings, ProfileSettings

    from .viewpoint import Viewpoint

_NAME_MAXIMUM = 200


def permitted_images(
    profile: str, entry: ProfileSettings, mode: Mode
) -> CustomImageSettings | Refused:
    """Return which images can be named in a profile, or why none can."""
    where = quoted(entry.display_name)
    if entry.custom_images is None:
        return refuse(
            RefusalCode.REFERENCE_NOT_ALLOWED,
            f"In the profile {where} images cannot be named. Choose one of its images.",
            field="reference",
            params={"profile": profile},
            status=FORBIDDEN,
        )
    if mode is Mode.LOCAL:
        return refuse(
            RefusalCode.REFERENCE_NOT_HERE,
            "Servers on this machine run in no container, so an image cannot be named here. "
            "Choose one of the images that are listed.",
            field="reference",
            params={"profile": profile},
            status=CONFLICT,
        )
    return entry.custom_images


def find_custom(view: Viewpoint, profile: str, reference: str) -> ImageSettings | Refused:
    """Return the image that somebody names in a profile, or why it cannot be used."""
    entry = view.settings.profiles[profile]
    permitted = permitted_images(profile, entry, view.facilities.mode)
    if isinstance(permitted, Refused):
        return permitted
    found = parse_reference(reference)
    if isinstance(found, Malformed):
        return refuse(
            RefusalCode.REFERENCE_INVALID,
            f"{quoted(reference)} is not the name of a container image. {found.reason} "
            f"{examples(permitted)}",
            field="reference",
        )
    name = str(found)
    if not is_permitted(found, permitted.allow):
        return refuse(
            RefusalCode.REFERENCE_NOT_ALLOWED,
            f"The image {quoted(name)} is not one of those that may be named in this profile. "
            f"{examples(permitted)}",
            field="reference",
            params={"reference": name},
            status=FORBIDDEN,
        )
    # What is shown off stays off: the form would not let anybody get here.
    return view.profile_reason(profile) or ImageSettings(
        display_name=shorten(name, _NAME_MAXIMUM), reference=name
    )


def examples(settings: CustomImageSettings) -> str:
    """Return the sentence that says what may be named."""
    return f"Name one like {joined([describe_rule(rule) for rule in settings.allow], maximum=3)}."


def fitting_sizes(view: Viewpoint, profile: str, image: ImageSettings) -> list[str]:
    """Return the sizes of a profile that are on and run an image which somebody names."""
    sizes = view.settings.sizes
    return [
        slug
        for slug in view.startable(Part.SIZE, profile)
        if is_compatible(CUSTOM_IMAGE, image, sizes[slug])
        and view.size_reason(slug, profile) is None
        and view.choice_reason(profile, Part.SIZE, slug) is None
    ]


def pick_size(
    view: Viewpoint, profile: str, image: ImageSettings, size: str | None
) -> str | Refused:
    """Return the size for an image which somebody names: what is given, else the best that fits."""
    fitting = fitting_sizes(view, profile, image)
    if size is None and fitting:
        return fitting[0]
    if size is None:
        return refuse(
            RefusalCode.INCOMPATIBLE,
            "No size that runs an image which you name can be started now. "
            "Choose one of the images that are listed, or try again later.",
            field="size",
            params={"profile": profile},
            status=CONFLICT,
        )
    if size in fitting:
        return size
    off = view.size_reason(size, profile) or view.choice_reason(profile, Part.SIZE, size)
    return off or refuse(
        RefusalCode.INCOMPATIBLE,
        f"The size {quoted(view.settings.sizes[size].display_name)} runs none of the images that "
        "people name themselves. Choose another size.",
        field="size",
        params={"image": CUSTOM_IMAGE, "size": size},
        status=CONFLICT,
    )
