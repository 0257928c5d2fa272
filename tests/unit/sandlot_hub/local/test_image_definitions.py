from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.images import Package
from sandlot_hub.local.image_definitions import (
    PythonInfo,
    images_folder,
    read_definitions,
    running_python,
)
from sandlot_hub.local.server_wheel import ServerWheel

if TYPE_CHECKING:
    from collections.abc import Callable

PYTHON = PythonInfo(
    executable=Path("/usr/bin/python3.11"), version="3.11.2", platform="linux-x86_64"
)
WHEEL = ServerWheel(
    filename="s-1-py3-none-any.whl", content=b"w", digest="d" * 64, has_labextension=True
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("base", "scipy"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "requirements.lock").write_text(f"# {name}\n")
    (tmp_path / "overlay/etc").mkdir(parents=True)
    (tmp_path / "overlay/etc/a.json").write_text("{}")
    (tmp_path / "notes").mkdir()
    return tmp_path


def slot(folder: Path, python: PythonInfo = PYTHON, wheel: ServerWheel = WHEEL) -> str:
    return read_definitions(folder, python=python, wheel=wheel)["base"].slot


def test_images_are_the_folders_with_a_lock(folder: Path) -> None:
    assert set(read_definitions(folder, python=PYTHON, wheel=WHEEL)) == {"base", "scipy"}


def test_what_goes_into_an_environment(folder: Path) -> None:
    definition = read_definitions(folder, python=PYTHON, wheel=WHEEL)["base"]

    assert definition.requirements.startswith(b"# base\n")
    assert f"./{WHEEL.filename} --hash=sha256:{WHEEL.digest}".encode() in definition.requirements
    assert Path("etc/a.json") in definition.files
    site_packages = Path("lib/python3.11/site-packages")
    assert {path.suffix for path in definition.files if path.parent == site_packages} == {
        ".py",
        ".pth",
    }


def test_what_an_image_is_made_for_is_known(folder: Path) -> None:
    (folder / "base/requirements.in").write_text("numpy>=2\n")
    # What somebody notes in a lock is not always UTF-8.
    (folder / "base/requirements.lock").write_bytes(b"# caf\xe9\nnumpy==2.4.1\n")
    definitions = read_definitions(folder, python=PYTHON, wheel=WHEEL)
    assert definitions["base"].packages == (Package(name="numpy", version="2.4.1"),)
    assert definitions["scipy"].packages == ()


def test_the_same_content_has_the_same_key(folder: Path) -> None:
    assert slot(folder) == slot(folder)
    assert slot(folder).startswith("base-")


CHANGES: dict[str, Callable[[Path], str]] = {
    "lock": lambda folder: _changed(folder / "base/requirements.lock", folder),
    "overlay": lambda folder: _changed(folder / "overlay/etc/a.json", folder),
    "another overlay file": lambda folder: _changed(folder / "overlay/etc/b.json", folder),
    "wheel": lambda folder: slot(folder, wheel=replace(WHEEL, digest="e" * 64)),
    "python": lambda folder: slot(folder, python=replace(PYTHON, version="3.12.0")),
    "interpreter": lambda folder: slot(
        folder, python=replace(PYTHON, executable=Path("/opt/python"))
    ),
    "platform": lambda folder: slot(folder, python=replace(PYTHON, platform="macosx-14-arm64")),
}


def _changed(path: Path, folder: Path) -> str:
    path.write_text("# another\n")
    return slot(folder)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_other_content_has_another_key(folder: Path, change: Callable[[Path], str]) -> None:
    before = slot(folder)

    assert change(folder) != before


def test_the_other_image_keeps_its_key(folder: Path) -> None:
    before = read_definitions(folder, python=PYTHON, wheel=WHEEL)["scipy"].slot
    (folder / "base/requirements.lock").write_text("# another\n")

    assert read_definitions(folder, python=PYTHON, wheel=WHEEL)["scipy"].slot == before


def test_the_shipped_images() -> None:
    found = read_definitions(images_folder(), python=PYTHON, wheel=WHEEL)
    assert set(found) >= {"base", "scipy"}
    assert found["base"].packages
    assert found["scipy"].packages[0].name == "dask"


def test_the_interpreter_is_not_that_of_the_own_environment() -> None:
    executable = running_python().executable

    assert executable.is_file()
    assert not executable.is_relative_to(sys.prefix)
