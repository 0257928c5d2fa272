from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sandlot_hub.local.leftovers import Leftovers
from sandlot_hub.local.logs import Bounded
from sandlot_hub.local.processes import Command, Identity, Launcher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio

SOMEBODY = 21_987


def command(
    script: str, *, uid: int | None = None, grace_s: float = 5.0, **changes: int
) -> Command:
    who = os.geteuid() if uid is None else uid
    return Command(
        argv=("/bin/sh", "-c", script),
        environment={"MARK": "x", "LANG": "C.UTF-8"},
        directory=Path("/"),
        identity=Identity(uid=who, gid=who),
        grace_s=grace_s,
        **changes,
    )


@pytest.fixture
def leftovers(tmp_path: Path) -> Leftovers:
    return Leftovers(tmp_path)


@pytest_asyncio.fixture
async def launcher(leftovers: Leftovers) -> AsyncIterator[Launcher]:
    made = Launcher(leftovers=leftovers, sole_parent=False)
    yield made
    await made.close()


async def test_both_outputs_and_the_exit_code_come_back(launcher: Launcher) -> None:
    done = await launcher.run(command("echo out; echo err >&2; exit 3"), timeout_s=20)
    assert (done.exit_code, done.stdout, done.stderr) == (3, b"out\n", b"err\n")


async def test_output_is_bounded(launcher: Launcher) -> None:
    done = await launcher.run(command("yes | head -c 1000000"), timeout_s=20, limit=1000)
    assert len(done.stdout) == 1000


async def test_the_environment_is_exactly_what_was_given(launcher: Launcher) -> None:
    done = await launcher.run(command("env"), timeout_s=20)
    names = {line.partition("=")[0] for line in done.stdout.decode().splitlines()}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {"MARK", "LANG"}


async def test_files_are_closed_to_others(launcher: Launcher) -> None:
    done = await launcher.run(command("umask"), timeout_s=20)
    assert done.stdout.strip() == b"0077"


async def test_a_command_that_takes_too_long_is_ended(
    launcher: Launcher, leftovers: Leftovers
) -> None:
    with pytest.raises(TimeoutError):
        await launcher.run(command("setsid sleep 1000 & wait"), timeout_s=0.2)
    assert leftovers.running() == set()


@pytest.mark.root
async def test_it_runs_as_somebody_else_and_cannot_come_back(launcher: Launcher) -> None:
    script = "id -u; id -g; id -G; grep NoNewPrivs /proc/self/status; kill -0 $PPID"
    done = await launcher.run(command(script, uid=SOMEBODY), timeout_s=20)
    assert done.stdout.decode().split() == [str(SOMEBODY)] * 3 + ["NoNewPrivs:", "1"]
    assert done.exit_code == 0, "the guard runs as the same user"


async def test_niceness_is_inherited(launcher: Launcher) -> None:
    done = await launcher.run(command("nice", niceness=7), timeout_s=20)
    assert done.stdout.strip() == b"7"


async def test_a_guard_is_noted_while_it_runs(launcher: Launcher, leftovers: Leftovers) -> None:
    guarded = launcher.start(command("exec sleep 1000"), log=Bounded(100))
    guarded.release()
    assert [each.pid for each in leftovers.running()] == [guarded.pid]
    assert guarded.exit_code is None
    assert await guarded.stop() == 128 + signal.SIGTERM
    assert leftovers.running() == set()


async def test_closing_ends_everything(leftovers: Leftovers) -> None:
    launcher = Launcher(leftovers=leftovers, sole_parent=False)
    for _ in range(3):
        launcher.start(
            command("trap '' TERM; while :; do sleep 1; done"), log=Bounded(100)
        ).release()
    await launcher.close()
    assert leftovers.running() == set()


async def test_what_cannot_be_started_leaves_no_descriptor(launcher: Launcher) -> None:
    before = _open_descriptors()
    wrong = Command(
        argv=("/bin/true",),
        environment={},
        directory=Path("/nowhere"),
        identity=Identity(uid=os.geteuid(), gid=os.getegid()),
    )
    with pytest.raises(FileNotFoundError):
        launcher.start(wrong, log=Bounded(100))
    assert _open_descriptors() == before


def _open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
