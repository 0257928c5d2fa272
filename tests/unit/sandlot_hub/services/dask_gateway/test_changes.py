from __future__ import annotations

import asyncio

import pytest

from sandlot_hub.services.dask_gateway.changes import Changes

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(20)]

LONG_S = 60.0
"""Longer than a test lasts: whoever waits so long was not told."""


async def test_all_who_wait_for_somebodys_clusters_are_told_and_nobody_else() -> None:
    changes = Changes()
    anns = [asyncio.create_task(changes.wait("ann", LONG_S)) for _ in range(2)]
    bobs = asyncio.create_task(changes.wait("bob", LONG_S))
    await asyncio.sleep(0)

    changes.tell("ann")
    assert await asyncio.gather(*anns) == [True, True]
    assert not bobs.done()

    changes.tell("bob")
    assert await bobs


async def test_what_was_told_before_is_no_news() -> None:
    changes = Changes()
    changes.tell("ann")

    assert not await changes.wait("ann", 0.001)


async def test_who_waits_again_is_told_again() -> None:
    changes = Changes()
    for _ in range(2):
        waiting = asyncio.create_task(changes.wait("ann", LONG_S))
        await asyncio.sleep(0)
        changes.tell("ann")
        assert await waiting
