"""Which names accounts and groups can have."""

from __future__ import annotations

import unicodedata

from .names import printable, quoted
from .refusals import RefusalCode, Refused

NAME_MAXIMUM = 64
"""Length of the longest user name, in characters."""
GROUP_MAXIMUM = 200
"""Length of the longest group name, in characters; as in the settings' `allow`."""

_SEPARATORS = frozenset("._-@")
_MARKS = frozenset({"Mn", "Mc"})
_LETTER_OR_DIGIT = frozenset({"Ll", "Lo", "Lm", "Nd"}) | _MARKS
"""Unicode categories. No capitals: names are lower case. Marks belong to the letter before."""


def normalise_user_name(name: str) -> str:
    """Return the one spelling of a name: lower case, compatibility characters composed (NFKC).

    So ``Ann``, ``ANN`` and the full-width ``ａｎｎ`` are one account, whoever types it on
    whatever keyboard. Letters that only look alike (Latin a, Cyrillic а) stay apart.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).lower())


def check_user_name(name: str) -> Refused | None:
    """Return why an account cannot have this name; None when it can.

    Letters of any script, digits, and between them ``.``, ``_``, ``-`` and ``@``: what
    is safe in a URL, a folder, a log line and a shell without being quoted.

    Parameters
    ----------
    name
        As `normalise_user_name` returns it; any other spelling is refused.
    """
    message = _spelling_problem(name) or _letters_problem(name)
    return (
        None
        if message is None
        else Refused(code=RefusalCode.USER_NAME, message=message, field="name")
    )


def check_group_name(name: str) -> Refused | None:
    """Return why a group cannot have this name; None when it can."""
    if not name.strip() or name != name.strip():
        message = "A group name cannot be empty, nor begin or end with a space."
    elif len(name) > GROUP_MAXIMUM:
        message = f"The group name {quoted(name)} is longer than {GROUP_MAXIMUM} characters."
    elif "/" in name or not name.isprintable() or set(name) == {"."}:
        message = (
            f"{quoted(name)} cannot be a group name: write it without / and control characters."
        )
    else:
        return None
    return Refused(code=RefusalCode.GROUP_NAME, message=message, field="group")


def _plain(char: str) -> bool:
    return unicodedata.category(char) in _LETTER_OR_DIGIT


def _shown(char: str) -> str:
    return "a space" if char == " " else f"“{printable(char)}”"


def _spelling_problem(name: str) -> str | None:
    if not name:
        return "A user name cannot be empty."
    if len(name) > NAME_MAXIMUM:
        limit = f"it has {len(name)} characters, and {NAME_MAXIMUM} are allowed"
        return f"The user name {quoted(name)} is too long: {limit}."
    if normalise_user_name(name) != name:
        other = quoted(normalise_user_name(name))
        return f"{quoted(name)} is another spelling of the user name {other}; write that."
    return None


def _letters_problem(name: str) -> str | None:
    if not (_plain(name[0]) and _plain(name[-1])) or unicodedata.category(name[0]) in _MARKS:
        rule = "a user name begins and ends with a letter or a digit"
        return f"{quoted(name)} cannot be a user name: {rule}."
    stray = next((char for char in name if not _plain(char) and char not in _SEPARATORS), None)
    if stray is not None:
        rule = "user names have lower-case letters, digits and . _ - @ only"
        return f"{quoted(name)} cannot be a user name because of {_shown(stray)}: {rule}."
    if ".." in name:
        return f"{quoted(name)} cannot be a user name: it has two dots in a row."
    return None
