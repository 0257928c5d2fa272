from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sandlot_hub.local.held_ports import LentPort
from sandlot_hub.local.leftovers import Leftovers
from sandlot_hub.local.logs import RotatingLog
from sandlot_hub.local.parts import Backoff, Part, PartDiedError, PartRuntime
from sandlot_hub.local.processes import Command, Guarded, Identity, Launcher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    Make = Callable[..., Part]


class TestPlan:
    """A shell script that works as soon as it has made a file."""

    __test__ = False

    def __init__(self, script: str, folder: Path) -> None:
        self.name = "kettle"
        self.script = script
        self.folder = folder
        self.starts = 0

    @property
    def port(self) -> int:
        return 1

    @property
    def identity(self) -> Identity:
        return Identity(uid=os.geteuid(), gid=os.getegid())

    def write_files(self) -> None:
        """Nothing to write."""

    def command(self) -> Command:
        self.starts += 1
        return Command(
            argv=("/bin/sh", "-c", self.script),
            environment={"LANG": "C.UTF-8"},
            directory=self.folder,
            identity=self.identity,
        )

    async def ready(self, guarded: Guarded) -> bool:
        assert guarded.pid > 0
        return (self.folder / "ready").exists()


WORKS = "touch ready; exec sleep 1000"


@pytest.mark.parametrize(
    ("ran", "delays"),
    [
        pytest.param([0] * 8, [0.5, 1, 2, 4, 8, 16, 30, 30], id="doubles-up-to-a-cap"),
        pytest.param([0, 0, 60, 0], [0.5, 1, 0.5, 1], id="begins-anew-after-a-while"),
    ],
)
def test_backoff(ran: list[float], delays: list[float]) -> None:
    backoff = Backoff()
    assert [backoff.delay(ran_for_s=each) for each in ran] == delays


class Said:
    """What the operator was told, and that there was something."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.heard = asyncio.Event()

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)
        self.heard.set()


@pytest.fixture
def said() -> Said:
    return Said()


@pytest_asyncio.fixture
async def make(tmp_path: Path, said: Said) -> AsyncIterator[Make]:
    (tmp_path / "guards").mkdir()
    (tmp_path / "work").mkdir()
    launcher = Launcher(leftovers=Leftovers(tmp_path / "guards"), sole_parent=False)
    made: list[Part] = []

    def part(script: str, *, plan: TestPlan | None = None, port: LentPort | None = None) -> Part:
        plan = plan or TestPlan(script, tmp_path / "work")
        log = RotatingLog(tmp_path / "part.log")
        runtime = PartRuntime(launcher=launcher, say=said.say)
        new = Part(plan=plan, log=log, runtime=runtime, port=port)
        made.append(new)
        return new

    yield part
    for each in made:
        await each.stop(now=True)
        each.log.close()


def state_of(part: Part) -> str:
    """Return its state now: a type checker believes that it stays what it was."""
    return part.state


@pytest.mark.asyncio
async def test_a_part_starts_and_stops(make: Make, tmp_path: Path) -> None:
    part = make(WORKS)
    assert state_of(part) == "stopped"
    part.start()
    assert state_of(part) == "starting"
    await part.works()
    assert state_of(part) == "running"
    await part.stop()
    assert state_of(part) == "stopped"
    assert part.pid is None
    part.start()
    await part.works()
    assert state_of(part) == "running"
    await part.stop()
    assert "kettle ended with exit code 143" in (tmp_path / "part.log").read_text()


class LendingPlan(TestPlan):
    """Notes at each start whether its port is lent then."""

    def __init__(self, script: str, folder: Path, held: socket.socket) -> None:
        super().__init__(script, folder)
        self._held = held
        self.lent_at_start: list[bool] = []

    @property
    def is_lent(self) -> bool:
        return bool(self._held.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR))

    def command(self) -> Command:
        self.lent_at_start.append(self.is_lent)
        return super().command()


@pytest.mark.asyncio
async def test_a_part_is_lent_its_port_until_it_works(make: Make, tmp_path: Path) -> None:
    with socket.socket() as held:
        plan = LendingPlan(WORKS, tmp_path / "work", held)
        part = make(WORKS, plan=plan, port=LentPort(held))
        part.start()
        await part.works()
        assert (plan.lent_at_start, plan.is_lent) == ([True], False)
        await part.restart()
        assert (plan.lent_at_start, plan.is_lent) == ([True, True], False)


@pytest.mark.asyncio
async def test_a_part_that_never_works_gives_its_port_back(
    make: Make, tmp_path: Path, said: Said
) -> None:
    with socket.socket() as held:
        plan = LendingPlan("exit 3", tmp_path / "work", held)
        make("exit 3", plan=plan, port=LentPort(held)).start()
        await said.heard.wait()
        assert (plan.lent_at_start, plan.is_lent) == ([True], False)


@pytest.mark.asyncio
async def test_a_part_that_dies_is_started_again(make: Make, said: Said) -> None:
    part = make(WORKS)
    part.start()
    await part.works()
    first = part.pid
    assert first is not None
    os.kill(first, 9)
    await said.heard.wait()
    assert state_of(part) == "restarting"
    await part.works()
    assert state_of(part) == "running"
    assert part.pid != first
    assert said.sentences == ["The kettle ended with exit code 137; it is started again in 0.5 s."]


@pytest.mark.asyncio
async def test_a_restart_that_somebody_asked_for_is_no_death(make: Make, said: Said) -> None:
    part = make(WORKS)
    part.start()
    await part.works()
    first = part.pid
    await part.restart()
    assert state_of(part) == "running"
    assert part.pid != first
    assert said.sentences == []


@pytest.mark.asyncio
async def test_a_restart_uses_the_new_plan(make: Make, tmp_path: Path) -> None:
    part = make(WORKS)
    part.start()
    await part.works()
    (tmp_path / "work" / "ready").unlink()
    part.plan = TestPlan(f"echo the new one; {WORKS}", tmp_path / "work")
    await part.restart()
    await part.stop()
    assert "the new one" in (tmp_path / "part.log").read_text()


@pytest.mark.asyncio
async def test_a_part_that_never_works_has_failed(make: Make) -> None:
    part = make("exit 7")
    part._backoff = Backoff(first_s=0.001)
    part.start()
    with pytest.raises(PartDiedError, match="exit code 7") as caught:
        await part.works()
    assert caught.value.name == "kettle"
    assert state_of(part) == "failed"


@pytest.mark.asyncio
async def test_a_failed_part_recovers_when_it_is_mended(make: Make, tmp_path: Path) -> None:
    part = make("exit 7")
    part._backoff = Backoff(first_s=0.001)
    part.start()
    with pytest.raises(PartDiedError):
        await part.works()
    part.plan = TestPlan(WORKS, tmp_path / "work")
    await part.restart()
    assert state_of(part) == "running"


@pytest.mark.asyncio
async def test_a_part_that_cannot_be_started_has_failed(make: Make, tmp_path: Path) -> None:
    part = make(WORKS)
    part._backoff = Backoff(first_s=0.001)
    part.plan = TestPlan(WORKS, tmp_path / "missing")
    part.start()
    with pytest.raises(PartDiedError, match="exit code 127"):
        await part.works()
    assert "cannot be started" in (tmp_path / "part.log").read_text()


@pytest.mark.asyncio
async def test_stopping_ends_the_pause_before_the_next_start(make: Make, said: Said) -> None:
    part = make("exit 1")
    part._backoff = Backoff(first_s=1000, cap_s=1000)
    part.start()
    await said.heard.wait()
    assert state_of(part) == "restarting"
    await part.stop()
    assert state_of(part) == "stopped"
