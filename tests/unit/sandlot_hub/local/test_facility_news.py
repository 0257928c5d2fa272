"""Tests of the version of what this machine can do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from sandlot_contracts.supervisor import LocalFacilities, LocalImage
from sandlot_hub.local.facility_news import FacilityNews
from support.fake_supervisor import facilities

READY = LocalImage(state="ready")


def building(progress: float, detail: str = "") -> dict[str, LocalImage]:
    return {"base": LocalImage(state="building", progress=progress, detail=detail)}


@dataclass
class Machine:
    """Something that can be looked at, with a clock that a test moves."""

    seconds: float = 0.0
    found: LocalFacilities = field(default_factory=facilities)
    looked: int = 0

    def __post_init__(self) -> None:
        self.news = FacilityNews(first=1000, monotonic=lambda: self.seconds)

    def look(self) -> LocalFacilities:
        self.looked += 1
        return self.news.number(self.found)

    async def after(self, version: int, *, wait_s: float = 30.0) -> LocalFacilities:
        return await self.news.after(version, self.look, wait_s=wait_s, gone=lambda: False)

    async def waiting(self, version: int) -> asyncio.Task[LocalFacilities]:
        """Return somebody who has looked and waits."""
        before = self.looked
        task = asyncio.create_task(self.after(version))
        while self.looked == before:  # noqa: ASYNC110 (this very moment is tested)
            await asyncio.sleep(0)
        return task


@pytest.mark.parametrize(
    ("first", "second", "seconds", "another"),
    [
        pytest.param({}, {}, 60.0, False, id="the-same"),
        pytest.param({}, {"running": {"small": 1}}, 0.0, True, id="a-server"),
        pytest.param({}, {"images": {}}, 0.0, True, id="an-image"),
        pytest.param({"images": building(0)}, {}, 0.0, True, id="ready"),
        pytest.param({"images": building(0)}, {"images": building(0.1)}, 0.9, False, id="progress"),
        pytest.param(
            {"images": building(0)}, {"images": building(0.1)}, 1.0, True, id="progress-of-a-second"
        ),
        pytest.param(
            {"images": building(0, "a")},
            {"images": building(0, "b")},
            0.9,
            False,
            id="its-sentence",
        ),
        pytest.param(
            {"images": building(0)},
            {"images": building(0.1), "running": {"small": 1}},
            0.0,
            True,
            id="progress-and-a-server",
        ),
    ],
)
def test_another_answer_has_another_version(
    first: dict[str, object], second: dict[str, object], seconds: float, *, another: bool
) -> None:
    machine = Machine(found=facilities(**first))
    before = machine.look()
    assert before.version == 1000
    machine.seconds = seconds
    machine.found = facilities(**second)
    after = machine.look()
    assert (after.version != before.version) is another
    if another:
        assert after == machine.found.model_copy(update={"version": 1001})
    else:
        # One version is one answer, also to somebody who asks for the first time.
        assert after == before


@pytest.mark.asyncio
async def test_whoever_has_another_version_is_answered_at_once() -> None:
    machine = Machine()
    assert (await machine.after(999)).version == 1000
    assert machine.looked == 1


@pytest.mark.asyncio
async def test_everybody_who_waits_is_answered_when_a_change_is_told() -> None:
    machine = Machine()
    waiting = [await machine.waiting(1000) for _ in range(3)]
    machine.found = facilities(running={"small": 1})
    machine.news.tell()
    async with asyncio.timeout(0.9):  # before they would look by themselves
        answers = await asyncio.gather(*waiting)
    assert {answer.version for answer in answers} == {1001}
    assert answers[0].running == {"small": 1}


@pytest.mark.asyncio
async def test_what_is_told_and_changes_nothing_answers_nobody() -> None:
    machine = Machine()
    waiting = await machine.waiting(1000)
    machine.news.tell()
    while machine.looked < 2:  # noqa: ASYNC110 (as above)
        await asyncio.sleep(0)
    assert not waiting.done()
    machine.news.close()
    assert (await waiting).version == 1000


@pytest.mark.asyncio
async def test_what_nobody_tells_is_found() -> None:
    machine = Machine()
    waiting = await machine.waiting(1000)
    machine.found = facilities(cpus=99)
    async with asyncio.timeout(10):
        assert (await waiting).cpus == 99


@pytest.mark.asyncio
async def test_the_wait_has_an_end() -> None:
    machine = Machine()
    waiting = await machine.waiting(1000)
    machine.seconds = 30.0
    machine.news.tell()
    assert (await waiting).version == 1000
    assert (await machine.after(1000, wait_s=0)).version == 1000


@pytest.mark.asyncio
async def test_nobody_waits_for_somebody_who_is_gone() -> None:
    machine = Machine()
    found = await machine.news.after(1000, machine.look, wait_s=30, gone=lambda: True)
    assert found.version == 1000


@pytest.mark.asyncio
async def test_after_the_end_nobody_waits() -> None:
    machine = Machine()
    machine.news.close()
    assert (await machine.after(1000)).version == 1000
    assert machine.looked == 1


@pytest.mark.asyncio
async def test_very_many_are_answered_instead_of_waiting() -> None:
    machine = Machine()
    waiting = [await machine.waiting(1000) for _ in range(100)]
    async with asyncio.timeout(0.9):  # before any of them would look by itself
        assert (await machine.after(1000)).version == 1000
    assert not any(task.done() for task in waiting)
    machine.news.close()
    await asyncio.gather(*waiting)
