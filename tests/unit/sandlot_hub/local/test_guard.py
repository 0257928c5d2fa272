from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.local import guard

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_S = 20.0
SH = "/bin/sh"
SOMEBODY = 21_987 if os.geteuid() == 0 else None


class Run:
    """A guard started the way the supervisor starts it, which itself was started by a shell."""

    def __init__(self, script: str, *, grace_s: float = 5.0, uid: int | None = None) -> None:
        reader, self.lifeline = os.pipe()
        self.process = subprocess.Popen(
            [
                *(SH, "-c", 'trap "" INT QUIT USR1; exec "$@"', SH),
                sys.executable,
                "-I",
                "-S",
                guard.__file__,
                str(reader),
                str(grace_s),
                SH,
                "-c",
                script,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(reader,),
            start_new_session=True,
            user=uid,
        )
        os.close(reader)

    def order(self, order: bytes) -> None:
        os.write(self.lifeline, order)

    def cut(self) -> None:
        """Do what the kernel does when the supervisor dies."""
        os.close(self.lifeline)
        self.lifeline = -1

    def line(self) -> str:
        """Return the next line that the command prints."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], (), (), DEADLINE_S)
        assert ready, "the command printed nothing"
        return self.process.stdout.readline().decode().strip()

    def wait(self) -> int:
        return self.process.wait(DEADLINE_S)

    def close(self) -> None:
        if self.lifeline >= 0:
            os.close(self.lifeline)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(DEADLINE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def run() -> Iterator[type[Run]]:
    started: list[Run] = []

    class Kept(Run):
        def __init__(self, script: str, *, grace_s: float = 5.0, uid: int | None = None) -> None:
            super().__init__(script, grace_s=grace_s, uid=uid)
            started.append(self)

    yield Kept
    for each in started:
        each.close()


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("script", "code"),
    [
        pytest.param("exit 0", 0, id="well"),
        pytest.param("exit 7", 7, id="badly"),
        pytest.param("kill -KILL $$", 128 + signal.SIGKILL, id="killed"),
    ],
)
def test_the_exit_code_is_the_commands(run: type[Run], script: str, code: int) -> None:
    guarded = run(script)
    guarded.order(guard.GO)
    assert guarded.wait() == code


def test_nothing_starts_before_it_is_told_to(run: type[Run]) -> None:
    guarded = run("echo started")
    guarded.cut()
    assert guarded.wait() == 0
    assert guarded.process.stdout is not None
    assert guarded.process.stdout.read() == b""


@pytest.mark.parametrize("how", ["order", "signal", "lifeline"])
def test_it_asks_politely_first(run: type[Run], how: str) -> None:
    guarded = run("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done")
    guarded.order(guard.GO)
    assert guarded.line() == "up"
    match how:
        case "order":
            guarded.order(guard.STOP)
        case "signal":
            guarded.process.terminate()
        case _:
            guarded.cut()
    assert guarded.line() == "bye"
    assert guarded.wait() == 3


def test_it_kills_what_does_not_listen(run: type[Run]) -> None:
    guarded = run("trap '' TERM; echo up; while :; do sleep 0.05; done", grace_s=0.1)
    guarded.order(guard.GO)
    assert guarded.line() == "up"
    guarded.order(guard.STOP)
    assert guarded.wait() == 128 + signal.SIGKILL


def test_the_order_to_kill_does_not_wait(run: type[Run]) -> None:
    guarded = run("trap '' TERM; echo up; while :; do sleep 0.05; done", grace_s=1000)
    guarded.order(guard.GO)
    assert guarded.line() == "up"
    begun = time.monotonic()
    guarded.order(guard.KILL)
    assert guarded.wait() == 128 + signal.SIGKILL
    assert time.monotonic() - begun < DEADLINE_S


def test_without_a_supervisor_it_does_not_wait_for_long(run: type[Run]) -> None:
    guarded = run("trap '' TERM; echo up; while :; do sleep 0.05; done", grace_s=1000)
    guarded.order(guard.GO)
    assert guarded.line() == "up"
    guarded.cut()
    assert guarded.wait() == 128 + signal.SIGKILL


@pytest.mark.parametrize(
    "escape",
    [
        pytest.param("sleep 1000 & echo $!", id="child"),
        pytest.param("setsid sleep 1000 & echo $!", id="own-session"),
        pytest.param("(setsid sh -c 'echo $$; exec sleep 1000' &) &", id="orphan"),
        pytest.param(
            "setsid sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done' &", id="deaf"
        ),
    ],
)
def test_no_descendant_gets_away(run: type[Run], escape: str) -> None:
    guarded = run(f"{escape}\nsleep 1000", grace_s=0.1)
    guarded.order(guard.GO)
    escaped = int(guarded.line())
    assert exists(escaped)
    guarded.order(guard.STOP)
    guarded.wait()
    assert not exists(escaped)


def test_what_a_command_leaves_behind_ends_with_it(run: type[Run]) -> None:
    guarded = run("setsid sleep 1000 & echo $!; exit 0")
    guarded.order(guard.GO)
    left = int(guarded.line())
    assert guarded.wait() == 0
    assert not exists(left)


def test_a_killed_guard_takes_its_command_with_it(run: type[Run]) -> None:
    guarded = run("echo $$; while :; do sleep 0.05; done")
    guarded.order(guard.GO)
    descriptor = os.pidfd_open(int(guarded.line()))
    guarded.process.kill()
    ready, _, _ = select.select([descriptor], (), (), DEADLINE_S)
    os.close(descriptor)
    assert ready


def test_nothing_of_the_guard_is_inherited(run: type[Run]) -> None:
    guarded = run(
        "ls /proc/self/fd | tr '\\n' ' '; echo; grep -E 'SigIgn|SigBlk|NoNewPrivs' /proc/self/status"
    )
    guarded.order(guard.GO)
    # The fourth one is the open folder that `ls` lists.
    assert guarded.line() == "0 1 2 3"
    told = dict(guarded.line().split(":\t") for _ in range(3))
    assert int(told["SigBlk"], 16) == 0
    # The C library keeps 32 and 33 for itself: whoever started us may have left them ignored,
    # and no program can change that back.
    assert int(told["SigIgn"], 16) & ~(0b11 << 31) == 0
    assert told["NoNewPrivs"] == "1"


def test_the_guard_is_closed_to_its_own_user_and_the_command_is_not(run: type[Run]) -> None:
    """Who may not list what a process has open may neither open that nor trace the process."""
    guarded = run("echo $$; sleep 1000", uid=SOMEBODY)
    guarded.order(guard.GO)
    command = int(guarded.line())
    look = "import os, sys; [os.listdir(f'/proc/{pid}/fd') for pid in sys.argv[1:]]"

    def seen(pid: int) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-I", "-S", "-c", look, str(pid)]
        return subprocess.run(
            argv, user=SOMEBODY, capture_output=True, text=True, check=False, timeout=DEADLINE_S
        )

    assert seen(command).returncode == 0
    assert "PermissionError" in seen(guarded.process.pid).stderr
    guarded.order(guard.KILL)
    assert guarded.wait() == 128 + signal.SIGKILL


def test_a_missing_command_is_told(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, guard.GO)
    missing = str(tmp_path / "missing")
    done = subprocess.run(
        [sys.executable, "-I", "-S", guard.__file__, str(reader), "1", missing],
        capture_output=True,
        pass_fds=(reader,),
        timeout=DEADLINE_S,
        check=False,
    )
    os.close(reader)
    os.close(writer)
    assert done.returncode == 127
    assert missing in done.stderr.decode()


def test_descendants_are_found_at_every_depth() -> None:
    parent_of = {2: 1, 3: 2, 4: 3, 5: 1, 6: 99}
    assert guard.descendants(2, parent_of) == {3, 4}
    assert guard.descendants(1, parent_of) == {2, 3, 4, 5}
    assert guard.descendants(4, parent_of) == set()
