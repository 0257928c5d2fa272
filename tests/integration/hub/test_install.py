"""`install` in a hub: what it adds is there, and what is wrong keeps the hub from starting."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING

import pytest
from jupyterhub import orm
from traitlets.config import Config

from sandlot_contracts.exits import ExitCode
from sandlot_contracts.health import Health
from sandlot_hub import install
from sandlot_hub.adapters.embedded import EMBEDDED_ENV, write_embedded
from sandlot_hub.adapters.settings_file import write_resolved
from sandlot_hub.domain.settings.fingerprint import settings_hash
from support.embedded import embedded_config
from support.hub_app import Hub, Rest, running_hub

if TYPE_CHECKING:
    from pathlib import Path

    from sandlot_hub.domain.settings.model import SandlotSettings

CONFIG = "from sandlot_hub import install\nc = get_config()\n"


@pytest.fixture
def embedded_file(tmp_path: Path, settings: SandlotSettings) -> Path:
    """What `sandlot up` tells the hub."""
    write_resolved(tmp_path / "settings.json", settings)
    config = embedded_config(
        tmp_path,
        settings_file=tmp_path / "settings.json",
        settings_hash=settings_hash(settings),
        db_url=f"sqlite:///{tmp_path}/hub.sqlite",
        cookie_secret_file=tmp_path / "cookie-secret",
    )
    write_embedded(tmp_path / "embedded.json", config)
    return tmp_path / "embedded.json"


@pytest.fixture
def installed(
    settings: SandlotSettings, embedded_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Config:
    """What `install` adds for everybody, without the addresses of `sandlot up`."""
    monkeypatch.setenv(EMBEDDED_ENV, str(embedded_file))
    c = Config()
    install(c, settings)
    ours = ("services", "load_roles", "custom_scopes", "extra_user_scopes", "extra_handlers")
    hub = {name: c.JupyterHub[name] for name in ours}
    hub["services"][0]["timeout"] = 1  # nobody listens there
    return Config({"JupyterHub": hub})


@pytest.mark.asyncio
async def test_the_hub_tells_which_settings_it_works_from(
    settings: SandlotSettings, installed: Config, tmp_path: Path
) -> None:
    async with running_hub(settings, tmp_path / "sock", config=installed) as hub:
        reply = await Rest(hub.url, {})("GET", "sandlot/health")

    assert reply.status == 200
    health = Health.model_validate_json(reply.text)
    assert (health.service, health.settings_hash) == ("hub", settings_hash(settings))


@pytest.mark.asyncio
async def test_what_people_and_services_may_do_is_this(
    settings: SandlotSettings, installed: Config, tmp_path: Path
) -> None:
    """Golden, as the hub has it in its database."""
    async with running_hub(settings, tmp_path / "sock", config=installed) as hub:
        operator, user = _role(hub, "sandlot-operator"), _role(hub, "user")
        names = {role.name for role in hub.app.db.query(orm.Role)}
        holders = {
            service.name
            for service in hub.app.db.query(orm.Service)
            for role in service.roles
            if any(scope.startswith("admin:") for scope in role.scopes)
        }

    assert names == {"admin", "server", "token", "user", "sandlot-operator"}
    assert holders == {"sandlot-operator"}
    assert operator == {"admin:groups", "admin:users", "read:servers"}
    assert user == {
        "self",
        "access:services!service=dask-gateway",
        "access:services!service=offers",
        "custom:sandlot-offers:read",
    }


def _role(hub: Hub, name: str) -> set[str]:
    return set(orm.Role.find(hub.app.db, name).scopes)


async def _start(config: Path, environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Start a hub that is not expected to come up; return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "jupyterhub", "-f", str(config), *arguments),
        cwd=config.parent,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, said.decode()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        pytest.param("install(c, {'version': 1})", "images: is missing", id="wrong settings"),
        pytest.param(
            "c.Sandlot.settings.profiles = {}\ninstall(c)", "piece by piece", id="attribute style"
        ),
    ],
)
async def test_a_mistake_keeps_the_hub_from_starting(
    tmp_path: Path, lines: str, sentence: str
) -> None:
    config = tmp_path / "jupyterhub_config.py"
    config.write_text(CONFIG + lines)

    code, said = await _start(config, {})

    assert code == ExitCode.SETTINGS
    assert sentence in said
    assert "Traceback" not in said
    assert "jupyterhub.sqlite" not in os.listdir(tmp_path)  # noqa: PTH208 (a Path's own is flagged in a coroutine)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("line", "arguments", "named"),
    [
        pytest.param("c.JupyterHub.services = []", [], "c.JupyterHub.services", id="services"),
        pytest.param(
            "c.JupyterHub.spawner_class = 'simple'", [], "c.JupyterHub.spawner_class", id="spawner"
        ),
        pytest.param("", ["--port=9000"], "c.JupyterHub.port", id="command line"),
    ],
)
async def test_what_is_overwritten_after_install_keeps_the_hub_from_starting(
    tmp_path: Path,
    settings: SandlotSettings,
    embedded_file: Path,
    line: str,
    arguments: list[str],
    named: str,
) -> None:
    config = tmp_path / "jupyterhub_config.py"
    document = json.dumps(settings.model_dump(mode="json"))
    (tmp_path / "s.yaml").write_text(document)
    config.write_text(f"{CONFIG}install(c, 's.yaml')\n{line}\n")

    code, said = await _start(config, {EMBEDDED_ENV: str(embedded_file)}, *arguments)

    assert code == ExitCode.SETTINGS
    assert f"{named} changed after install(c, …)" in said
    assert "Traceback" not in said
