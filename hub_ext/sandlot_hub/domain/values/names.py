"""Names and texts of users, made safe for folders, labels and messages."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SLUG_MAXIMUM = 48
"""Length of the longest safe slug, in characters; fits a Kubernetes label and a folder name."""

_PLAIN = re.compile(r"[a-z](?:-?[a-z0-9])*", re.ASCII)
_OTHER = re.compile(r"[^a-z0-9]+", re.ASCII)
_DIGEST_BYTES = 16
_SEPARATOR = "---"
_KINDS: tuple[tuple[tuple[type, ...], str], ...] = (
    ((type(None),), "nothing"),
    ((bool,), "true or false"),  # before int, whose subclass it is
    ((int, float), "a number"),
    ((str,), "text"),
    ((dict,), "an object"),
    ((list, tuple), "a list"),
)
_STEM_MAXIMUM = SLUG_MAXIMUM - len(_SEPARATOR) - 26  # 26: base32 digits of 16 bytes


def safe_slug(name: str) -> str:
    """Return a name for folders and labels that no other user name shares.

    A name that is already a slug (``[a-z]``, digits, single hyphens, at most 48
    characters) stays as it is. Any other gets a readable stem, three hyphens and
    128 bits of its SHA-256: no slug has three hyphens in a row, so the two kinds
    never meet, and finding two names with one digest takes 2⁶⁴ tries.

    Names that only look alike (Unicode composition, case, trailing spaces) are
    different names.
    """
    if len(name) <= SLUG_MAXIMUM and _PLAIN.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:_DIGEST_BYTES]
    tail = base64.b32encode(digest).decode("ascii").rstrip("=").lower()
    stem = _OTHER.sub("-", name[: 4 * _STEM_MAXIMUM].lower())
    stem = stem.lstrip("-0123456789")[:_STEM_MAXIMUM].rstrip("-") or "u"
    return f"{stem}{_SEPARATOR}{tail}"


def printable(value: object, *, limit: int = 60) -> str:
    """Return a short, single-line, printable form of anything that a user sent.

    Text is cut to `limit` characters; what does not print (control characters,
    direction overrides, zero-width and unpaired surrogates) is shown as its escape.
    Anything else is told by its kind, never by its own ``repr``, which could be
    endless. The result is plain text: whoever puts it into HTML must escape it.
    """
    if not issubclass(type(value), str):  # `isinstance` would believe a lying `__class__`
        return describe_kind(value)
    # The slice first, so that 10 MB of text cost no more than 60 characters.
    text: str = str.__getitem__(value, slice(0, limit + 1))  # type: ignore[index]
    shown = text[:limit]
    if not shown.isprintable():
        shown = "".join(char if char.isprintable() else _escaped(char) for char in shown)
    return shown + "…" if len(text) > limit else shown


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def describe_kind(value: object) -> str:
    """Return what kind of value it is, in the words of JSON: ``a list``, ``a number``."""
    kinds = (words for types, words in _KINDS if issubclass(type(value), types))
    return next(kinds, "something that is not text")


def shorten(text: str, limit: int = 60) -> str:
    """Return `text`, cut to at most `limit` characters, the last one an ellipsis then."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def quoted(value: object) -> str:
    """Return `printable` text in quotation marks, for a sentence."""
    return f"“{printable(value)}”"


def joined(words: Sequence[str], *, maximum: int = 5) -> str:
    """Return ``a, b or c``; what is beyond `maximum` words is counted only."""
    shown = list(words[:maximum])
    if len(words) > maximum:
        shown.append(f"{len(words) - maximum} more")
    return " or ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))
