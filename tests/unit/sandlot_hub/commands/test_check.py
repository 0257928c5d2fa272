from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_contracts.exits import ExitCode
from sandlot_hub.adapters.settings_file import load_settings
from sandlot_hub.commands.check import command
from support.health_server import serving_health

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """\
version: 1
images: {base: {display_name: Base, local: base}}
sizes: {small: {display_name: Small, cpus: 1, memory: 2 GiB}}
profiles: {all: {display_name: All, images: [base], sizes: [small]}}
"""
OTHER = "f" * 16


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with right settings."""
    (tmp_path / "settings.yaml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def right(here: Path) -> str:
    """The hash of the settings."""
    return load_settings(here / "settings.yaml").hash


def check(*arguments: str, data_dir: Path | str = ".sandlot") -> int:
    parser = argparse.ArgumentParser()
    run = command(parser)
    namespace = parser.parse_args(arguments)
    namespace.data_dir = data_dir
    return run(namespace)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("arguments", [[], ["settings.yaml"]], ids=["found", "named"])
def test_right_settings(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert check(*arguments) == ExitCode.OK
    assert "settings.yaml is right: 1 profile, 1 image, 1 size" in capsys.readouterr().out


def test_wrong_settings(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "settings.yaml").write_text(SETTINGS.replace("2 GiB", "2 Gigs"))

    assert check() == ExitCode.SETTINGS
    assert "sizes.small.memory (line 3): '2 Gigs'" in capsys.readouterr().err


def test_wrong_settings_for_programs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "settings.yaml").write_text(SETTINGS.replace("cpus", "cpu"))

    assert check("--json") == ExitCode.SETTINGS

    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    assert {each["path"] for each in found["problems"]} == {"sizes.small.cpu", "sizes.small.cpus"}
    assert all(each["line"] == 3 for each in found["problems"])


def test_a_missing_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(str(here / "nothing.yaml")) == ExitCode.SETTINGS
    assert "does not exist" in capsys.readouterr().err


def test_nothing_to_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert check() == ExitCode.USAGE
    assert "Name a FILE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("last_line", "code"),
    [
        pytest.param("install(c, 'settings.yaml')", ExitCode.OK, id="right"),
        pytest.param("install(c, {'version': 2})", ExitCode.SETTINGS, id="wrong"),
        pytest.param("", ExitCode.SETTINGS, id="no install"),
    ],
)
def test_a_hubs_configuration(here: Path, last_line: str, code: ExitCode) -> None:
    config = here / "jupyterhub_config.py"
    config.write_text(f"from sandlot_hub import install\nc = get_config()\n{last_line}\n")

    assert check(str(config)) == code


@pytest.mark.parametrize(
    ("answers", "code", "warnings"),
    [
        pytest.param({"hub": "right", "offers": "right"}, ExitCode.OK, [], id="same"),
        pytest.param(
            {"hub": "right", "offers": OTHER},
            ExitCode.WARNING,
            ["offers works from other settings", "parts of the running stack"],
            id="a service differs",
        ),
        pytest.param(
            {"hub": OTHER, "offers": OTHER},
            ExitCode.WARNING,
            ["hub works from other settings", "offers works from other settings"],
            id="the file was changed",
        ),
        pytest.param(
            {"hub": "right", "offers": None},
            ExitCode.WARNING,
            ["offers does not answer"],
            id="a service is down",
        ),
    ],
)
def test_a_running_stack_is_compared(
    here: Path,
    right: str,
    capsys: pytest.CaptureFixture[str],
    answers: dict[str, Any],
    code: ExitCode,
    warnings: list[str],
) -> None:
    hashes = {name: right if each == "right" else each for name, each in answers.items()}
    with serving_health(here / "data", hashes):
        assert check("--json", data_dir=here / "data") == code

    found = json.loads(capsys.readouterr().out)
    assert found["parts"] == hashes
    assert len(found["warnings"]) == len(warnings)
    assert all(part in " ".join(found["warnings"]) for part in warnings)


def test_differences_are_told_to_people(
    here: Path, right: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving_health(here / "data", {"hub": right, "offers": OTHER}):
        assert check(data_dir=here / "data") == ExitCode.WARNING

    captured = capsys.readouterr()
    assert "These work from it: hub." in captured.out
    assert f"Warning: offers works from other settings ({OTHER})" in captured.err


def test_without_a_cluster_to_look_at_the_settings_are_checked_anyway(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--cluster", "--kubeconfig", str(here / "none"))

    assert check(*arguments) == ExitCode.FAILURE
    said = capsys.readouterr()
    assert "settings.yaml is right" in said.out
    assert f"{here}/none cannot be used to come to a cluster" in said.err

    assert check(*arguments, "--json") == ExitCode.FAILURE
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is True
    assert found["cluster"]["ok"] is False
    assert "there is no file" in found["cluster"]["error"]


def test_wrong_settings_are_compared_with_no_cluster(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "settings.yaml").write_text(SETTINGS.replace("2 GiB", "2 Gigs"))

    assert check("--cluster", "--json") == ExitCode.SETTINGS
    assert json.loads(capsys.readouterr().out)["cluster"] is None
