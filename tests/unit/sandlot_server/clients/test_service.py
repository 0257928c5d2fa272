from __future__ import annotations

import asyncio
import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sandlot_contracts.problem import Problem
from sandlot_contracts.session import Named
from sandlot_server.clients.service import ServiceClient, new_http
from sandlot_server.errors import (
    ProblemError,
    ServiceRefusedError,
    ServiceReplyError,
    ServiceTimeoutError,
    ServiceUnreachableError,
)
from support.fake_service import FakeService, fake_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio

TOKEN = "do-not-show-this"
PROBLEM = {
    "title": "Not yours",
    "status": 403,
    "detail": "You are not a member.",
    "message": "You are not a member.",
    "code": "not-a-member",
    "alternatives": [{"profile": "p", "image": "i", "size": "s", "label": "L"}],
}


@pytest_asyncio.fixture
async def service() -> AsyncIterator[FakeService]:
    async with fake_service() as service:
        yield service


async def ask(url: str, *, timeout_s: float = 5.0) -> Named:
    with closing(new_http()) as http:
        client = ServiceClient(
            name="The service", url=url, token=TOKEN, timeout_s=timeout_s, http=http
        )
        return await client.get("api/v1/thing", Named)


async def test_the_reply_is_parsed_and_the_token_goes_into_a_header(service: FakeService) -> None:
    service.body = '{"slug": "s", "display_name": "S", "new": 1}'

    assert await ask(service.url) == Named(slug="s", display_name="S")
    assert service.asked == [("/api/v1/thing", f"token {TOKEN}")]


async def test_a_refusal_is_passed_on_unchanged(service: FakeService) -> None:
    service.status, service.media_type = 403, "application/problem+json"
    service.body = json.dumps(PROBLEM)

    with pytest.raises(ServiceRefusedError) as caught:
        await ask(service.url)
    assert caught.value.status_code == 403
    assert caught.value.problem() == Problem.model_validate(PROBLEM)


@pytest.mark.parametrize(
    ("status", "media_type", "body"),
    [
        pytest.param(200, "application/json", '{"slug": 1}', id="another shape"),
        pytest.param(200, "text/html", "<h1>Log in</h1>", id="a page"),
        pytest.param(403, "application/json", '{"message": "no"}', id="another kind of refusal"),
        pytest.param(404, "text/html", "not here", id="no such service"),
        pytest.param(500, "text/plain", "Oh no", id="no problem"),
        pytest.param(500, "application/problem+json", "{}", id="a broken problem"),
    ],
)
async def test_an_answer_that_makes_no_sense(
    service: FakeService, status: int, media_type: str, body: str
) -> None:
    service.status, service.media_type, service.body = status, media_type, body

    with pytest.raises(ServiceReplyError, match=f"HTTP {status}"):
        await ask(service.url)


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_proxy_that_answers_for_a_service_that_is_away(
    service: FakeService, status: int
) -> None:
    service.status, service.media_type, service.body = status, "text/plain", "Bad Gateway"

    with pytest.raises(ServiceUnreachableError, match="cannot be reached from your server"):
        await ask(service.url)


async def test_a_redirect_is_not_followed(service: FakeService) -> None:
    async with fake_service() as elsewhere:
        service.status, service.headers = 302, {"Location": elsewhere.url}

        with pytest.raises(ServiceReplyError, match="HTTP 302"):
            await ask(service.url)
        assert elsewhere.asked == []


async def test_an_answer_that_does_not_come(service: FakeService) -> None:
    service.gate = asyncio.Event()

    with pytest.raises(ServiceTimeoutError, match=r"did not answer within 0\.05 s"):
        async with asyncio.timeout(5):
            await ask(service.url, timeout_s=0.05)


async def test_a_connection_that_breaks(service: FakeService) -> None:
    service.breaks = True

    with pytest.raises(ServiceUnreachableError):
        await ask(service.url)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://127.0.0.1:1/", id="nobody listens"),
        pytest.param("http://no-such-host.invalid/", id="no such host"),
    ],
)
async def test_no_connection(url: str) -> None:
    with pytest.raises(ServiceUnreachableError) as caught:
        await ask(url)
    assert caught.value.status_code == 503


async def test_no_error_shows_the_token(service: FakeService) -> None:
    service.status, service.body = 500, TOKEN
    for url in (service.url, "http://127.0.0.1:1/"):
        with pytest.raises(ProblemError) as caught:
            await ask(url)
        error: BaseException | None = caught.value
        while error is not None:
            assert TOKEN not in f"{error!r} {error}"
            error = error.__cause__
