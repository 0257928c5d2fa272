"""Modules and styles of the pages, kept in memory under the hash of their contents."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What may be served, and as what. Browsers refuse modules of another type."""

STATIC_PATH = "sandlot/static"
"""Below the hub's prefix; the hash and the name follow."""

_HASH_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFiles:
    """All files, of one version."""

    version: str
    """Another one when any file changes. It is part of the path, so that a module that imports
    its neighbour gets the neighbour of its own version."""
    contents: Mapping[str, bytes]
    """By name."""

    def url(self, hub: str) -> str:
        """Return the folder of the files, without a slash at its end.

        `hub` is the hub's prefix, with slashes at both ends.
        """
        return f"{hub}{STATIC_PATH}/{self.version}"


@cache
def page_files() -> PageFiles:
    """Return the files of this installation, read once in the life of the process."""
    folder = files("sandlot_hub.spawner") / "static"
    found = {
        entry.name: entry.read_bytes()
        for entry in folder.iterdir()
        if _ending(entry.name) in TYPES and entry.is_file()
    }
    digest = hashlib.sha256()
    for name, content in sorted(found.items()):
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return PageFiles(version=digest.hexdigest()[:_HASH_LENGTH], contents=found)


def media_type(name: str) -> str:
    """Return the type of one of the files."""
    return TYPES[_ending(name)]


def _ending(name: str) -> str:
    return name[name.rfind(".") :]
