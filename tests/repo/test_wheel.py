"""The wheel, as somebody gets it who installs Sandlot with pip."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from support.house import BIN, ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LABEXTENSION = "data/share/jupyter/labextensions/sandlot/"
SERVER_CONFIG = "data/etc/jupyter/jupyter_server_config.d/"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build without isolation: the environment holds the locked build tools."""
    folder = tmp_path_factory.mktemp("wheel")
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)])
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_it_carries_the_prebuilt_lab_extension(wheel: Path, names: list[str]) -> None:
    (manifest,) = [name for name in names if name.endswith(f"{LABEXTENSION}package.json")]
    with zipfile.ZipFile(wheel) as archive:
        entry = json.loads(archive.read(manifest))["jupyterlab"]["_build"]["load"]

    assert any(name.endswith(LABEXTENSION + entry) for name in names)


def test_it_turns_the_server_extension_on(wheel: Path, names: list[str]) -> None:
    configs = [name for name in names if SERVER_CONFIG in name]
    with zipfile.ZipFile(wheel) as archive:
        (config,) = [json.loads(archive.read(name)) for name in configs]

    assert config["ServerApp"]["jpserver_extensions"] == {"sandlot_server": True}


@pytest.mark.parametrize(
    "part",
    [
        "sandlot_hub/_images/base/requirements.lock",
        "sandlot_hub/_images/scipy/requirements.lock",
        # `sandlot up` makes the wheel for users' environments from what is installed.
        "sandlot_server/labextension/package.json",
        "sandlot_contracts/py.typed",
        ".dist-info/licenses/LICENSE",
    ],
)
def test_it_carries(names: list[str], part: str) -> None:
    assert any(name.endswith(part) for name in names)


def test_every_file_of_the_packages_is_in_it(files: list[Path], names: list[str]) -> None:
    """Templates and schemas too, not only modules."""
    ours = [
        path.relative_to(ROOT).as_posix().partition("/")[2]
        for path in files
        if path.is_relative_to(ROOT / "hub_ext") or path.is_relative_to(ROOT / "server_ext")
    ]

    assert not [name for name in ours if name not in names]


def test_nothing_else_is_at_its_top(names: list[str], pyproject: dict[str, Any]) -> None:
    version = pyproject["project"]["version"]
    tops = {name.partition("/")[0] for name in names}

    assert tops == {
        "sandlot_cli",
        "sandlot_contracts",
        "sandlot_hub",
        "sandlot_server",
        f"sandlot-{version}.data",
        f"sandlot-{version}.dist-info",
    }


def test_the_command_starts_without_any_dependency(
    wheel: Path, tmp_path: Path, pyproject: dict[str, Any]
) -> None:
    """`--version` and `--help` import nothing of ours beyond the command line itself."""
    clean = tmp_path / "clean"
    _run([str(BIN / "uv"), "venv", "--quiet", "--python", sys.executable, str(clean)])
    install = [str(BIN / "uv"), "pip", "install", "--quiet", "--no-deps", "--offline"]
    _run([*install, "--python", str(clean / "bin/python"), str(wheel)])

    assert pyproject["project"]["version"] in _run([str(clean / "bin/sandlot"), "--version"])
    assert "up" in _run([str(clean / "bin/sandlot"), "--help"])


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
