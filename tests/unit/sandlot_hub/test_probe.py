from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.exits import ExitCode
from sandlot_hub.adapters.embedded import EMBEDDED_ENV
from sandlot_hub.adapters.settings_file import load_settings
from sandlot_hub.probe import main

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """\
version: 1
images: {base: {display_name: Base, local: base}}
sizes: {small: {display_name: Small, cpus: 1, memory: 2 GiB}}
profiles: {all: {display_name: All, images: [base], sizes: [small]}}
"""
CONFIG = """\
from sandlot_hub import install
c = get_config()
print("a configuration file may print")
install(c, "settings.yaml")
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "settings.yaml").write_text(SETTINGS)
    path = tmp_path / "jupyterhub_config.py"
    path.write_text(CONFIG)
    return path


def test_the_answer_is_one_line_of_json(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(config)]) == ExitCode.OK

    (line,) = capsys.readouterr().out.splitlines()
    answer = json.loads(line)
    loaded = load_settings(config.parent / "settings.yaml")
    assert load_settings(answer["settings"]).hash == answer["hash"] == loaded.hash
    assert answer["source"] == loaded.source


def test_what_a_running_stack_resolved_does_not_stand_in(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(EMBEDDED_ENV, "/nowhere/embedded.json")

    assert main([str(config)]) == ExitCode.OK


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("c = get_config()\n", "does not make the hub a Sandlot", id="no install"),
        pytest.param("c = get_config(\n", r"line 1: '\(' was never closed", id="syntax"),
        pytest.param("\n1 / 0\n", "line 2: ZeroDivisionError", id="exception"),
        pytest.param(
            "c = get_config()\nc.Sandlot.settings.profiles.gpu = 1\n",
            "line 2: AttributeError: .* Assign one mapping",
            id="attribute style",
        ),
    ],
)
def test_a_file_that_fails_is_told_with_its_line(
    config: Path, capsys: pytest.CaptureFixture[str], text: str, sentence: str
) -> None:
    config.write_text(text)

    assert main([str(config)]) == ExitCode.SETTINGS

    captured = capsys.readouterr()
    assert not captured.out
    assert captured.err.startswith(str(config))
    assert "Traceback" not in captured.err
    assert re.search(sentence, captured.err)


def test_wrong_settings_are_told_by_install(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config.parent / "settings.yaml").write_text(SETTINGS.replace("2 GiB", "2 Gigs"))

    with pytest.raises(SystemExit) as caught:
        main([str(config)])

    assert caught.value.code == ExitCode.SETTINGS
    assert "sizes.small.memory (line 3)" in capsys.readouterr().err


@pytest.mark.parametrize("call", ["exit()", "import sys; sys.exit(0)"])
def test_a_file_that_ends_the_program_is_told(
    config: Path, capsys: pytest.CaptureFixture[str], call: str
) -> None:
    config.write_text(call)

    assert main([str(config)]) == ExitCode.SETTINGS

    captured = capsys.readouterr()
    assert not captured.out
    assert captured.err == f"{config} ends the program that reads it: remove its call of exit().\n"


def test_a_missing_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nothing.py")]) == ExitCode.SETTINGS
    assert "There is no configuration file" in capsys.readouterr().err


def test_it_wants_one_argument(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == ExitCode.USAGE
    assert "usage" in capsys.readouterr().err
