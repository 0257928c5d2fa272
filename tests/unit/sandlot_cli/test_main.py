from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points, version
from typing import TYPE_CHECKING

import pytest

from sandlot_cli import main as cli
from sandlot_contracts.exits import ExitCode

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

COMMANDS = ("up", "down", "status", "restart", "logs", "user", "check", "doctor")


def command(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Be a command of the tests: its summary stands in this module, which has none."""
    parser.add_argument("how")

    def run(arguments: argparse.Namespace) -> int:
        match arguments.how:
            case "interrupted":
                raise KeyboardInterrupt
            case "unread":
                raise BrokenPipeError
            case "where":
                print(arguments.data_dir)  # noqa: T201 (that is what it is for)
            case _:
                pass
        return 7

    return run


@pytest.fixture
def point(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the function above the one command that is installed."""

    class Here(EntryPoint):
        def load(self) -> object:
            return command

    found = Here(name="try", value="no.such.module:command", group=cli.GROUP)
    monkeypatch.setattr(cli, "entry_points", lambda group: [found] if group == cli.GROUP else [])


def test_every_command_is_installed_and_has_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert {point.name for point in entry_points(group=cli.GROUP)} == set(COMMANDS)
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out.splitlines()
    for name in COMMANDS:
        (line,) = [each for each in shown if each.startswith(f"    {name} ")]
        assert len(line.split()) > 3, line


def test_help_imports_no_command() -> None:
    script = (
        "import sys\nfrom sandlot_cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print([n for n in sys.modules if n.startswith(('sandlot_hub', 'sandlot_server', 'aiohttp'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"sandlot {version('sandlot')}\n"


def test_nothing_asked_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == ExitCode.USAGE
    assert "commands" in capsys.readouterr().out


def test_an_unknown_command_is_a_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["brew"])
    assert ended.value.code == ExitCode.USAGE
    assert "brew" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("how", "code"), [("well", 7), ("interrupted", 130), ("unread", 0)], ids=str
)
def test_the_exit_code(point: None, how: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # A pipe that nobody reads is put out of the way; the test's own output must stay.
    monkeypatch.setattr("os.dup2", lambda *_: None)
    assert cli.main(["try", how]) == code


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["try", "where"], ".sandlot"), (["try", "--data-dir", "/d", "where"], "/d")],
)
def test_the_data_directory(
    point: None, arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(arguments)
    assert capsys.readouterr().out.strip() == expected


def test_a_command_whose_source_is_missing_has_no_summary(
    point: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "try" in capsys.readouterr().out
