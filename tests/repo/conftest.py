"""The checkout, as the tests of the house see it."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.house import PACKAGES, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """Every file that is in git or would be added to it; outside of git, what is not built."""
    return sorted(path for path in _candidates() if path.is_file())


def _candidates() -> Iterable[Path]:
    if not (ROOT / ".git").exists():
        return _outside_of_git()
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name]


def _outside_of_git() -> Iterator[Path]:
    """Walk an unpacked archive, without the folders that .gitignore names."""
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    for name, below, files in os.walk(ROOT):
        folder = Path(name)
        inside = folder.relative_to(ROOT)
        below[:] = [each for each in below if not {each, (inside / each).as_posix()} & ignored]
        yield from (folder / each for each in files if not each.endswith(".pyc"))


@pytest.fixture(scope="session")
def texts(files: list[Path]) -> dict[str, str]:
    """The text files among them, by path relative to the root."""
    found: dict[str, str] = {}
    for path in files:
        try:
            found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
    return found


@pytest.fixture(scope="session")
def sources(texts: dict[str, str]) -> dict[str, str]:
    """Our Python packages, by path relative to the root."""
    return {
        name: text
        for name, text in texts.items()
        if name.endswith(".py") and name.startswith(PACKAGES)
    }


@pytest.fixture(scope="session")
def pyproject() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)
