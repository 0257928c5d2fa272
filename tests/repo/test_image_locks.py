"""Images: what their locks promise, and that they hold all that Sandlot needs in a server."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import lock

if TYPE_CHECKING:
    from pathlib import Path

PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?: ; (?P<marker>[^\\]+))?", re.MULTILINE
)
IMAGES = ("base", "scipy")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def pins(path: Path, python: str | None = None) -> dict[str, set[str]]:
    """Return name → versions; a universal lock may pin two, for different Pythons."""
    found: dict[str, set[str]] = {}
    for match in PIN.finditer(path.read_text()):
        if python is None or _holds(match["marker"], python):
            found.setdefault(canonicalize_name(match["name"]), set()).add(match["version"])
    return found


def _holds(marker: str | None, python: str) -> bool:
    if marker is None:
        return True
    return Marker(marker).evaluate({"python_version": python, "python_full_version": f"{python}.0"})


def wanted(path: Path) -> list[Requirement]:
    """Return what an input file asks for, with the files that it includes."""
    requirements = []
    for line in path.read_text().splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("-r "):
            requirements += wanted(path.parent / text.removeprefix("-r "))
        elif text and not text.startswith(("-", ".")):
            requirements.append(Requirement(text))
    return requirements


def unmet(requirements: list[Requirement], locked: dict[str, set[str]]) -> list[str]:
    return [
        str(each)
        for each in requirements
        if not any(
            each.specifier.contains(version)
            for version in locked.get(canonicalize_name(each.name), ())
        )
    ]


def test_one_tool_makes_every_lock(root: Path) -> None:
    inputs = {
        path.relative_to(root).as_posix()
        for path in (*root.glob("requirements/*.in"), *root.glob("images/*/requirements.in"))
    }

    assert set(lock.LOCKS) == inputs


@pytest.mark.parametrize(("source", "made"), lock.LOCKS.items(), ids=lock.LOCKS.keys())
def test_a_lock_satisfies_its_input(root: Path, source: str, made: str) -> None:
    assert not unmet(wanted(root / source), pins(root / made))


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_what_sandlots_server_part_needs(
    root: Path, pyproject: dict[str, Any], image: str
) -> None:
    project = pyproject["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["server"]]

    locked = pins(root / f"images/{image}/requirements.lock")

    assert not unmet([Requirement(text) for text in needed], locked)


@pytest.mark.parametrize("python", PYTHONS)
def test_images_agree_on_the_versions_that_they_share(root: Path, python: str) -> None:
    base, scipy = (pins(root / f"images/{name}/requirements.lock", python) for name in IMAGES)

    assert {name: scipy.get(name) for name in base} == base


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_can_be_verified(root: Path, image: str) -> None:
    verify = root / "images" / image / "verify"

    assert os.access(verify, os.X_OK)
    assert verify.read_text().startswith("#!/usr/bin/env python3\n")


def test_nobody_is_asked_about_news_and_kernels_are_private(root: Path) -> None:
    folder = root / "images/overlay/etc/jupyter"
    page = json.loads((folder / "labconfig/page_config.json").read_bytes())
    server = json.loads((folder / "jupyter_server_config.json").read_bytes())

    assert page["disabledExtensions"]["@jupyterlab/apputils-extension:announcements"] is True
    assert server["MappingKernelManager"]["transport_encryption"] == "auto"
