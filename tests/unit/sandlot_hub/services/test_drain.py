from __future__ import annotations

import asyncio

import pytest

from sandlot_hub.services.drain import InFlight

pytestmark = pytest.mark.asyncio


async def test_without_requests_it_is_idle_at_once() -> None:
    assert await InFlight().wait_idle(within=0)


async def test_it_waits_for_the_last_one() -> None:
    requests = InFlight()
    requests.enter()
    requests.enter()
    waiting = asyncio.create_task(requests.wait_idle(within=30))
    requests.leave()
    await asyncio.sleep(0)
    assert not waiting.done()
    requests.leave()
    assert await waiting


async def test_it_does_not_wait_for_ever() -> None:
    requests = InFlight()
    requests.enter()
    assert not await requests.wait_idle(within=0.01)
