from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from traitlets.config import Config

from support.fake_service import FakeService, fake_service
from support.user_server import SERVER_TOKEN, own_folders, user_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from support.user_server import StartServer, UserServer

pytestmark = pytest.mark.asyncio

OFFERS = {
    "user": "alice",
    "as_of": "2026-11-21T09:00:00Z",
    "settings_hash": "0123456789abcdef",
    "offers": [
        {
            "profile": "notebook",
            "image": "scipy",
            "size": "small",
            "state": "available",
            "reason": None,
            "alternatives": [],
        }
    ],
}


@pytest_asyncio.fixture
async def services() -> AsyncIterator[FakeService]:
    async with fake_service() as service:
        service.body = json.dumps(OFFERS)
        yield service


@pytest_asyncio.fixture
async def connected(start_server: StartServer, services: FakeService) -> AsyncIterator[UserServer]:
    """The server of alice, told where the services are by its environment."""
    async with start_server(services_url=f"{services.url}base/services/") as running:
        yield running


async def test_the_list_is_passed_through_with_the_servers_token(
    connected: UserServer, services: FakeService
) -> None:
    reply = await connected.fetch("offers", token="alices")

    assert (reply.status, reply.json()) == (200, OFFERS)
    assert services.asked == [("/base/services/offers/api/v1/offers", f"token {SERVER_TOKEN}")]


@pytest.mark.parametrize("token", ["bobs", "services"])
async def test_a_visitor_does_not_borrow_the_owners_token(
    connected: UserServer, services: FakeService, token: str
) -> None:
    reply = await connected.fetch("offers", token=token)

    assert reply.status == 403
    assert reply.json()["code"] == "visitor-not-owner"
    assert services.asked == []


async def test_a_hub_that_is_down_is_a_sentence_and_harms_nothing(server: UserServer) -> None:
    reply = await server.fetch("offers", token="alices")

    assert reply.status == 503
    assert reply.headers["Content-Type"] == "application/problem+json"
    problem = reply.json()
    assert problem["code"] == "service-unreachable"
    assert problem["message"] == problem["detail"]
    assert "Your server goes on without it" in problem["detail"]
    assert (await server.fetch("session", token="alices")).status == 200


async def test_nobody_told_where_the_services_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_folders(monkeypatch, tmp_path)
    config = Config({"IdentityProvider": {"token": "mine"}})
    async with user_server(tmp_path, config=config) as alone:
        reply = await alone.fetch("offers", token="mine")
        session = await alone.fetch("session", token="mine")

    assert (reply.status, reply.json()["code"]) == (503, "services-unknown")
    view = session.json()
    assert (view["session"], view["visitor"], view["hub_home_url"]) == (None, False, None)
