"""From the slugs of a choice to the entries that stand for them now, or why there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_hub.domain.settings.catalogue import follow_redirects
from sandlot_hub.domain.values.names import joined, printable, quoted
from sandlot_hub.domain.values.refusals import RefusalCode, Refused

from .reasons import refuse
from .sight import Part

if TYPE_CHECKING:
    from sandlot_hub.domain.settings.model import CatalogueEntry

    from .viewpoint import Viewpoint

_UNKNOWN = {Part.IMAGE: RefusalCode.IMAGE_UNKNOWN, Part.SIZE: RefusalCode.SIZE_UNKNOWN}
_REMOVED = {Part.IMAGE: RefusalCode.IMAGE_REMOVED, Part.SIZE: RefusalCode.SIZE_REMOVED}
_OTHER_PROFILE = {
    Part.IMAGE: RefusalCode.IMAGE_OTHER_PROFILE,
    Part.SIZE: RefusalCode.SIZE_OTHER_PROFILE,
}
_NOTE_MAXIMUM = 300


def find_profile(view: Viewpoint, slug: str, notes: list[str]) -> str | Refused:
    """Return the slug of the profile that stands for `slug` now, if the user may use it."""
    profiles = view.settings.profiles
    if not view.knows_profile(slug):
        return _unknown_profile(view, slug)
    entry = profiles[slug]
    current = follow_redirects(profiles, slug)
    if current is None:
        return refuse(
            RefusalCode.PROFILE_REMOVED,
            f"{_removed('profile', entry)} {_choose_profile(view)}",
            field="profile",
            params={"profile": slug},
        )
    refusal = view.access_reason(current)
    if refusal is not None:
        return refusal
    if current != slug:
        notes.append(_replaced("profile", entry, profiles[current]))
    return current


def find_part(
    view: Viewpoint, part: Part, slug: str | None, profile: str, notes: list[str]
) -> str | Refused | None:
    """Return the slug of the image or size that stands for `slug` now in a profile."""
    if slug is None:
        return None
    entries = view.entries(part)
    if not view.is_in_sight(part, slug):
        return _refuse_part(view, part, _UNKNOWN[part], slug, profile)
    current = follow_redirects(entries, slug)
    if current is None or (current != slug and current not in view.members(part, profile)):
        return _refuse_part(view, part, _REMOVED[part], slug, profile)
    if current not in view.members(part, profile):
        return _refuse_part(view, part, _OTHER_PROFILE[part], slug, profile)
    if not view.knows(entries[current]):
        return _refuse_part(view, part, _UNKNOWN[part], slug, profile)
    if current != slug:
        notes.append(_replaced(part, entries[slug], entries[current]))
    return current


def _unknown_profile(view: Viewpoint, slug: str) -> Refused:
    return refuse(
        RefusalCode.PROFILE_UNKNOWN,
        f"There is no profile {quoted(slug)}. {_choose_profile(view)}",
        field="profile",
        params={"profile": printable(slug)},
    )


def _choose_profile(view: Viewpoint) -> str:
    names = [
        quoted(view.settings.profiles[slug].display_name)
        for slug in view.profiles()
        if view.profile_reason(slug) is None
    ]
    return f"Choose {joined(names)}." if names else "None can be started at the moment."


def _refuse_part(
    view: Viewpoint, part: Part, code: RefusalCode, slug: str, profile: str
) -> Refused:
    """Return the refusal of an image or size that the profile does not have for this user."""
    entries = view.entries(part)
    where = f"the profile {quoted(view.settings.profiles[profile].display_name)}"
    if code is _UNKNOWN[part]:
        what = f"There is no {part} {quoted(slug)} in {where}."
    elif code is _REMOVED[part]:
        what = _removed(part, entries[slug])
    else:
        what = f"The {part} {quoted(entries[slug].display_name)} is not in {where}."
    offered = view.offered(part, profile)
    on = [slug for slug in offered if view.part_reason(part, slug, profile) is None]
    names = [quoted(entries[slug].display_name) for slug in on]
    choose = f"Choose {joined(names)}." if names else "Choose another profile."
    return refuse(code, f"{what} {choose}", field=str(part), params={str(part): printable(slug)})


def _removed(kind: str, entry: CatalogueEntry) -> str:
    return f"The {kind} {quoted(entry.display_name)} was removed.{_admin_note(entry)}"


def _replaced(kind: str, old: CatalogueEntry, new: CatalogueEntry) -> str:
    names = f"{quoted(old.display_name)} was replaced by {quoted(new.display_name)}"
    return f"The {kind} {names}.{_admin_note(old)}"


def _admin_note(entry: CatalogueEntry) -> str:
    message = entry.deprecated.message if entry.deprecated else ""
    return f" {printable(' '.join(message.split()), limit=_NOTE_MAXIMUM)}" if message else ""
