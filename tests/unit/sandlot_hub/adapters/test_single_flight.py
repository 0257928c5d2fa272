from __future__ import annotations

import asyncio

import pytest

from sandlot_hub.adapters.single_flight import SingleFlight

pytestmark = pytest.mark.asyncio


class Oracle:
    """Answers when it is allowed to, and counts the questions."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def answer(self) -> int:
        self.asked += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.asked


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_concurrent_callers_share_one_call() -> None:
    oracle, flights = Oracle(), SingleFlight[str, int]()
    callers = [asyncio.create_task(flights.run("a", oracle.answer)) for _ in range(1000)]
    await settle()
    oracle.gate.set()
    assert set(await asyncio.gather(*callers)) == {1}
    assert oracle.asked == 1


async def test_keys_are_apart_and_a_later_call_asks_again() -> None:
    oracle, flights = Oracle(), SingleFlight[str, int]()
    oracle.gate.set()
    assert await flights.run("a", oracle.answer) == 1
    assert await flights.run("b", oracle.answer) == 2
    assert await flights.run("a", oracle.answer) == 3


async def test_an_error_reaches_all_and_is_not_kept() -> None:
    oracle, flights = Oracle(), SingleFlight[str, int]()
    oracle.error = LookupError("no")
    callers = [asyncio.create_task(flights.run("a", oracle.answer)) for _ in range(3)]
    await settle()
    oracle.gate.set()
    assert [type(e) for e in await asyncio.gather(*callers, return_exceptions=True)] == [
        LookupError
    ] * 3
    oracle.error = None
    assert await flights.run("a", oracle.answer) == 2


async def test_a_caller_that_goes_away_leaves_the_others_their_answer() -> None:
    oracle, flights = Oracle(), SingleFlight[str, int]()
    first, second = (asyncio.create_task(flights.run("a", oracle.answer)) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    oracle.gate.set()
    assert await second == 1
    assert first.cancelled()


async def test_closing_ends_what_is_under_way() -> None:
    oracle, flights = Oracle(), SingleFlight[str, int]()
    caller = asyncio.create_task(flights.run("a", oracle.answer))
    await settle()
    await flights.close()
    with pytest.raises(asyncio.CancelledError):
        await caller
