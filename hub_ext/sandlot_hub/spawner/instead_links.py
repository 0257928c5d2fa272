"""Links to what can be started in place of a choice, as `static/words.js` makes them again.

A table that both read in their tests keeps the two alike.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from markupsafe import Markup

from .alike import ANY, NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HIDDEN = Markup(' class="visually-hidden"')


class NamePart(NamedTuple):
    """The name of a profile, an image or a size within that of a whole choice."""

    name: str
    is_shown: bool
    """False where it is the same as what it is offered in place of: only read out then."""


class _Other(NamedTuple):
    """A choice that is offered in place of another one, with all that its link says."""

    profile: str
    image: str
    size: str
    reference: str
    label: str
    names: tuple[str, ...]
    """Of its profile, image and size; empty where that is not known here."""
    same: tuple[bool, ...]
    """Which of these are the same as in what it is offered in place of."""


def instead_links(
    alternatives: Iterable[Mapping[str, str | None]],
    names: Mapping[str, Mapping[str, str]],
    context: Mapping[str, str | None] | None,
) -> Markup:
    """Return links that start what can be started instead.

    Parameters
    ----------
    alternatives
        Each ``profile``, ``image``, ``size``, ``label`` and ``reference``. Of the same profile
        as that of the context where ``profile`` is None.
    names
        See `choice_names`.
    context
        What they are offered in place of, as far as that is known; None where other profiles
        are offered, whatever they have.
    """
    links = [
        _link(_other(each, names, _same_within(each) if context is None else context))
        for each in alternatives
    ]
    return Markup("\n".join(links))  # noqa: S704 (each is HTML)


def _same_within(other: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """Return what differs from a choice by the profile only."""
    return {"image": other["image"], "size": other["size"]}


def instead_parts(
    other: Mapping[str, str | None],
    names: Mapping[str, Mapping[str, str]],
    context: Mapping[str, str | None],
) -> list[NamePart]:
    """Return the name of an alternative in parts, of which those that differ are shown.

    Parameters
    ----------
    other, names, context
        See `instead_links`.
    """
    return _parts(_other(other, names, context))


def _other(
    other: Mapping[str, str | None],
    names: Mapping[str, Mapping[str, str]],
    context: Mapping[str, str | None],
) -> _Other:
    profile, image, size = other["profile"], other["image"] or "", other["size"] or ""
    label, reference = other["label"] or "", other["reference"] or ""
    is_same_image = context.get("image") == image
    if reference:
        is_same_image = context.get("reference") == reference
    slug = ANY if profile is None else profile
    return _Other(
        slug,
        image,
        size,
        reference,
        f"{NAME} · {label}" if profile is None else label,
        (
            names["profile"].get(slug, ""),
            reference or names["image"].get(image, ""),
            names["size"].get(size, ""),
        ),
        (context.get("profile") == slug, is_same_image, context.get("size") == size),
    )


# The same few come again in every view; a page of twenty profiles has hundreds.
@lru_cache(maxsize=4096)
def _link(other: _Other) -> Markup:
    which = f"opt-image={other.image}"
    if other.reference:
        which = f"opt-reference={quote(other.reference)}"
    query = f"?opt-profile={other.profile}&{which}&opt-size={other.size}"
    spans = Markup("").join(
        Markup("<span{}>{}</span>").format("" if part.is_shown else _HIDDEN, part.name)
        for part in _parts(other)
    )
    return Markup('<a title="{}" href="{}">{}</a>').format(other.label, query, spans)


def _parts(other: _Other) -> list[NamePart]:
    if not all(other.names):
        return [NamePart(other.label, is_shown=True)]
    is_other = not all(other.same)
    named = zip(other.names, other.same, strict=True)
    return _with_separators([NamePart(name, not (same and is_other)) for name, same in named])


def _with_separators(parts: list[NamePart]) -> list[NamePart]:
    """Put separators into the parts, so that what is shown begins and ends with a name."""
    first = next(number for number, part in enumerate(parts) if part.is_shown)
    return [
        part._replace(name=f"{part.name} · " if number < first else f" · {part.name}")
        if number != first
        else part
        for number, part in enumerate(parts)
    ]
