"""Words of the spawn form that `static/words.js` says again on an open page.

A table that both read in their tests keeps the two alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_GIB = 1024**3
_MIB = 1024**2


class NamePart(NamedTuple):
    """The name of a profile, an image or a size within that of a whole choice."""

    name: str
    is_shown: bool
    """False where it is the same as what it is offered in place of: only read out then."""


def choice_names(profiles: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return the names of all profiles, images and sizes of a form, by slug."""
    names: dict[str, dict[str, str]] = {"profile": {}, "image": {}, "size": {}}
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
    context: dict[str, str | None] = {"profile": profile["slug"]}
    for part, option in profile["profile_options"].items():
        chosen = (slug for slug, choice in option["choices"].items() if choice["default"])
        context[part] = next(chosen, None)
        is_asked = asked.get("profile") == profile["slug"]
        context[f"asked_{part}"] = asked.get(part) if is_asked else None
    context["reference"] = profile["profile_options"]["image"]["unlisted_choice"].get("value")
    return context


def instead_parts(
    other: Mapping[str, str | None],
    names: Mapping[str, Mapping[str, str]],
    context: Mapping[str, str | None],
) -> list[NamePart]:
    """Return the name of an alternative in parts, of which those that differ are shown.

    Parameters
    ----------
    other
        The alternative: ``profile``, ``image``, ``size``, ``label``, ``reference``.
    names
        See `choice_names`.
    context
        What it is offered in place of, as far as that is known.
    """
    slugs = {part: other[part] or "" for part in ("profile", "image", "size")}
    found = {part: names[part].get(slug, "") for part, slug in slugs.items()}
    same = {part: context.get(part) == slug for part, slug in slugs.items()}
    if other["reference"]:
        found["image"] = other["reference"]
        same["image"] = context.get("reference") == other["reference"]
    if not all(found.values()):
        return [NamePart(other["label"] or "", is_shown=True)]
    is_other = not all(same.values())
    shown = [NamePart(name, not (same[part] and is_other)) for part, name in found.items()]
    return _with_separators(shown)


def _with_separators(parts: list[NamePart]) -> list[NamePart]:
    """Put separators into the parts, so that what is shown begins and ends with a name."""
    first = next(number for number, part in enumerate(parts) if part.is_shown)
    return [
        part._replace(name=f"{part.name} · " if number < first else f" · {part.name}")
        if number != first
        else part
        for number, part in enumerate(parts)
    ]


def disk_size(size_bytes: int) -> str:
    """Return a size on disk: in GiB with one digit, in MiB below a tenth of one."""
    if size_bytes * 10 < _GIB:
        return f"{max(1, round(size_bytes / _MIB))} MiB"
    return f"{size_bytes / _GIB:.1f} GiB"
