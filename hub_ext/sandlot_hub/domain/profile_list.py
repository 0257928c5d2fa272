"""The visible profiles in the shape of KubeSpawner's ``profile_list``.

KubeSpawner 7.1 renders ``display_name`` and ``description`` without escaping, so
they are HTML; React forms such as jupyterhub-fancy-profiles show them as text.
Both get what reads alike in the two wherever that exists, else escaped HTML. Our
own template reads the entry under ``sandlot`` instead, which holds plain text and
must be escaped by whoever renders it.

There are no overrides in it: what a choice means is in the plan that `resolve`
returns, never in what a form was rendered from.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from .catalogue import is_compatible
from .options import field_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .refusals import Refused
    from .settings import CatalogueEntry, ImageSettings, SizeSettings
    from .visibility import VisibleChoice, VisibleProfile

    _Choices = tuple[VisibleChoice[ImageSettings], ...] | tuple[VisibleChoice[SizeSettings], ...]

_MARKUP = frozenset('<>"')


def build_profile_list(
    profiles: tuple[VisibleProfile, ...], selected: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Return what KubeSpawner's form template and ours render.

    Parameters
    ----------
    profiles
        What the user is shown, see `visible`.
    selected
        Options to preselect in place of the defaults. What is not shown, or off,
        gives way to what goes with the rest: the image counts before the size.

    Returns
    -------
    list of dict
        ``display_name``, ``slug``, ``description``, ``default`` and
        ``profile_options`` with ``image`` and ``size``, whose ``choices`` have
        ``display_name``, ``description`` and ``default``. Each entry has a key
        ``sandlot`` of plain text: ``display_name``, ``description``, ``refusal``
        (None, or ``code`` and ``message`` when it is off), ``field`` on options
        and ``facts`` on choices.
    """
    wanted = dict(selected or {})
    startable = {profile.slug for profile in profiles if profile.refusal is None}
    chosen = wanted.get("profile")
    is_chosen = chosen in startable
    return [
        _profile(
            profile,
            is_default=profile.slug == chosen if is_chosen else profile.default,
            wanted=wanted if is_chosen and profile.slug == chosen else {},
        )
        for profile in profiles
    ]


def _profile(
    profile: VisibleProfile, *, is_default: bool, wanted: Mapping[str, str]
) -> dict[str, Any]:
    image, size = _preselected(profile, wanted)
    return {
        **_entry(profile.profile, profile.refusal, is_default=is_default),
        "slug": profile.slug,
        "profile_options": {
            "image": _option(profile, "image", "Image", _choices(profile.images, image)),
            "size": _option(profile, "size", "Size", _choices(profile.sizes, size)),
        },
    }


def _preselected(
    profile: VisibleProfile, wanted: Mapping[str, str]
) -> tuple[str, str] | tuple[None, None]:
    """Return the image and size that go together and keep most of what is wanted."""

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


def _option(
    profile: VisibleProfile, name: str, display_name: str, choices: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    return {
        "display_name": display_name,
        "choices": choices,
        # KubeSpawner's template asks for it; nobody may write in a choice of his own.
        "unlisted_choice": {"enabled": False},
        "sandlot": {"field": field_name(profile.slug, name)},
    }


def _choices(choices: _Choices, preselected: str | None) -> dict[str, dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    for choice in choices:
        is_default = choice.slug == preselected
        entry = _entry(choice.entry, choice.refusal, is_default=is_default)
        entry["sandlot"]["facts"] = list(choice.facts)
        entries[choice.slug] = entry
    return entries


def _entry(entry: CatalogueEntry, refusal: Refused | None, *, is_default: bool) -> dict[str, Any]:
    """Return an entry for renderers that know nothing of being off: the words must say it."""
    name, description = entry.display_name, entry.description
    off = refusal is not None
    return {
        "display_name": _as_html(f"{name} (not available)" if off else name),
        "description": _as_html(refusal.message if refusal is not None else description),
        "default": is_default,
        "sandlot": {
            "display_name": name,
            "description": description,
            "refusal": refusal and {"code": str(refusal.code), "message": refusal.message},
        },
    }


def _as_html(text: str) -> str:
    """Return `text` as HTML that displays as it, unchanged where HTML and text read alike."""
    if _MARKUP.isdisjoint(text) and html.unescape(text) == text:
        return text
    return html.escape(text)
