"""What is inside an image: what it is made for, and how large what was built of it is."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

from sandlot_contracts.images import Package

if TYPE_CHECKING:
    from pathlib import Path

REQUIREMENTS = "requirements.in"
"""Beside the lock: what the image is made for, by hand."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
_SEPARATORS = re.compile(r"[-_.]+")
_INCLUDE = "-r "
_BLOCK = 512
"""Bytes of the blocks that ``st_blocks`` counts, on every system."""


def direct_packages(requirements: Path, lock: str) -> tuple[Package, ...]:
    """Return the packages that an image is made for, with the versions of its lock.

    In the order of the file; those of a file that it includes come after its own, because an
    image is chosen for what sets it apart.

    Parameters
    ----------
    requirements
        The file that was locked; there may be none.
    lock
        Text of the lock.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    versions = {_normal(name): version for name, version in _pins(lock)}
    names = dict.fromkeys(_names(requirements, seen=set()))
    return tuple(
        Package(name=name, version=versions[_normal(name)])
        for name in names
        if _normal(name) in versions
    )


def size_on_disk(folder: Path) -> int:
    """Return the bytes that a folder takes; what has several names in it counts once.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    seen: set[tuple[int, int]] = set()
    total = 0
    # Without `onerror` what cannot be opened would count as empty.
    walk = os.fwalk(folder, onerror=_fail, follow_symlinks=False)
    for _, folders, files, descriptor in walk:
        for name in (*folders, *files):
            found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if found.st_nlink > 1 and (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
            total += found.st_blocks * _BLOCK
    return total


def _fail(error: OSError) -> NoReturn:
    raise error


def built_at(note: bytes) -> str | None:
    """Return when an environment was built (UTC, ISO 8601), from what was noted then."""
    try:
        when = datetime.fromisoformat(json.loads(note)["built"])
    except (ValueError, KeyError, TypeError):
        return None
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _names(requirements: Path, *, seen: set[Path]) -> list[str]:
    path = requirements.resolve()
    if path in seen or not path.is_file():
        return []
    seen.add(path)
    own, included = [], []
    # A comment may be in any encoding, and only names are looked for.
    for raw in path.read_text(encoding="utf-8", errors="replace").splitlines():
        line = raw.strip()
        if line.startswith(_INCLUDE):
            included.extend(_names(path.parent / line.removeprefix(_INCLUDE).strip(), seen=seen))
        elif match := _NAME.match(line):
            own.append(match[0])
    return own + included


def _pins(lock: str) -> list[tuple[str, str]]:
    return [(match[1], match[2]) for match in map(_PINNED.match, lock.splitlines()) if match]


def _normal(name: str) -> str:
    """Return a package's name as registries compare it (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()
