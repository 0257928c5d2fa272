from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sandlot_server.usage.reading import Reading
from sandlot_server.usage.sampler import UsageSampler

if TYPE_CHECKING:
    from sandlot_contracts.session import Usage

pytestmark = pytest.mark.asyncio


class FakeClock:
    """Time passes when the test says so; the first window passes by itself."""

    def __init__(self) -> None:
        self.time = 0.0
        self.asleep = asyncio.Event()
        """Set while somebody sleeps."""
        self._alarm: asyncio.Future[None] | None = None

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        if seconds < 1:
            self.time += seconds
            return
        self._alarm = asyncio.get_running_loop().create_future()
        self.asleep.set()
        await self._alarm

    async def wake(self, seconds: float) -> None:
        """Let time pass, and wake who sleeps."""
        await self.asleep.wait()
        self.asleep.clear()
        self.time += seconds
        assert self._alarm is not None
        self._alarm.set_result(None)


class Machine:
    """A process table that grows by what the test says."""

    def __init__(self) -> None:
        self.memory = 1000
        self.looks = 0
        self.fails = False

    def read(self, now: float) -> Reading:
        self.looks += 1
        if self.fails:
            message = "no process table"
            raise OSError(message)
        return Reading(at=now, memory_bytes=self.memory, cpu_seconds={(1, 1.0): 0.0})


class Setup:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.machine = Machine()
        self.emitted: list[Usage] = []
        self.sampler = UsageSampler(
            read=self.machine.read,
            emit=self.emitted.append,
            interval=5,
            lease=12,
            clock=self.clock,
        )

    async def step(self) -> None:
        """Let one interval pass, and wait until the sampler sleeps again."""
        await self.clock.wake(5)
        await self.clock.asleep.wait()


async def test_nobody_asked_nothing_measured() -> None:
    setup = Setup()
    await setup.sampler.close()

    assert setup.machine.looks == 0


async def test_the_first_reply_is_measured_and_not_also_an_event() -> None:
    setup = Setup()

    assert (await setup.sampler.latest()).memory_bytes == 1000
    assert setup.emitted == []
    await setup.sampler.close()


async def test_pages_that_open_together_start_one_sampler() -> None:
    setup = Setup()

    await asyncio.gather(*(setup.sampler.latest() for _ in range(5)))

    assert setup.machine.looks == 2
    await setup.sampler.close()


async def test_a_change_is_told_once() -> None:
    setup = Setup()
    await setup.sampler.latest()
    setup.machine.memory = 2000
    await setup.step()
    await setup.step()

    assert [usage.memory_bytes for usage in setup.emitted] == [2000]
    assert (await setup.sampler.latest()).memory_bytes == 2000
    await setup.sampler.close()


async def test_small_changes_add_up() -> None:
    setup = Setup()
    await setup.sampler.latest()
    for memory in (1006, 1012):
        setup.machine.memory = memory
        await setup.step()

    assert [usage.memory_bytes for usage in setup.emitted] == [1012]
    await setup.sampler.close()


async def test_it_stops_when_nobody_asks_any_more_and_starts_again() -> None:
    setup = Setup()
    await setup.sampler.latest()
    await setup.step()
    await setup.step()
    looks = setup.machine.looks
    await setup.clock.wake(5)
    assert setup.sampler._task is not None
    await setup.sampler._task

    assert setup.machine.looks == looks
    setup.machine.memory = 3000
    assert (await setup.sampler.latest()).memory_bytes == 3000
    await setup.sampler.close()


async def test_asking_renews_the_lease() -> None:
    setup = Setup()
    await setup.sampler.latest()
    for _ in range(4):
        await setup.step()
        await setup.sampler.latest()

    assert setup.machine.looks == 6
    await setup.sampler.close()


async def test_after_a_failed_look_the_next_question_looks_again() -> None:
    setup = Setup()
    setup.machine.fails = True
    with pytest.raises(OSError, match="no process table"):
        await setup.sampler.latest()
    setup.machine.fails = False

    assert (await setup.sampler.latest()).memory_bytes == 1000
    await setup.sampler.close()
