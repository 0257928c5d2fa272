from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sandlot_hub.local.server_wheel import (
    PACKAGES,
    ServerWheel,
    ServerWheelError,
    _package_folder,
    build_server_wheel,
)


@pytest.fixture(scope="module")
def wheel() -> ServerWheel:
    return build_server_wheel()


@pytest.fixture(scope="module")
def archive(wheel: ServerWheel) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(wheel.content))


def metadata(archive: zipfile.ZipFile, name: str) -> str:
    (path,) = (each for each in archive.namelist() if each.endswith(f".dist-info/{name}"))
    return archive.read(path).decode()


def test_the_same_files_make_the_same_wheel(wheel: ServerWheel) -> None:
    assert build_server_wheel() == wheel
    assert wheel.digest == hashlib.sha256(wheel.content).hexdigest()


def test_only_what_a_users_server_needs(archive: zipfile.ZipFile) -> None:
    roots = {name.partition("/")[0] for name in archive.namelist()}

    packages = {root for root in roots if not root.startswith("sandlot-")}
    assert packages == set(PACKAGES)
    assert "sandlot_hub" not in "".join(archive.namelist())


def test_everything_that_is_in_the_packages(archive: zipfile.ZipFile) -> None:
    found = set(archive.namelist())
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        folder = Path(spec.origin).parent
        sources = {
            f"{package}/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*.py")
        }
        assert sources <= found


def test_nothing_that_python_left_behind(archive: zipfile.ZipFile) -> None:
    assert not [
        name for name in archive.namelist() if "__pycache__" in name or name.endswith(".pyc")
    ]


def test_the_server_part_switches_itself_on(archive: zipfile.ZipFile) -> None:
    folder = ".data/data/etc/jupyter/jupyter_server_config.d/"

    (config,) = (name for name in archive.namelist() if folder in name)
    assert b"sandlot_server" in archive.read(config)


def test_commands_of_the_server_only(archive: zipfile.ZipFile) -> None:
    points = metadata(archive, "entry_points.txt")

    assert "sandlot = sandlot_cli.main:main" in points
    assert "doctor = sandlot_server." in points
    assert "sandlot_hub" not in points


def test_its_requirements_are_the_servers(archive: zipfile.ZipFile) -> None:
    text = metadata(archive, "METADATA")

    assert "Name: sandlot\n" in text
    assert "Requires-Dist: pydantic" in text
    assert "Requires-Dist: jupyter-server" in text
    assert "Requires-Dist: jupyterhub" not in text
    assert "uv" not in text


def test_the_record_is_right(archive: zipfile.ZipFile) -> None:
    rows = list(csv.reader(metadata(archive, "RECORD").splitlines()))

    assert [row[0] for row in rows] == archive.namelist()
    for name, digest, size in rows[:-1]:
        assert digest.startswith("sha256=")
        assert int(size) == archive.getinfo(name).file_size


def test_it_can_be_installed_and_imported(wheel: ServerWheel, tmp_path: Path) -> None:
    path = tmp_path / wheel.filename
    path.write_bytes(wheel.content)
    target = tmp_path / "target"
    uv = Path(sys.executable).with_name("uv")
    install = ["pip", "install", "--offline", "--no-deps", "--no-index", "--target"]
    subprocess.run([uv, *install, target, path, "--quiet"], check=True, timeout=60)

    code = "import sandlot_contracts, sandlot_cli; print(sandlot_contracts.__file__)"
    shown = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout

    assert shown.startswith(str(target))


def test_a_missing_package_is_named() -> None:
    with pytest.raises(ServerWheelError, match="no_such_package"):
        _package_folder("no_such_package")
