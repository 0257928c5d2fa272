"""What must not stand in any file: unfinished business, and where the files were written."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

THIS = "tests/repo/test_words.py"
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
# Where packages come from is the machine's affair (mirrors). Only lock files could leak it.
REGISTRIES = re.compile(r"\b(pypi\.org|pythonhosted\.org|npmjs\.(org|com)|yarnpkg\.com|jsr\.io)\b")
LOCKS = re.compile(r"(\.lock|-lock\.json|\.in|rc|rc\.yml|package\.json|\.toml)$")


def test_nothing_is_left_unfinished(texts: dict[str, str]) -> None:
    assert not _matches(texts, UNFINISHED)


def test_no_file_names_a_package_registry(texts: dict[str, str]) -> None:
    settings = {name: text for name, text in texts.items() if LOCKS.search(name)}

    assert not _matches(settings, REGISTRIES)


def test_no_file_names_the_machine_it_was_written_on(texts: dict[str, str], root: Path) -> None:
    """The checkout's folder, the developer's home and the host's name; they differ by machine."""
    places = [str(root), str(Path.home()), socket.gethostname()]
    needles = [re.escape(place) for place in places if _is_telling(place)]

    assert not _matches(texts, re.compile(rf"(?<![\w.:/-])({'|'.join(needles)})(?![\w-])"))


def _is_telling(place: str) -> bool:
    """Leave out names that everybody's machine has, such as localhost and root's home."""
    common = {"localhost", "debian", "ubuntu", "runner", "sandlot", "/root"}
    return len(place) > len("/abc") and place not in common


def _matches(texts: dict[str, str], pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number} {found[0]}"
        for name, text in texts.items()
        if name != THIS
        for number, line in _lines(text)
        if (found := pattern.search(line))
    ]


def _lines(text: str) -> Iterable[tuple[int, str]]:
    return enumerate(text.split("\n"), 1)
