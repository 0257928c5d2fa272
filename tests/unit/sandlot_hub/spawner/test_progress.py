from __future__ import annotations

import asyncio

import pytest

from sandlot_hub.spawner.exceptions import SpawnFailed
from sandlot_hub.spawner.progress import StartStory


async def _read(story: StartStory) -> list[str]:
    return [event["message"] async for event in story.events()]


@pytest.mark.asyncio
async def test_late_reader_hears_it_from_the_beginning() -> None:
    story = StartStory(monotonic=lambda: 0.0)
    early = asyncio.create_task(_read(story))
    await asyncio.sleep(0)
    story.tell("allowed", "one", done=True)
    story.tell("process", "two")
    late = asyncio.create_task(_read(story))
    await asyncio.sleep(0)
    story.tell("answer", "three")
    story.end()
    assert await early == await late == ["one", "two", "three"]


@pytest.mark.asyncio
async def test_failure_ends_the_story_with_code_and_details() -> None:
    story = StartStory(monotonic=lambda: 0.0)
    assert story.failure == ""
    story.fail(SpawnFailed("It <ended>.", code="server-exited"), details=("a", "b"))
    (event,) = [event async for event in story.events()]
    assert event == {
        "message": "It <ended>.",
        "step": "allowed",
        "html_message": 'It &lt;ended&gt;. <small class="sandlot-code">Code: server-exited</small>',
        "state": "failed",
        "code": "server-exited",
        "details": ["a", "b"],
        "seconds": 0.0,
    }
    assert story.failure == "It <ended>."


@pytest.mark.asyncio
async def test_reader_may_change_what_it_got() -> None:
    story = StartStory(monotonic=lambda: 0.0)
    story.tell("allowed", "one", done=True)
    story.end()
    async for event in story.events():
        event.clear()
    assert await _read(story) == ["one"]


@pytest.mark.asyncio
async def test_progress_never_goes_back() -> None:
    story = StartStory(monotonic=lambda: 0.0)
    for step in ("allowed", "process", "answer"):
        story.tell(step, step)
        story.tell(step, step, done=True)
    story.end()
    progress = [event["progress"] async for event in story.events()]
    assert progress == sorted(progress)


def test_time_counts_from_the_beginning_of_the_start() -> None:
    now = 100.0
    story = StartStory(monotonic=lambda: now)
    assert story.seconds == 0.0
    story.begin()
    now = 112.5
    assert story.seconds == 12.5


def test_events_of_the_past_carry_their_time_and_a_failure_its_step() -> None:
    now = 100.0
    story = StartStory(monotonic=lambda: now)
    story.begin()
    story.tell("process", "one")
    now = 103.44
    story.fail(SpawnFailed("two", code="server-exited"))
    told = [(e["message"], e["step"], e["state"], e["seconds"]) for e in story.told]
    assert told == [("one", "process", "now", 0.0), ("two", "process", "failed", 3.4)]
