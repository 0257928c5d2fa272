"""Lock files: complete, with hashes, without addresses, and in step with what they were made from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from pathlib import Path

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)
SETS = ("build", "run", "test")
"""Each holds all of the one before it: one environment serves every target."""


def python_locks(root: Path) -> list[Path]:
    locks = [*root.glob("requirements/*.lock"), *root.glob("images/*/requirements.lock")]
    assert locks
    return locks


def pins(path: Path) -> dict[str, set[str]]:
    """Return name → versions; a universal lock may pin two for different Pythons."""
    found: dict[str, set[str]] = {}
    for match in PIN.finditer(path.read_text()):
        found.setdefault(canonicalize_name(match["name"]), set()).add(match["version"])
    return found


def test_locks_carry_no_addresses(root: Path) -> None:
    everything = [*python_locks(root), root / "yarn.lock"]

    assert not [path.name for path in everything if "://" in path.read_text()]


def test_every_pin_has_hashes(root: Path) -> None:
    for path in python_locks(root):
        blocks = re.split(r"\n(?=[A-Za-z0-9])", path.read_text())
        bare = [block.split()[0] for block in blocks if "==" in block and "sha256:" not in block]
        assert not bare, path


def test_every_input_has_a_lock_and_the_other_way_round(root: Path) -> None:
    for folder, pattern in (("requirements", "*"), ("images", "*/requirements")):
        inputs = {path.with_suffix(".lock") for path in (root / folder).glob(f"{pattern}.in")}
        assert inputs == set((root / folder).glob(f"{pattern}.lock"))


@pytest.mark.parametrize(("narrow", "wide"), [("build", "run"), ("run", "test")], ids=str)
def test_a_wider_set_holds_the_narrower_one(root: Path, narrow: str, wide: str) -> None:
    inner = pins(root / f"requirements/{narrow}.lock")
    outer = pins(root / f"requirements/{wide}.lock")

    assert {name: outer.get(name) for name in inner} == inner


@pytest.mark.parametrize("name", ["hub", "local", "kube", "server"])
def test_every_dependency_is_locked_within_its_bounds(
    root: Path, pyproject: dict[str, Any], name: str
) -> None:
    project = pyproject["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"][name]]

    assert not _unmet(wanted, pins(root / "requirements/test.lock"))


def test_what_builds_the_wheel_is_locked(root: Path, pyproject: dict[str, Any]) -> None:
    wanted = pyproject["build-system"]["requires"]

    assert not _unmet(wanted, pins(root / "requirements/build.lock"))


def _unmet(wanted: list[str], locked: dict[str, set[str]]) -> list[str]:
    requirements = [Requirement(text) for text in wanted]
    return [
        str(requirement)
        for requirement in requirements
        if canonicalize_name(requirement.name) != "sandlot"
        and not any(
            requirement.specifier.contains(version)
            for version in locked.get(canonicalize_name(requirement.name), ())
        )
    ]
