from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.exits import ExitCode
from sandlot_server.commands.doctor import _exit_code, command
from support.user_server import SERVER_TOKEN, hub_environment, own_folders

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("levels", "code"),
    [
        pytest.param({"ok"}, ExitCode.OK, id="all well"),
        pytest.param({"ok", "warning"}, ExitCode.WARNING, id="something to look at"),
        pytest.param({"ok", "warning", "failed"}, ExitCode.FAILURE, id="something broken"),
    ],
)
def test_exit_codes(levels: set[str], code: ExitCode) -> None:
    assert _exit_code(levels) == code


def test_it_prints_a_line_for_each_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own_folders(monkeypatch, tmp_path)
    for name, value in hub_environment(hub_api_url="http://127.0.0.1:1/hub/api").items():
        monkeypatch.setenv(name, value)
    parser = argparse.ArgumentParser()
    run = command(parser)

    code = run(parser.parse_args(["--timeout", "2"]))

    lines = capsys.readouterr().out.splitlines()
    assert code == ExitCode.FAILURE
    assert [line.split()[0] for line in lines[:3]] == ["ok", "failed", "warning"]
    assert "cannot be reached" in lines[1]
    assert not any(SERVER_TOKEN in line for line in lines)
