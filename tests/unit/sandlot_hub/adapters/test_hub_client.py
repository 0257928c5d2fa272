from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sandlot_hub.adapters.hub_client import CONNECTIONS, HubClient, HubUnavailableError
from support.fake_hub import FakeHub, fake_hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio
KEY = "k" * 32


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[FakeHub]:
    async with fake_hub() as server:
        server.add_user(KEY, "alice", scopes=[])
        yield server


async def ask(hub_url: str, *, token: str = KEY, seconds: float = 5.0) -> tuple[int, object]:
    async with HubClient(timeout=seconds) as client:
        headers = {"Authorization": f"token {token}"}
        reply = await client.request("GET", f"{hub_url}/user", headers=headers)
        return reply.status, reply.body


async def test_an_answer_is_an_answer(hub: FakeHub) -> None:
    status, body = await ask(hub.api_url)
    assert status == 200
    assert body["name"] == "alice"  # type: ignore[index]


async def test_a_refusal_is_an_answer_too(hub: FakeHub) -> None:
    status, _ = await ask(hub.api_url, token="nobody")
    assert status == 403


async def test_a_refusal_needs_no_json(hub: FakeHub) -> None:
    hub.status, hub.body = 404, "<h1>Not found</h1>"
    assert await ask(hub.api_url) == (404, None)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        pytest.param(500, "{}", "answered with status 500", id="500"),
        pytest.param(503, "{}", "answered with status 503", id="503"),
        pytest.param(429, "{}", "answered with status 429", id="throttled"),
        pytest.param(200, "<html>", "without JSON", id="no-json"),
        pytest.param(200, "", "without JSON", id="empty"),
        pytest.param(200, "[" * 100_000, "without JSON", id="nested"),
        pytest.param(200, '"' + "x" * 1_100_000 + '"', "no answer", id="too-long"),
    ],
)
async def test_what_is_no_answer_means_unavailable(
    hub: FakeHub, status: int, body: str, reason: str
) -> None:
    hub.status, hub.body = status, body
    with pytest.raises(HubUnavailableError, match=reason):
        await ask(hub.api_url)


async def test_a_hub_that_is_silent_is_unavailable_in_time(hub: FakeHub) -> None:
    hub.gate = asyncio.Event()
    async with asyncio.timeout(5):
        with pytest.raises(HubUnavailableError, match="TimeoutError"):
            await ask(hub.api_url, seconds=0.2)


async def test_a_hub_that_is_dead_is_unavailable() -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(HubUnavailableError, match="ClientConnectorError"):
        await ask(f"http://127.0.0.1:{port}")


async def test_the_token_is_not_in_the_error(hub: FakeHub) -> None:
    hub.status = 500
    with pytest.raises(HubUnavailableError) as caught:
        await ask(hub.api_url)
    assert KEY not in str(caught.value)


async def test_few_questions_are_asked_at_a_time(hub: FakeHub) -> None:
    hub.gate = asyncio.Barrier(CONNECTIONS)
    async with HubClient(timeout=60) as client:
        headers = {"Authorization": f"token {KEY}"}
        questions = [
            client.request("GET", f"{hub.api_url}/user", headers=headers)
            for _ in range(CONNECTIONS * 3)
        ]
        await asyncio.gather(*questions)
    assert len(hub.arrived) == CONNECTIONS * 3
    assert hub.most_waiting == CONNECTIONS


async def test_it_has_to_be_entered() -> None:
    with pytest.raises(RuntimeError, match="enter the HubClient"):
        await HubClient().request("GET", "http://127.0.0.1:9/", headers={})
