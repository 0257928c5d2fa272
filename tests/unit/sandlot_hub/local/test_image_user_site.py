"""The module as it works in an image: a real virtual environment, real Python starts."""

from __future__ import annotations

import json
import shutil
import subprocess
import venv
from pathlib import Path

import pytest

from sandlot_hub.local import image_user_site

SHOW = (
    "import json, os, site, sys; print(json.dumps({'path': sys.path, 'on': site.ENABLE_USER_SITE,"
    " 'site': site.getusersitepackages(), 'base': os.environ.get('PYTHONUSERBASE')}))"
)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images") / "sci-py-0123456789abcdef"
    venv.create(folder, symlinks=True)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    name = image_user_site.INSTALLED_AS
    shutil.copy(image_user_site.__file__, site_packages / f"{name}.py")
    (site_packages / f"{name}.pth").write_text(f"import {name}; {name}.enable()\n")
    return folder


def start(image: Path, home: Path | str, *flags: str, **environment: str) -> dict[str, object]:
    done = subprocess.run(
        [image / "bin/python", *flags, "-c", SHOW],
        env={"HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert not done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.fixture
def user_site(image: Path, tmp_path: Path) -> Path:
    folder = Path(str(start(image, tmp_path)["site"]))
    folder.mkdir(parents=True)
    return folder


def test_the_folder_is_the_images_own_in_the_home(user_site: Path, tmp_path: Path) -> None:
    assert user_site.is_relative_to(tmp_path / ".local/share/sandlot/sci-py")


def test_it_comes_after_the_images_packages(image: Path, tmp_path: Path, user_site: Path) -> None:
    found = start(image, tmp_path)

    path = found["path"]
    assert isinstance(path, list)
    (site_packages,) = image.glob("lib/python*/site-packages")
    assert path.index(str(site_packages)) < path.index(str(user_site))
    assert path.count(str(user_site)) == 1
    assert found["on"] is True


@pytest.mark.parametrize(
    ("flags", "environment"),
    [
        pytest.param(["-s"], {}, id="flag"),
        pytest.param(["-I"], {}, id="isolated"),
        pytest.param([], {"PYTHONNOUSERSITE": "1"}, id="variable"),
    ],
)
def test_it_can_be_left_out(
    image: Path, tmp_path: Path, user_site: Path, flags: list[str], environment: dict[str, str]
) -> None:
    found = start(image, tmp_path, *flags, **environment)

    assert str(user_site) not in found["path"]  # type: ignore[operator]
    assert not found["on"]


def test_a_place_of_the_users_choice(image: Path, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen"

    found = start(image, tmp_path, PYTHONUSERBASE=str(chosen))

    assert str(found["site"]).startswith(str(chosen))


@pytest.mark.parametrize("home", ["", "/", "relative"])
def test_without_a_home_nothing_happens(image: Path, home: str) -> None:
    found = start(image, home)

    assert found["on"] is False
    assert found["base"] is None
