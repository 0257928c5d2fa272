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
from typing import TYPE_CHECKING, Any, NamedTuple

from sandlot_hub.domain.choices.options import field_name

from .pairs import incompatible_images, preselected_pair, preselected_reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_hub.domain.settings.model import CatalogueEntry, ImageSettings, SizeSettings
    from sandlot_hub.domain.values.refusals import Refused

    from .shown import ProfileSummary, VisibleChoice, VisibleCustomImages, VisibleProfile


class _Shared(NamedTuple):
    """What is the same in all profiles: twenty of them name the same few images and sizes."""

    contents: dict[str, dict[str, Any]]
    """What is inside an image, by slug."""
    without: dict[str, list[str]]
    """What does not go with a size, by slug."""
    said: dict[int, dict[str, Any]]
    """The entry of a choice, once it was made; `visible` has one object for all that are alike."""


_MARKUP = frozenset('<>"')
_REFERENCE = r"^[A-Za-z0-9][A-Za-z0-9._:@\/\-]*$"
"""What `parse_reference` may take, in words that Python and browsers read alike."""


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
        ``display_name``, ``description`` and ``default``. Where images can be named,
        ``unlisted_choice`` is as KubeSpawner has it, with the text to preselect as
        ``value``; no image is the default then. Each entry has a key
        ``sandlot`` of plain data: ``display_name``, ``description``, ``refusal``
        (None, or ``code`` and ``message`` when it is off), ``words`` (``mark`` and ``text``:
        what stands beside it) and ``alternatives``
        (``profile``, ``image``, ``size``, ``label`` and ``reference`` each; on choices ``profile``
        is None where it is the same, whose name ``label`` leaves out then); ``summary`` on profiles (``accelerators``, ``places``, ``taken``, ``price_from``);
        ``field`` on options; ``custom`` on images that can be named
        (``display_name``, ``hint`` and ``refusal``); ``facts`` on choices; ``contents`` on images
        (``packages``, ``size_bytes``, ``built_at``) and ``needs_accelerator``; ``places``,
        ``taken``, ``price``, ``price_unit``, ``has_accelerator``, ``waits`` (as ``refusal``: what
        a start would wait for) and ``without`` on sizes: slugs of the images that do not go with
        it, also those of other profiles.
    """
    wanted = dict(selected or {})
    known = {image.slug: image.contents for profile in profiles for image in profile.images}
    shared = _Shared(
        contents={slug: inside.model_dump(mode="json") for slug, inside in known.items()},
        without=incompatible_images(profiles),
        said={},
    )
    startable = {profile.slug for profile in profiles if profile.refusal is None}
    chosen = wanted.get("profile")
    is_chosen = chosen in startable
    return [
        _profile(
            profile,
            shared=shared,
            is_default=profile.slug == chosen if is_chosen else profile.default,
            wanted=wanted if is_chosen and profile.slug == chosen else {},
        )
        for profile in profiles
    ]


def _profile(
    profile: VisibleProfile,
    *,
    shared: _Shared,
    is_default: bool,
    wanted: Mapping[str, str],
) -> dict[str, Any]:
    reference = preselected_reference(profile, wanted)
    image, size = preselected_pair(profile, wanted)
    if reference is not None:
        image = None
    entry = _entry(profile.profile, profile.refusal)
    entry.update(slug=profile.slug, default=is_default)
    entry["sandlot"].update(
        words=profile.words.model_dump(),
        alternatives=[alternative.model_dump() for alternative in profile.alternatives],
        summary=_summary(profile.summary),
    )
    images = {
        choice.slug: _marked(_image(choice, shared), is_default=choice.slug == image)
        for choice in profile.images
    }
    sizes = {
        choice.slug: _marked(_size(choice, shared), is_default=choice.slug == size)
        for choice in profile.sizes
    }
    entry["profile_options"] = {
        "image": _option(profile, "image", "Image", images),
        "size": _option(profile, "size", "Size", sizes),
    }
    if profile.custom_images is not None:
        _add_custom(entry["profile_options"]["image"], profile.custom_images, reference)
    return entry


def _marked(entry: dict[str, Any], *, is_default: bool) -> dict[str, Any]:
    """Return an entry of one profile, in which KubeSpawner marks a default.

    What is ``sandlot`` in it is one object in all profiles. Otherwise a page of twenty keeps so
    many at once that every sixtieth makes the hub's garbage collector look at all that there is.
    """
    return {**entry, "default": is_default}


def _add_custom(option: dict[str, Any], custom: VisibleCustomImages, reference: str | None) -> None:
    off = custom.refusal
    option["sandlot"]["custom"] = {
        "display_name": custom.display_name,
        "hint": custom.hint,
        "refusal": _why(off),
    }
    if off is None:
        option["unlisted_choice"] = {
            "enabled": True,
            "display_name": "Name of the container image",
            "display_name_in_choices": _as_html(custom.display_name),
            "validation_regex": _REFERENCE,
            "validation_message": _as_html(custom.hint),
            "value": reference,
        }


def _summary(summary: ProfileSummary) -> dict[str, Any]:
    return {
        "accelerators": list(summary.accelerators),
        "places": summary.places,
        "taken": summary.taken,
        "price_from": summary.price_from,
    }


def _option(
    profile: VisibleProfile, name: str, display_name: str, choices: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    return {
        "display_name": display_name,
        "choices": choices,
        # KubeSpawner's template asks for it.
        "unlisted_choice": {"enabled": False},
        "sandlot": {"field": field_name(profile.slug, name)},
    }


def _size(choice: VisibleChoice[SizeSettings], shared: _Shared) -> dict[str, Any]:
    if id(choice) not in shared.said:
        entry = _choice(choice)
        entry["sandlot"].update(
            places=choice.places,
            taken=choice.taken,
            price=choice.entry.price,
            price_unit=choice.price_unit,
            has_accelerator=choice.entry.accelerator is not None,
            waits=_why(choice.waits),
            without=shared.without[choice.slug],
        )
        shared.said[id(choice)] = entry
    return shared.said[id(choice)]


def _image(choice: VisibleChoice[ImageSettings], shared: _Shared) -> dict[str, Any]:
    if id(choice) not in shared.said:
        entry = _choice(choice)
        entry["sandlot"]["needs_accelerator"] = choice.entry.requires_accelerator
        entry["sandlot"]["contents"] = shared.contents[choice.slug]
        shared.said[id(choice)] = entry
    return shared.said[id(choice)]


def _choice(choice: VisibleChoice[Any]) -> dict[str, Any]:
    entry = _entry(choice.entry, choice.refusal)
    entry["sandlot"].update(
        facts=list(choice.facts),
        words=choice.words.model_dump(),
        alternatives=[{**each._asdict(), "reference": None} for each in choice.instead],
    )
    return entry


def _entry(entry: CatalogueEntry, refusal: Refused | None) -> dict[str, Any]:
    """Return an entry for renderers that know nothing of being off: the words must say it."""
    name, description = entry.display_name, entry.description
    off = refusal is not None
    return {
        "display_name": _as_html(f"{name} (not available)" if off else name),
        "description": _as_html(refusal.message if refusal is not None else description),
        "default": False,
        "sandlot": {
            "display_name": name,
            "description": description,
            "refusal": _why(refusal),
        },
    }


def _why(refusal: Refused | None) -> dict[str, str] | None:
    return None if refusal is None else {"code": str(refusal.code), "message": refusal.message}


def _as_html(text: str) -> str:
    """Return `text` as HTML that displays as it, unchanged where HTML and text read alike."""
    if _MARKUP.isdisjoint(text) and html.unescape(text) == text:
        return text
    return html.escape(text)
