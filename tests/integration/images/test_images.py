"""The shipped images, built for real from their locks, used as users use them."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support import build_images
from support.house import ROOT
from support.stack import AS_ROOT, images_dir, open_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

NAMES = ("base", "scipy")
USER = 0x7FFF_FF02
WHEEL = "sandlot_test_pack-1-py3-none-any.whl"


@dataclass(frozen=True)
class Person:
    """Somebody with a home folder, of a uid of their own where that is possible."""

    home: Path

    def run(self, *command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command as this person."""
        as_user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        done = subprocess.run(
            [*(as_user if AS_ROOT else []), *map(str, command)],
            env={"HOME": str(self.home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture
def person() -> Iterator[Person]:
    with open_folder(USER if AS_ROOT else None) as home:
        yield Person(home)


def build(folder: Path, *names: str, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, build_images.__file__, folder, *names],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=850,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def environments() -> dict[str, Path]:
    found = build(images_dir(), *NAMES)
    assert {each["state"] for each in found.values()} == {"ready"}, found
    return {name: Path(each["path"]) for name, each in found.items()}


@pytest.mark.parametrize("name", NAMES)
def test_it_works(environments: dict[str, Path], person: Person, name: str) -> None:
    verify = ROOT / "images" / name / "verify"
    assert os.access(verify, os.X_OK)

    done = person.run(environments[name] / "bin/python", verify, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_everybody_can_read_it_and_nobody_can_change_it(
    environments: dict[str, Path], name: str
) -> None:
    for folder, _, files in os.walk(environments[name]):
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o555, folder
        for file in files:
            info = Path(folder, file).lstat()
            if stat.S_ISREG(info.st_mode):
                assert info.st_mode & 0o444 == 0o444, file
                assert not info.st_mode & 0o022, file


@pytest.mark.parametrize("name", NAMES)
def test_first_starts_find_everything_compiled(environments: dict[str, Path], name: str) -> None:
    (packages,) = environments[name].glob("lib/python*/site-packages")

    for package in ("jupyterlab", "tornado", "sandlot_server"):
        sources = [path for path in (packages / package).glob("*.py") if path.stat().st_size]
        compiled = {
            path.name.split(".")[0] for path in (packages / package).glob("__pycache__/*.pyc")
        }
        assert {path.stem for path in sources} <= compiled


def test_pip_adds_to_the_home_and_to_this_image_only(
    environments: dict[str, Path], person: Person
) -> None:
    wheel = _wheel(person.home / WHEEL)
    scipy, base = (environments[name] / "bin/python" for name in ("scipy", "base"))

    person.run(scipy, "-m", "pip", "install", "--no-index", wheel)

    shown = person.run(scipy, "-c", "import sandlot_test_pack as p; print(p.__file__)").stdout
    assert Path(shown).is_relative_to(person.home)
    assert person.run(base, "-c", "import sandlot_test_pack", check=False).returncode == 1


def test_a_part_of_the_image_cannot_be_replaced(
    environments: dict[str, Path], person: Person
) -> None:
    python = environments["base"] / "bin/python"
    before = person.run(python, "-m", "pip", "list").stdout

    done = person.run(python, "-m", "pip", "uninstall", "-y", "tornado", check=False)

    assert done.returncode != 0
    assert person.run(python, "-m", "pip", "list").stdout == before
    person.run(python, "-c", "import tornado.web")


def test_a_venv_of_ones_own_is_ones_own(environments: dict[str, Path], person: Person) -> None:
    person.run(environments["base"] / "bin/python", "-m", "venv", "--without-pip", "own")

    shown = person.run(person.home / "own/bin/python", "-c", "import sys; print(sys.path)").stdout

    assert str(environments["base"]) not in shown
    assert "own/lib" in shown


def test_what_is_built_is_not_built_again(environments: dict[str, Path]) -> None:
    marker = environments["base"] / ".complete"
    before = marker.stat().st_mtime_ns

    found = build(images_dir(), "base", UV_OFFLINE="1", UV_DEFAULT_INDEX="http://127.0.0.1:1/")

    assert found["base"]["path"] == str(environments["base"])
    assert marker.stat().st_mtime_ns == before


def test_a_registry_that_does_not_answer() -> None:
    with open_folder() as folder:
        found = build(
            folder,
            "base",
            UV_DEFAULT_INDEX="http://ann:s3cret@127.0.0.1:1/simple/",
            UV_HTTP_RETRIES="0",
        )
        left = [path.name for path in folder.iterdir() if not path.name.startswith(".")]

    assert found["base"]["state"] == "failed"
    assert "127.0.0.1:1" in found["base"]["detail"]
    assert "s3cret" not in found["base"]["detail"]
    assert left == []


def test_a_supervisor_that_is_killed_leaves_nothing_half_made() -> None:
    with open_folder() as folder:
        command = [sys.executable, build_images.__file__, str(folder), "base"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            for line in process.stderr:  # until the packages are on their way
                if line.startswith((b"Resolved", b"Downloading")):
                    break
            process.send_signal(signal.SIGKILL)
        (slot,) = (path for path in folder.iterdir() if path.name.startswith("base-"))
        assert not (slot / ".complete").exists()

        found = build(folder, "base")

        assert found["base"]["state"] == "ready", found
        assert (slot / ".complete").exists()


def _wheel(path: Path) -> Path:
    """Make a package that is in no registry."""
    info = "sandlot_test_pack-1.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("sandlot_test_pack/__init__.py", "")
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: sandlot-test-pack\nVersion: 1\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path
