"""What the hub is told of a cluster."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.offers import AvailabilitySnapshot
from support.accelerators import accelerator_settings, cluster, flavor_state
from support.event_reader import reading, ticket
from support.service_process import running_service
from support.told_capacity import ToldService

if TYPE_CHECKING:
    from support.fake_hub import FakeHub


@pytest.mark.asyncio
async def test_the_hub_is_told_what_is_free_and_when_nobody_knows(hub: FakeHub) -> None:
    started = asyncio.Event()
    counted = cluster(l4=flavor_state())
    made = ToldService(counted, started=started)
    async with running_service(
        made.build, accelerator_settings(), hub_api_url=hub.api_url
    ) as running:
        await started.wait()
        url = f"{running.url}api/v1/snapshots"
        async with reading(url, ticket("hub", kind="hub")) as events:
            first = AvailabilitySnapshot.model_validate((await events.next()).data)
            assert (first.known, first.capacity) == (True, counted)
            made.source.lose()
            lost = AvailabilitySnapshot.model_validate((await events.until("snapshot")).data)
            assert (lost.known, lost.capacity) == (False, None)
