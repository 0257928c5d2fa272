"""Cancelling a start in each of its phases: nothing is left, and the next start works."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.fake_supervisor import FakeSupervisor
    from support.hub_app import Hub

pytestmark = pytest.mark.asyncio

SERVER = "users/alice/server"
CHOICE = {"user_options": {"profile": "everyday", "image": "base", "size": "large"}}


async def _cancel_and_start_again(
    hub: Hub, supervisor: FakeSupervisor, start: asyncio.Task[object], *held: asyncio.Event
) -> None:
    rest = hub.rest("alice")
    stop = asyncio.create_task(rest("DELETE", SERVER))
    await asyncio.wait([start])
    for event in held:
        event.set()
    assert (await stop).status == 204
    assert supervisor.running == []
    spawner = hub.spawner("alice")
    assert (spawner.active, spawner.spawn_id) == (False, "")
    assert spawner.places.running() == {}
    assert hub.failure_count == 0

    supervisor.behaviour = "listens"
    assert (await rest("POST", SERVER)).status == 201
    assert len(supervisor.running) == 1
    assert spawner.places.running() == {supervisor.running[0].request.size: 1}


async def test_while_it_is_decided(hub: Hub, supervisor: FakeSupervisor) -> None:
    supervisor.hold_facilities = asyncio.Event()
    start = asyncio.create_task(hub.rest("alice")("POST", SERVER, json=CHOICE))
    await supervisor.asked("GET /v1/facilities")
    await _cancel_and_start_again(hub, supervisor, start, supervisor.hold_facilities)


async def test_while_the_process_is_started(hub: Hub, supervisor: FakeSupervisor) -> None:
    supervisor.hold_starts = asyncio.Event()
    start = asyncio.create_task(hub.rest("alice")("POST", SERVER, json=CHOICE))
    await supervisor.asked("PUT /v1/servers")
    await _cancel_and_start_again(hub, supervisor, start, supervisor.hold_starts)


async def test_while_it_does_not_listen_yet(hub: Hub, supervisor: FakeSupervisor) -> None:
    supervisor.behaviour = "hangs"
    start = asyncio.create_task(hub.rest("alice")("POST", SERVER, json=CHOICE))
    await supervisor.asked("GET /v1/servers/")
    await _cancel_and_start_again(hub, supervisor, start)


async def test_while_it_listens_and_does_not_answer_yet(
    hub: Hub, supervisor: FakeSupervisor
) -> None:
    supervisor.hold_answers = asyncio.Event()
    start = asyncio.create_task(hub.rest("alice")("POST", SERVER, json=CHOICE))
    await supervisor.asked("GET /user/alice/api")
    await _cancel_and_start_again(hub, supervisor, start, supervisor.hold_answers)
