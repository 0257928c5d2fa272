from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sandlot_hub.local.hub import (
    HubDatabaseError,
    HubSettingsError,
    HubSetup,
    prepare_database,
    read_settings,
)
from sandlot_hub.local.leftovers import Leftovers
from sandlot_hub.local.processes import Identity, Launcher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

CONFIG = """\
import sys
from sandlot_hub import install
print("a configuration may print")
install(c, {settings!r})
"""
SETTINGS = """\
version: 1
images: {base: {display_name: Base, local: base}}
sizes: {small: {display_name: Small, cpus: 1, memory: 1 GiB}}
profiles: {all: {display_name: All, images: [base], sizes: [small]}}
"""


def setup(folder: Path, surroundings: Mapping[str, str] | None = None, **changes: Path) -> HubSetup:
    return HubSetup(
        config=changes.get("config", folder / "jupyterhub_config.py"),
        settings=changes.get("settings"),
        folder=folder,
        identity=Identity(uid=os.geteuid(), gid=os.getegid()),
        surroundings=surroundings or {},
    )


def test_the_hub_gets_the_administrators_environment_but_nothing_personal(tmp_path: Path) -> None:
    surroundings = {
        "OAUTH_CLIENT_SECRET": "for the configuration",
        "PATH": "/usr/bin",
        "HOME": "/root",
        "USER": "root",
        "SUDO_USER": "ann",
        "XDG_RUNTIME_DIR": "/run/user/0",
        "SANDLOT_IMAGES_DIR": "/x",
        "SANDLOT_EMBEDDED": "/somebody/elses",
    }
    found = setup(tmp_path, surroundings).environment()
    assert found == {
        "OAUTH_CLIENT_SECRET": "for the configuration",
        "PATH": f"{Path(sys.executable).parent}:/usr/bin",
        "HOME": str(tmp_path),
        "USER": "sandlot-hub",
        "LOGNAME": "sandlot-hub",
        "LANG": "C.UTF-8",
    }


def test_the_settings_file_is_passed_on(tmp_path: Path) -> None:
    found = setup(tmp_path, settings=tmp_path / "s.yaml").environment()
    assert found["SANDLOT_SETTINGS"] == str(tmp_path / "s.yaml")


def test_nothing_in_the_hubs_folder_stands_in_for_a_module(tmp_path: Path) -> None:
    assert setup(tmp_path).command("-m", "x").argv == (sys.executable, "-P", "-m", "x")


def test_the_environment_is_not_shown(tmp_path: Path) -> None:
    made = setup(tmp_path, {"TOKEN": "secret"})
    assert "secret" not in repr(made) + repr(made.command())


@pytest_asyncio.fixture
async def launcher(tmp_path: Path) -> AsyncIterator[Launcher]:
    (tmp_path / "guards").mkdir()
    made = Launcher(leftovers=Leftovers(tmp_path / "guards"), sole_parent=False)
    yield made
    await made.close()


@pytest.mark.asyncio
async def test_settings_are_read_in_a_process_of_their_own(
    tmp_path: Path, launcher: Launcher
) -> None:
    (tmp_path / "settings.yaml").write_text(SETTINGS)
    (tmp_path / "jupyterhub_config.py").write_text(CONFIG.format(settings="settings.yaml"))
    loaded = await read_settings(setup(tmp_path), launcher)
    assert loaded.settings.sizes["small"].memory == 1024**3
    assert loaded.source == str(tmp_path / "settings.yaml")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("config", "words"),
    [
        pytest.param("1 / 0", "ZeroDivisionError", id="fails"),
        pytest.param("import os; os._exit(5)", "exit code 5", id="ends"),
        pytest.param("exit()", r"remove its call of exit\(\)", id="exits-well"),
        pytest.param("import os; os._exit(0)", "gave no settings", id="ends-well"),
        pytest.param("x = 1", "install", id="no-sandlot"),
        pytest.param(CONFIG.format(settings="missing.yaml"), "missing.yaml", id="no-settings"),
    ],
)
async def test_what_is_wrong_is_reported(
    tmp_path: Path, launcher: Launcher, config: str, words: str
) -> None:
    (tmp_path / "jupyterhub_config.py").write_text(config)
    with pytest.raises(HubSettingsError, match=words):
        await read_settings(setup(tmp_path), launcher)


@pytest.mark.asyncio
async def test_what_the_configuration_starts_may_write(tmp_path: Path, launcher: Launcher) -> None:
    (tmp_path / "settings.yaml").write_text(SETTINGS)
    loud = "import os; os.write(1, b'{}\\n' + b'x' * 2_000_000 + b'\\n')\n"
    (tmp_path / "jupyterhub_config.py").write_text(loud + CONFIG.format(settings="settings.yaml"))
    assert (await read_settings(setup(tmp_path), launcher)).settings.sizes.keys() == {"small"}


@pytest.mark.asyncio
async def test_what_is_no_answer_is_told(tmp_path: Path, launcher: Launcher) -> None:
    (tmp_path / "settings.yaml").write_text(SETTINGS)
    late = "import atexit, os; atexit.register(os.write, 1, b'bye')\n"
    (tmp_path / "jupyterhub_config.py").write_text(late + CONFIG.format(settings="settings.yaml"))
    with pytest.raises(HubSettingsError, match="gave no settings"):
        await read_settings(setup(tmp_path), launcher)


@pytest.mark.asyncio
async def test_the_database_is_looked_at_by_the_hub_itself(
    tmp_path: Path, launcher: Launcher
) -> None:
    assert await prepare_database(setup(tmp_path), launcher) == ""
    (tmp_path / "jupyterhub.sqlite").write_text("no database " * 100)
    with pytest.raises(HubDatabaseError, match=r"jupyterhub\.sqlite"):
        await prepare_database(setup(tmp_path), launcher)
