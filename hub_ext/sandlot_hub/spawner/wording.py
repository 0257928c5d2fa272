"""What the spawn form says of its choices, and needs to say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .alike import ANY, NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_GIB = 1024**3
_MIB = 1024**2


def choice_names(profiles: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return the names of all profiles, images and sizes of a form, by slug."""
    names: dict[str, dict[str, str]] = {"profile": {ANY: NAME}, "image": {}, "size": {}}
    for profile in profiles:
        names["profile"][profile["slug"]] = profile["sandlot"]["display_name"]
        for part, option in profile["profile_options"].items():
            for slug, choice in option["choices"].items():
                names[part][slug] = choice["sandlot"]["display_name"]
    return names


def row_context(profile: Mapping[str, Any], asked: Mapping[str, str]) -> dict[str, str | None]:
    """Return what the choices of a profile are offered in place of: what is preselected in it.

    Parameters
    ----------
    profile
        An entry of the profile list.
    asked
        The choice that the page explains above all others; empty when there is none. It is
        under ``asked_image`` and ``asked_size`` if it is of this profile.
    """
    context: dict[str, str | None] = {"profile": ANY}
    for part, option in profile["profile_options"].items():
        chosen = (slug for slug, choice in option["choices"].items() if choice["default"])
        context[part] = next(chosen, None)
        is_asked = asked.get("profile") == profile["slug"]
        context[f"asked_{part}"] = asked.get(part) if is_asked else None
    context["reference"] = profile["profile_options"]["image"]["unlisted_choice"].get("value")
    return context


def disk_size(size_bytes: int) -> str:
    """Return a size on disk: in GiB with one digit, in MiB below a tenth of one."""
    if size_bytes * 10 < _GIB:
        return f"{max(1, round(size_bytes / _MIB))} MiB"
    return f"{size_bytes / _GIB:.1f} GiB"
