"""HTML that is the same for several profiles, made once and then named anew.

Twenty profiles often name the same few images and sizes. What is said of these differs in the
profile's own slug and name only, for which `ANY` and `NAME` stand: no text can have them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

# Not zero, which is in half of the bytes of a text with typographic quotes: slow to look for.
ANY, NAME = "\x01", "\x02"
"""Slug and name of whichever profile."""
OTHER = Markup("\x03")
"""What fits instead, where only that differs."""


def told_alike(option: Mapping[str, Any], context: Mapping[str, str | None], said: str) -> Hashable:
    """Return what the images, or the sizes, of two profiles share that read the same.

    Parameters
    ----------
    option
        The images or the sizes, as in a profile list: there, what is said of two that read the
        same is one object.
    context
        See `row_context`.
    said
        What the page says of the whole profile.
    """
    choices = tuple(id(choice["sandlot"]) for choice in option["choices"].values())
    return choices, tuple(context.values()), said


def named_anew(html: str, slug: str, name: str) -> str:
    """Return HTML that was made for the profile `ANY` as that of another one."""
    # Past the methods of `Markup`, which escape what needs none for every place anew; and plain
    # text, because each `Markup` is one more copy of all that a profile shows.
    return str.replace(str.replace(html, ANY, slug), NAME, escape(name))


def with_other(html: str, other: Markup) -> Markup:
    """Return the HTML of a choice with what fits instead, where that was left open."""
    return Markup(str.replace(html, OTHER, other))  # noqa: S704 (both parts are HTML)
