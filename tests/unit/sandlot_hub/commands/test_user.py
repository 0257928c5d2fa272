from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.exits import ExitCode
from sandlot_hub.adapters.operator_file import OPERATOR_FILE
from sandlot_hub.adapters.passwords import account_password
from sandlot_hub.commands.user import command
from support.fake_accounts import SECRET, FakeAccounts, running_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "d"


@pytest.fixture
def stack(data_dir: Path) -> Iterator[FakeAccounts]:
    with running_stack(data_dir) as fake:
        yield fake


def sandlot_user(data_dir: Path, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    parser.set_defaults(data_dir=str(data_dir))
    run = command(parser)
    return run(parser.parse_args(arguments))


def test_add_prints_how_to_log_in(
    data_dir: Path, stack: FakeAccounts, capsys: pytest.CaptureFixture[str]
) -> None:
    code = sandlot_user(data_dir, "add", "Ann", "--group", "gpu", "--group", "gpu", "--admin")

    assert code == ExitCode.OK
    assert stack.users["ann"]["admin"] is True
    assert stack.groups == {"gpu": {"ann"}}
    printed = capsys.readouterr().out
    assert "http://127.0.0.1:8000/" in printed
    assert account_password("ann", SECRET) in printed
    assert SECRET not in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["../x"], "cannot be a user name", id="path"),
        pytest.param(["a\0b"], "cannot be a user name", id="nul"),
        pytest.param(["x" * 100_000], "too long", id="long"),
        pytest.param(["ann", "--group", "a/b"], "cannot be a group name", id="group"),
        pytest.param(["bob"], "There is an account “bob” already", id="exists"),
    ],
)
def test_add_refuses(
    data_dir: Path,
    stack: FakeAccounts,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    stack.add("bob")

    assert sandlot_user(data_dir, "add", *arguments) == ExitCode.REFUSED

    printed = capsys.readouterr()
    assert words in printed.err
    assert len(printed.err) < 500
    assert not printed.out
    assert set(stack.users) == {"bob"}


def test_list_for_people(
    data_dir: Path, stack: FakeAccounts, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.add("bob", groups=["staff", "gpu"], servers={"": {}})
    stack.add("ann", admin=True, last_activity="2026-11-20T10:30:00.000Z")

    assert sandlot_user(data_dir, "list") == ExitCode.OK

    _, ann, bob = capsys.readouterr().out.splitlines()
    assert ann.split() == ["ann", "admin", "-", "0", "2026-11-20", "10:30"]
    assert bob.split() == ["bob", "user", "gpu,", "staff", "1", "never"]


def test_list_for_programs(
    data_dir: Path, stack: FakeAccounts, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.add("ann", groups=["gpu"], servers={"": {}})

    assert sandlot_user(data_dir, "list", "--json") == ExitCode.OK

    (account,) = json.loads(capsys.readouterr().out)
    expected = {"name": "ann", "admin": False, "groups": ["gpu"], "servers": [""]}
    assert account == {**expected, "last_activity": None}


def test_password_prints_nothing_else(
    data_dir: Path, stack: FakeAccounts, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.add("ann")

    assert sandlot_user(data_dir, "password", "ANN") == ExitCode.OK

    assert capsys.readouterr().out == account_password("ann", SECRET) + "\n"


@pytest.mark.parametrize("action", ["password", "remove"])
@pytest.mark.parametrize("name", ["nobody", "../x"])
def test_no_such_account(
    data_dir: Path, stack: FakeAccounts, capsys: pytest.CaptureFixture[str], action: str, name: str
) -> None:
    assert sandlot_user(data_dir, action, name) == ExitCode.REFUSED
    assert f"There is no account “{name}”" in capsys.readouterr().err


def test_remove_says_where_the_home_is(
    data_dir: Path, stack: FakeAccounts, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.add("ann")
    stack.homes["ann"] = "/d/homes/ann"

    assert sandlot_user(data_dir, "remove", "ann", "--yes") == ExitCode.OK

    assert not stack.users
    assert "/d/homes/ann" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "code", "left"),
    [
        pytest.param("y\n", ExitCode.OK, set(), id="yes"),
        pytest.param("\n", ExitCode.FAILURE, {"ann"}, id="return"),
        pytest.param("no\n", ExitCode.FAILURE, {"ann"}, id="no"),
    ],
)
def test_remove_asks_once(
    data_dir: Path,
    stack: FakeAccounts,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    code: ExitCode,
    left: set[str],
) -> None:
    stack.add("ann")
    monkeypatch.setattr(sys, "stdin", Terminal(answer))

    assert sandlot_user(data_dir, "remove", "ann") == code

    assert set(stack.users) == left


def test_remove_asks_nobody_who_is_not_there(
    data_dir: Path,
    stack: FakeAccounts,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stack.add("ann")
    monkeypatch.setattr(sys, "stdin", Terminal("", is_terminal=False))

    assert sandlot_user(data_dir, "remove", "ann") == ExitCode.USAGE

    assert "--yes" in capsys.readouterr().err
    assert set(stack.users) == {"ann"}


def test_the_first_administrator_stays(
    data_dir: Path, stack: FakeAccounts, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.add("admin", admin=True)

    assert sandlot_user(data_dir, "remove", "admin", "--yes") == ExitCode.REFUSED

    assert "first administrator" in capsys.readouterr().err
    assert set(stack.users) == {"admin"}


def test_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sandlot_user(tmp_path, "list") == ExitCode.NOT_RUNNING
    assert "sandlot up" in capsys.readouterr().err


def test_an_open_operator_file_is_not_used(
    data_dir: Path, stack: FakeAccounts, capsys: pytest.CaptureFixture[str]
) -> None:
    (data_dir / OPERATOR_FILE).chmod(0o640)

    assert sandlot_user(data_dir, "list") == ExitCode.DATA_DIRECTORY
    assert "chmod 600" in capsys.readouterr().err


def test_a_hub_that_is_ill(
    data_dir: Path, stack: FakeAccounts, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.fault = ("users", 503, "")

    assert sandlot_user(data_dir, "list") == ExitCode.FAILURE
    assert "sandlot status" in capsys.readouterr().err


def test_a_supervisor_that_is_gone(
    data_dir: Path, stack: FakeAccounts, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.add("ann")
    (data_dir / "run/supervisor.sock").unlink()

    assert sandlot_user(data_dir, "remove", "ann", "--yes") == ExitCode.FAILURE
    assert "does not answer" in capsys.readouterr().err
    assert set(stack.users) == {"ann"}


class Terminal:
    """Somebody who types one line."""

    def __init__(self, line: str, *, is_terminal: bool = True) -> None:
        self._line = line
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def readline(self) -> str:
        return self._line
