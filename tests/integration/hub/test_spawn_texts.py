"""One sentence and one code on every transport: REST, header, progress, pending page, form."""

from __future__ import annotations

import asyncio
import json
from html import escape
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_contracts.supervisor import LocalImage
from support.fake_supervisor import FakeSupervisor, facilities, no_socket

if TYPE_CHECKING:
    from support.hub_app import Hub, Reply

pytestmark = pytest.mark.asyncio

SERVER = "users/alice/server"
OFF = facilities(images=dict.fromkeys(("base", "scipy"), LocalImage(state="failed")))


async def _watched_start(
    hub: Hub, supervisor: FakeSupervisor
) -> tuple[Reply, list[dict[str, Any]]]:
    """Start by REST; return its answer, and the events of a page that is open from the beginning."""
    supervisor.hold_facilities = asyncio.Event()
    rest = hub.rest("alice")
    start = asyncio.create_task(rest("POST", SERVER))
    await supervisor.asked("GET /v1/facilities")
    events = []
    async for event in rest.events(f"{SERVER}/progress"):
        events.append(event)
        supervisor.hold_facilities.set()
    return await start, events


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        pytest.param({"facilities": OFF}, 409, "profile-unavailable", id="refused"),
        pytest.param({"behaviour": "exits"}, 424, "server-exited", id="failed"),
        pytest.param({"behaviour": "hangs"}, 424, "start-timeout", id="too slow"),
        pytest.param({"hold_answers": asyncio.Event()}, 424, "start-timeout", id="never answers"),
        pytest.param({"behaviour": "refused"}, 503, "out-of-uids", id="trouble"),
    ],
)
async def test_all_tell_the_same(
    hub: Hub, supervisor: FakeSupervisor, changes: dict[str, Any], status: int, code: str
) -> None:
    for name, value in changes.items():
        setattr(supervisor, name, value)
    reply, events = await _watched_start(hub, supervisor)

    assert reply.status == status
    sentence = json.loads(reply.text)["message"]
    problem = json.loads(reply.headers["Sandlot-Problem"])
    assert (problem["code"], problem["detail"], problem["status"]) == (code, sentence, status)

    html = f'{escape(sentence)} <small class="sandlot-code">Code: {code}</small>'
    (told,) = [event for event in events if event.get("state") == "failed"]
    assert (told["code"], told["message"], told["html_message"]) == (code, sentence, html)
    # What a user's own process does never counts as a failure of the hub.
    assert hub.failure_count == (status == 503)
    last = events[-1]
    assert last["failed"]
    assert (last["message"], last["html_message"]) == (f"Spawn failed: {sentence}", html)

    async with hub.browser("alice") as browser:
        pending = await browser.get("spawn-pending/alice")
    assert pending.status == status
    assert escape(sentence) in pending.text
    assert code in pending.text


async def test_a_machine_that_does_not_answer_is_told_at_once(
    hub: Hub, supervisor: FakeSupervisor
) -> None:
    with no_socket(supervisor.socket):
        reply = await hub.rest("alice")("POST", SERVER)
    sentence = json.loads(reply.text)["message"]
    assert json.loads(reply.headers["Sandlot-Problem"])["code"] == "supervisor-unreachable"
    (told,) = hub.spawner("alice").story.told
    assert (told["code"], told["message"]) == ("supervisor-unreachable", sentence)
