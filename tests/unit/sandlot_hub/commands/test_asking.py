"""`status`, `restart`, `down`, `logs` and `up` at the terminal, without a stack."""

from __future__ import annotations

import argparse
import asyncio
import threading
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.exits import ExitCode
from sandlot_contracts.supervisor import LocalImage, StackStatus
from sandlot_hub.local.peers import Peers
from sandlot_hub.local.refusals import RefusedRequestError
from sandlot_hub.local.socket_api import SocketApi, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATUS = StackStatus(
    url="http://127.0.0.1:8000/",
    admin="admin",
    pid=1,
    services={"hub": "running", "proxy": "restarting"},
    isolation="shared-uid",
    images={"base": LocalImage(state="building", progress=0.5, detail="Half.")},
    servers=3,
    settings_hash="abc",
)


class FakeStack:
    """A supervisor that answers, or refuses what it is told to refuse."""

    def __init__(self) -> None:
        self.refusal: RefusedRequestError | None = None

    def status(self) -> StackStatus:
        return STATUS

    def end_waiting(self) -> None:
        """Nobody waits."""

    async def restart(self, part: str) -> StackStatus:
        assert part
        if self.refusal is not None:
            raise self.refusal
        return STATUS


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[FakeStack]:
    """Serve the fake beside the test, which calls the commands as a terminal would."""
    fake = FakeStack()
    peers = Peers(operator=frozenset(range(2**16)), hub=-2, services=frozenset(), gateway=-2)
    api = SocketApi(servers=fake, dask=fake, stack=fake, peers=peers)  # type: ignore[arg-type]
    (tmp_path / "run").mkdir()
    loop = asyncio.new_event_loop()
    ready, done = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with serving(api, tmp_path / "run" / "supervisor.sock", gid=None):
            ready.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(20)
    yield fake
    loop.call_soon_threadsafe(done.set)
    thread.join(20)
    loop.close()


def call(name: str, folder: Path, *arguments: str) -> int:
    parser = argparse.ArgumentParser(prog=f"sandlot {name}")
    parser.add_argument("--data-dir", default=str(folder))
    run = import_module(f"sandlot_hub.commands.{name}").command(parser)
    code: int = run(parser.parse_args(arguments))
    return code


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("status", ()), ("down", ()), ("restart", ("hub",))],
)
def test_without_a_stack_the_way_to_one_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, arguments: tuple[str, ...]
) -> None:
    assert call(name, tmp_path, *arguments) == ExitCode.NOT_RUNNING
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"sandlot {name}: Sandlot does not run on {tmp_path}.")


def test_status_for_people(
    tmp_path: Path, stack: FakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("status", tmp_path) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "http://127.0.0.1:8000/" in shown
    assert "proxy    restarting" in shown
    assert "image base: building, 50% Half." in shown
    assert "3 running" in shown
    assert "WARNING" in shown


def test_status_for_programs(
    tmp_path: Path, stack: FakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("status", tmp_path, "--json") == ExitCode.OK
    assert StackStatus.model_validate_json(capsys.readouterr().out) == STATUS


def test_restart_tells_the_settings_in_use(
    tmp_path: Path, stack: FakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("restart", tmp_path, "hub") == ExitCode.OK
    assert "abc" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("settings", ExitCode.SETTINGS),
        ("part-unknown", ExitCode.USAGE),
        ("part-failed", ExitCode.FAILURE),
    ],
)
def test_a_refusal_has_its_sentence_and_exit_code(
    tmp_path: Path,
    stack: FakeStack,
    capsys: pytest.CaptureFixture[str],
    code: str,
    exit_code: ExitCode,
) -> None:
    stack.refusal = RefusedRequestError("No, because.", code=code, status=409)
    assert call("restart", tmp_path, "hub") == exit_code
    assert capsys.readouterr().err == "sandlot restart: No, because.\n"


def test_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = tmp_path / "logs" / "servers"
    logs.mkdir(parents=True)
    (tmp_path / "logs" / "hub.log").write_text("one\ntwo\nthree\n")
    (logs / "ann.log").write_text("hers\n")
    assert call("logs", tmp_path, "-n", "2") == ExitCode.OK
    assert capsys.readouterr().out == "two\nthree\n"
    assert call("logs", tmp_path, "servers/ann") == ExitCode.OK
    assert capsys.readouterr().out == "hers\n"


@pytest.mark.parametrize("part", ["kettle", "../../etc/passwd", "/etc/passwd", "servers"])
def test_only_logs_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str], part: str) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "hub.log").write_text("")
    assert call("logs", tmp_path, part) == ExitCode.USAGE
    assert "there are: hub" in capsys.readouterr().err


def test_logs_of_nothing(tmp_path: Path) -> None:
    assert call("logs", tmp_path) == ExitCode.NOT_RUNNING


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "0"),
        ("--port", "65536"),
        ("--port", "x"),
        ("--base-url", "/a?b"),
        ("--public-url", "hub.example.org"),
    ],
)
def test_wrong_options_of_up_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as ended:
        call("up", tmp_path / "data", *arguments)
    assert ended.value.code == ExitCode.USAGE
    assert arguments[0] in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("option", ["--config", "--settings"])
def test_a_missing_file_of_up_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    missing = str(tmp_path / "missing")
    assert call("up", tmp_path / "data", option, missing) == ExitCode.SETTINGS
    assert missing in capsys.readouterr().err
