"""Tests of how the service keeps up with what this machine can do."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.supervisor_client import (
    SupervisorRefusedError,
    SupervisorUnreachableError,
)
from sandlot_hub.services.errors import build_problem
from sandlot_hub.services.offers.watch import MachineWatch, Pace
from support.fake_supervisor import facilities
from support.virtual_time import START, VirtualTime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandlot_contracts.supervisor import LocalFacilities

pytestmark = pytest.mark.asyncio

AWAY = SupervisorUnreachableError("away")
AT_ONCE = Pace(wait=0, patience=30, answer=30, between=0, first_pause=0, longest_pause=0)


@dataclass
class Supervisor:
    """Answers when the test says so, with what it says."""

    asked: list[tuple[int | None, float]] = field(default_factory=list)
    answers: asyncio.Queue[LocalFacilities | Exception] = field(default_factory=asyncio.Queue)
    question: asyncio.Event = field(default_factory=asyncio.Event)

    async def facilities(self, *, after: int | None = None, wait_s: float = 0.0) -> LocalFacilities:
        self.asked.append((after, wait_s))
        self.question.set()
        answer = await self.answers.get()
        if isinstance(answer, Exception):
            raise answer
        return answer


class Bench:
    def __init__(self, pace: Pace, jitter: float) -> None:
        self.clock = VirtualTime()
        self.supervisor = Supervisor()
        self.heard: list[int] = []
        """The version of every news."""
        self.watch = MachineWatch(
            supervisor=self.supervisor, clock=self.clock, jitter=lambda: jitter, pace=pace
        )
        self.watch.listen(lambda: self.heard.append(self.watch.latest.version))

    async def asked(self) -> None:
        """Return when the next question has arrived: what came before is taken in."""
        async with asyncio.timeout(10):
            await self.supervisor.question.wait()
        self.supervisor.question.clear()

    async def answer(self, answer: LocalFacilities | Exception) -> None:
        """Answer the question, and wait for the next one."""
        self.supervisor.answers.put_nowait(answer)
        await self.asked()


@asynccontextmanager
async def bench(pace: Pace = AT_ONCE, *, jitter: float = 0.0) -> AsyncIterator[Bench]:
    made = Bench(pace, jitter)
    task = asyncio.create_task(made.watch.run())
    try:
        await made.asked()
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_before_the_first_answer_nothing_is_known_but_nothing_is_wrong() -> None:
    async with bench() as b:
        assert not b.watch.latest.known
        assert b.watch.known()
        waiting = asyncio.create_task(b.watch.snapshot())
        await asyncio.sleep(0)
        assert not waiting.done()
        await b.answer(facilities(version=7))
        assert (await waiting).known


async def test_the_next_question_waits_for_a_change_of_the_last_answer() -> None:
    async with bench(replace(AT_ONCE, wait=0.001)) as b:
        await b.answer(facilities(version=7))
        await b.answer(facilities(version=9, cpus=3))
        await b.answer(AWAY)
        assert b.supervisor.asked == [(None, 0.0), (7, 0.001), (9, 0.001), (9, 0.001)]


async def test_only_what_is_new_is_news() -> None:
    async with bench() as b:
        await b.answer(facilities(version=7))
        first = b.watch.latest
        b.clock.seconds = 3
        await b.answer(facilities(version=8))
        assert b.heard == [1]
        latest = b.watch.latest
        # The same, true at a later moment; and the next question names what came last.
        assert (latest.version, latest.facilities) == (first.version, first.facilities)
        assert (latest.as_of, latest.taken) == (START + timedelta(seconds=3), 3.0)
        assert b.supervisor.asked[-1][0] == 8
        await b.answer(facilities(version=9, running={"small": 1}))
        assert b.heard == [1, 2]
        assert b.watch.latest.facilities is not None
        assert b.watch.latest.facilities.running == {"small": 1}


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(AWAY, id="unreachable"),
        pytest.param(SupervisorRefusedError(build_problem(403, "x", "No.")), id="refused"),
        pytest.param(TimeoutError(), id="timeout"),
    ],
)
async def test_it_is_not_known_any_more_when_nobody_answers_for_a_while(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with bench() as b:
        b.clock.seconds = 60
        await b.answer(facilities(version=7))
        b.clock.seconds = 89
        await b.answer(error)
        # Nobody needs to hear of a moment's silence.
        assert b.watch.latest.known
        b.clock.seconds = 90
        await b.answer(error)
        latest = b.watch.latest
        assert not latest.known
        assert not b.watch.known()
        assert latest.as_of == START + timedelta(seconds=60)
        b.clock.seconds = 200
        await b.answer(error)
        assert b.heard == [1, 2]
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        # Asked at once when it answers again, without waiting for a change.
        await b.answer(facilities(version=7))
        assert b.supervisor.asked[-2][0] is None
        assert b.heard == [1, 2, 3]
        assert b.watch.latest.as_of == START + timedelta(seconds=200)
        assert b.watch.known()
        assert "known again" in caplog.text


async def test_never_known_is_not_known_since_the_start() -> None:
    async with bench() as b:
        b.clock.seconds = 7200
        await b.answer(AWAY)
        snapshot = await b.watch.snapshot()
        assert not snapshot.known
        assert not b.watch.known()
        assert snapshot.as_of == START
        assert b.heard == [1]


@pytest.mark.parametrize(
    ("pace", "known"),
    [
        pytest.param(replace(AT_ONCE, answer=0.01), False, id="from-the-start"),
        pytest.param(replace(AT_ONCE, patience=0.01), True, id="after-an-answer"),
    ],
)
async def test_a_silent_supervisor_is_not_waited_for(pace: Pace, *, known: bool) -> None:
    async with bench(pace) as b:
        if known:
            await b.answer(facilities(version=7))
            b.clock.seconds = 0.01
        await b.asked()
        assert not b.watch.latest.known


@pytest.mark.parametrize(
    ("jitter", "pauses"),
    [
        pytest.param(0.0, [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0], id="longest"),
        pytest.param(1.0, [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0], id="shortest"),
    ],
)
async def test_a_supervisor_in_trouble_is_not_hammered(jitter: float, pauses: list[float]) -> None:
    b = Bench(Pace(), jitter)
    b.watch._give_up(AWAY)
    assert [b.watch._pause(number) for number in range(1, 8)] == pauses
    assert b.watch._pause(10_000) == pauses[-1]


async def test_after_a_known_answer_the_pause_ends_with_the_patience() -> None:
    b = Bench(Pace(), 0.0)
    b.watch._take(facilities(version=1))
    b.clock.seconds = 1.5
    assert b.watch._pause(20) == 1.0


async def test_changes_come_four_times_a_second_at_most() -> None:
    b = Bench(Pace(), 0.0)
    assert b.watch._pause_after(0.0, news=True) == 0.25
    # An answer without news comes late by itself, except from one that cannot wait.
    assert b.watch._pause_after(0.0, news=False) == 1.0
    b.clock.seconds = 1.0
    assert b.watch._pause_after(0.0, news=False) == 0.0
