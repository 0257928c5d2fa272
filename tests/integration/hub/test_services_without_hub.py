"""The offers service when the hub goes away under it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from support.installed_offers import installed_offers

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.asyncio
async def test_a_dead_hub_is_a_503_for_whoever_is_not_known(tmp_path: Path) -> None:
    async with installed_offers(tmp_path) as installation:
        ask = installation.service.ask
        known, unknown = installation.token("alice"), installation.token("bob")
        assert (await ask("api/v1/offers", known))[0] == 200
        installation.hub.app.http_server.stop()
        await installation.hub.app.http_server.close_all_connections()
        async with asyncio.timeout(10):
            status, problem = await ask("api/v1/offers", unknown)
        assert (status, problem["code"]) == (503, "hub-unavailable")
        # Known for another few seconds: what the hub said is remembered for a short while.
        assert (await ask("api/v1/offers", known))[0] == 200
        assert (await ask("health"))[1]["status"] == "ok"
