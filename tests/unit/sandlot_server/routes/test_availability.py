from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from support.fake_service import FakeService, fake_service
from support.user_server import SERVER_TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from support.user_server import StartServer, UserServer

pytestmark = pytest.mark.asyncio

AVAILABILITY: dict[str, Any] = {
    "as_of": "2026-11-21T09:00:00.000Z",
    "age_s": 0.5,
    "known": True,
    "counting": False,
    "settings_hash": "0123456789abcdef",
    "scope": "cluster",
    "reason": None,
    "flavors": [
        {
            "slug": "l4",
            "display_name": "NVIDIA L4",
            "state": {
                "total": 8,
                "down": 1,
                "used": 4,
                "free": 3,
                "largest_block": 2,
                "waiting": 0,
                "oldest_waiting": None,
                "may_grow": None,
                "growth_takes_s": None,
            },
            "missing": None,
            "holders": None,
        }
    ],
    "unknown_flavor": None,
}


@pytest_asyncio.fixture
async def services() -> AsyncIterator[FakeService]:
    async with fake_service() as service:
        service.body = json.dumps(AVAILABILITY)
        yield service


@pytest_asyncio.fixture
async def connected(start_server: StartServer, services: FakeService) -> AsyncIterator[UserServer]:
    """The server of alice, told where the services are by its environment."""
    async with start_server(services_url=f"{services.url}services/") as running:
        yield running


async def test_it_is_passed_through_with_the_servers_token(
    connected: UserServer, services: FakeService
) -> None:
    reply = await connected.fetch("availability", token="alices")

    assert (reply.status, reply.json()) == (200, AVAILABILITY)
    assert services.asked == [("/services/offers/api/v1/availability", f"token {SERVER_TOKEN}")]


@pytest.mark.parametrize("token", ["bobs", "services"])
async def test_a_visitor_does_not_borrow_the_owners_token(
    connected: UserServer, services: FakeService, token: str
) -> None:
    reply = await connected.fetch("availability", token=token)

    assert (reply.status, reply.json()["code"]) == (403, "visitor-not-owner")
    assert services.asked == []


async def test_a_hub_that_is_down_is_a_sentence_and_harms_nothing(server: UserServer) -> None:
    reply = await server.fetch("availability", token="alices")

    assert (reply.status, reply.json()["code"]) == (503, "service-unreachable")
    assert (await server.fetch("session", token="alices")).status == 200
