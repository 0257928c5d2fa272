from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sandlot_server
from sandlot_server.diagnosis import check_lab_part, check_server_part, check_session, diagnose
from sandlot_server.environment import ServerEnvironment, read_environment
from support.fake_service import fake_service
from support.user_server import SERVER_TOKEN, SESSION, hub_environment, own_folders

if TYPE_CHECKING:
    from sandlot_server.diagnosis import Finding
    from support.fake_hub import FakeHub


def by_subject(findings: tuple[Finding, ...]) -> dict[str, tuple[str, str]]:
    return {finding.subject: (finding.level, finding.detail) for finding in findings}


@pytest.mark.parametrize(
    ("text", "level", "words"),
    [
        pytest.param("", "warning", "Sandlot did not start this server", id="none"),
        pytest.param("{}", "failed", "cannot be read", id="broken"),
        pytest.param(
            SESSION.model_dump_json(),
            "ok",
            "SciPy · Small, profile Notebook, of alice.",
            id="fine",
        ),
    ],
)
def test_session(text: str, level: str, words: str) -> None:
    finding = check_session(text)

    assert finding.level == level
    assert words in finding.detail


@pytest.mark.parametrize(
    ("first", "level"),
    [
        pytest.param(None, "ok", id="as it was installed"),
        pytest.param(False, "failed", id="disabled by the user"),
    ],
)
def test_server_part(tmp_path: Path, first: bool | None, level: str) -> None:
    shipped = Path(sandlot_server.__file__).parent / "jupyter-config"
    installed = tmp_path / "etc" / "jupyter_server_config.d"
    shutil.copytree(shipped, installed)
    user = tmp_path / "user"
    user.mkdir()
    if first is not None:
        section = {"ServerApp": {"jpserver_extensions": {"sandlot_server": first}}}
        (user / "jupyter_server_config.json").write_text(json.dumps(section))

    assert check_server_part([str(user), str(installed.parent)]).level == level


def test_server_part_missing(tmp_path: Path) -> None:
    assert check_server_part([str(tmp_path)]).level == "failed"


def install(folder: Path, version: str) -> str:
    manifest = folder / "sandlot" / "package.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"version": version}))
    return str(folder)


def test_lab_part_missing(tmp_path: Path) -> None:
    assert check_lab_part([str(tmp_path)], []).level == "failed"


def test_lab_part_of_another_version(tmp_path: Path) -> None:
    finding = check_lab_part([install(tmp_path, "0.0.0")], [])

    assert (finding.level, "version 0.0.0" in finding.detail) == ("warning", True)


def test_the_first_lab_part_counts(tmp_path: Path) -> None:
    first = install(tmp_path / "first", version("sandlot"))
    second = install(tmp_path / "second", "0.0.0")

    assert check_lab_part([first, second], []).level == "ok"


def test_lab_part_disabled(tmp_path: Path) -> None:
    data = install(tmp_path / "data", version("sandlot"))
    config = tmp_path / "config" / "labconfig" / "page_config.json"
    config.parent.mkdir(parents=True)
    config.write_text('{"disabledExtensions": {"sandlot": true}}')

    finding = check_lab_part([data], [str(tmp_path / "config")])

    assert (finding.level, "labextension enable" in finding.detail) == ("warning", True)


@pytest.mark.asyncio
async def test_a_healthy_server(hub: FakeHub) -> None:
    hub.add_user(SERVER_TOKEN, "alice", scopes=[])
    async with fake_service() as service:
        # Answers as the hub's root, as `user` and as the offers service at once.
        service.body = json.dumps(
            {
                "version": "6.1.1",
                "name": "alice",
                "user": "alice",
                "as_of": "2026-11-21T09:00:00Z",
                "settings_hash": "x",
                "offers": [
                    {"profile": "p", "image": "i", "size": size, "state": state}
                    for size, state in (("s", "available"), ("l", "unavailable"))
                ],
            }
        )
        environment = hub_environment(hub_api_url=f"{service.url}hub/api", services_url=service.url)
        found = by_subject(await diagnose(read_environment(environment), timeout_s=5))

    assert found["hub"] == ("ok", "JupyterHub 6.1.1 answers and knows this server as alice's.")
    assert found["offers"] == ("ok", "The service answers: 1 of 2 choices are available.")
    assert found["session"][0] == "ok"
    assert f"sandlot {version('sandlot')}" in found["versions"][1]
    assert {path for path, _ in service.asked} == {
        "/hub/api/",
        "/hub/api/user",
        "/offers/api/v1/offers",
    }


@pytest.mark.asyncio
async def test_a_token_of_somebody_else() -> None:
    async with fake_service() as service:
        service.body = '{"version": "6.1.1", "name": "bob"}'
        environment = hub_environment(hub_api_url=f"{service.url}hub/api")
        found = by_subject(await diagnose(read_environment(environment), timeout_s=5))

    assert found["hub"][0] == "failed"
    assert "belongs to bob, the server to alice" in found["hub"][1]


@pytest.mark.asyncio
async def test_a_hub_that_is_down() -> None:
    down = hub_environment(hub_api_url="http://127.0.0.1:1/", services_url="http://127.0.0.1:1/")
    findings = await diagnose(read_environment(down), timeout_s=5)
    found = by_subject(findings)

    assert (found["hub"][0], found["offers"][0]) == ("failed", "failed")
    assert SERVER_TOKEN not in repr(findings)


@pytest.mark.asyncio
async def test_no_hub_and_nothing_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_folders(monkeypatch, tmp_path)
    found = by_subject(await diagnose(ServerEnvironment(), timeout_s=5))

    assert (found["session"][0], found["hub"][0], found["offers"][0]) == ("warning",) * 3
