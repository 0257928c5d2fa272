"""Forms and query strings to options. Parsing only: `resolve` decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_hub.domain.settings.catalogue import UNLISTED_CHOICE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FORM_PREFIX = "profile-option-"
_TEXT_PART = f"image--{UNLISTED_CHOICE}"
_UNLISTED = ([UNLISTED_CHOICE], ["unlisted_choice"])
"""What is posted in place of an image that is named: KubeSpawner's form and ours have a hyphen,
jupyterhub-fancy-profiles an underscore, which no slug can have."""
_FORM_PARTS = ("image", "size", _TEXT_PART)
_NOT_OPTIONS = frozenset({"_xsrf", "select-profile"})
"""The hub's own field, and the visible radio button of jupyterhub-fancy-profiles, which posts
its choice a second time."""


def field_name(profile: str, part: str) -> str:
    """Return the name of a form field for an image or a size of a profile, as KubeSpawner's."""
    return f"{_FORM_PREFIX}{profile}--{part}"


def text_field_name(profile: str) -> str:
    """Return the name of the form field in which an image of a profile is named, likewise."""
    return field_name(profile, _TEXT_PART)


def options_from_form(form: Mapping[str, Sequence[object]]) -> dict[str, object]:
    """Return the options that a posted spawn form asks for.

    A form posts the fields of every profile; those of profiles that were not
    chosen are left out. Whatever else is there stays, unknown keys and repeated
    values (as a list) included, so that `resolve` refuses it with its code.

    Where an image can be named, its text counts when the image is posted as
    ``unlisted-choice``, or not at all, as KubeSpawner's form does it. Beside an
    image of the list the text is what was written before the list was preferred,
    and is left out.
    """
    chosen = _single(form["profile"]) if "profile" in form else None
    collected: dict[str, list[object]] = {}
    texts: list[object] = []
    for key, values in form.items():
        if key in _NOT_OPTIONS:
            continue
        name = _option_name(key, chosen)
        if name == _TEXT_PART and key != _TEXT_PART:
            texts.extend(values)
        elif name is not None:
            collected.setdefault(name, []).extend(values)
    _name_image(collected, texts)
    return {name: _single(values) for name, values in collected.items()}


def _name_image(collected: dict[str, list[object]], texts: list[object]) -> None:
    """Put the text of an image that is named in the place of the image."""
    if collected.get("image") in _UNLISTED:
        del collected["image"]
        collected["reference"] = [*collected.get("reference", []), *texts] or [""]
    elif "image" not in collected and texts not in ([], [""]):
        collected.setdefault("reference", []).extend(texts)
    if "reference" in collected:
        collected["reference"] = [_trimmed(text) for text in collected["reference"]]


def _trimmed(text: object) -> object:
    # What was copied from somewhere often has spaces around it.
    return text.strip(" ") if isinstance(text, str) else text


def options_from_query(query: Mapping[str, Sequence[object]]) -> dict[str, object]:
    """Return the options that a start by URL asks for, like `options_from_form`.

    The hub has taken the ``opt-`` prefix away. The short names (``image``, ``size``)
    and those of the form are both understood.
    """
    return options_from_form(query)


def _option_name(key: str, chosen: object) -> str | None:
    """Return the option that a field is for, None when it is another profile's."""
    if not key.startswith(_FORM_PREFIX):
        return key
    profile, separator, part = key.removeprefix(_FORM_PREFIX).partition("--")
    if not separator or part not in _FORM_PARTS:
        return key
    # Fields without any chosen profile stay options: leaving the profile out must be
    # refused, not mistaken for a start without options.
    return part if chosen is None or profile == chosen else None


def _single(values: Sequence[object]) -> object:
    return values[0] if len(values) == 1 else list(values)
