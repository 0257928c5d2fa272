from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from sandlot_hub.adapters.hub_client import HubClient, HubUnavailableError
from sandlot_hub.adapters.hub_identity import MAX_AGE, CheckResult, HubTokens
from support.fake_hub import FakeHub, fake_hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio
KEY = "k" * 32


class Bench:
    """Tokens over a fake hub, with a clock that stands still."""

    def __init__(self, hub: FakeHub, client: HubClient, **options: Any) -> None:
        self.hub = hub
        self.seconds = 0.0
        self.results: list[CheckResult] = []
        self.tokens = HubTokens(
            client=client,
            api_url=hub.api_url,
            monotonic=lambda: self.seconds,
            observe=self.results.append,
            **options,
        )


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    async with fake_hub() as hub, HubClient() as client:
        hub.add_user(KEY, "alice", scopes=["a", "b"], groups=["ml"])
        yield Bench(hub, client, capacity=10)


async def test_it_tells_whose_a_token_is(bench: Bench) -> None:
    identity = await bench.tokens.identify(KEY)
    assert identity is not None
    assert (identity.kind, identity.name, identity.admin) == ("user", "alice", False)
    assert identity.groups == {"ml"}
    assert identity.scopes == {"a", "b"}
    assert bench.hub.asked == [f"token {KEY}"]


async def test_a_service_has_no_groups(bench: Bench) -> None:
    bench.hub.add_service("s" * 32, "prometheus", scopes=["read:metrics"])
    identity = await bench.tokens.identify("s" * 32)
    assert identity is not None
    assert (identity.kind, identity.groups) == ("service", frozenset())


async def test_the_hub_is_asked_again_after_a_while(bench: Bench) -> None:
    await bench.tokens.identify(KEY)
    bench.seconds = MAX_AGE - 0.1
    await bench.tokens.identify(KEY)
    assert len(bench.hub.asked) == 1
    bench.seconds = MAX_AGE
    await bench.tokens.identify(KEY)
    assert len(bench.hub.asked) == 2
    assert bench.results == [CheckResult.VALID, CheckResult.CACHED, CheckResult.VALID]


async def test_a_revoked_token_is_nobodys_after_a_while(bench: Bench) -> None:
    await bench.tokens.identify(KEY)
    bench.hub.identities.clear()
    bench.seconds = MAX_AGE
    assert await bench.tokens.identify(KEY) is None


async def test_a_logout_is_seen_at_once(bench: Bench) -> None:
    assert await bench.tokens.identify(KEY, session_id="before") is not None
    bench.hub.identities.clear()
    assert await bench.tokens.identify(KEY, session_id="") is None


async def test_an_invalid_token_is_asked_once(bench: Bench) -> None:
    assert [await bench.tokens.identify("nobody") for _ in range(3)] == [None] * 3
    assert len(bench.hub.asked) == 1
    assert bench.results == [CheckResult.INVALID, CheckResult.CACHED, CheckResult.CACHED]


async def test_invented_tokens_push_nobody_out(bench: Bench) -> None:
    await bench.tokens.identify(KEY)
    for number in range(100):
        await bench.tokens.identify(f"invented-{number}")
    assert len(bench.tokens._invalid) == 10
    bench.hub.asked.clear()
    await bench.tokens.identify(KEY)
    assert bench.hub.asked == []


async def test_a_thousand_requests_are_one_question(bench: Bench) -> None:
    bench.hub.gate = asyncio.Event()
    callers = [asyncio.create_task(bench.tokens.identify(KEY)) for _ in range(1000)]
    await asyncio.sleep(0)
    bench.hub.gate.set()
    assert {identity.name for identity in await asyncio.gather(*callers) if identity} == {"alice"}
    assert len(bench.hub.asked) == 1


@pytest.mark.parametrize(
    "token",
    ["", " ", "a b", "x" * 65, "a\r\nX-Evil: 1", "a\x00", "tøken", "\x1b[31m"],
    ids=["empty", "blank", "inner-blank", "too-long", "header", "nul", "unicode", "ansi"],
)
async def test_what_cannot_be_a_token_is_not_sent_to_the_hub(bench: Bench, token: str) -> None:
    assert await bench.tokens.identify(token) is None
    assert bench.hub.asked == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(500, "{}", id="failing"),
        pytest.param(404, "{}", id="wrong-address"),
        pytest.param(
            404, '{"kind": "user", "name": "a", "scopes": []}', id="identity-of-no-success"
        ),
        pytest.param(302, "", id="redirect"),
        pytest.param(200, "[]", id="no-object"),
        pytest.param(200, '{"kind": "user", "name": "", "scopes": []}', id="no-name"),
        pytest.param(200, '{"kind": "user", "name": "a"}', id="no-scopes"),
        pytest.param(200, '{"kind": "god", "name": "a", "scopes": []}', id="unknown-kind"),
        pytest.param(200, '{"kind": "user", "name": "a", "scopes": "*"}', id="scopes-no-list"),
    ],
)
async def test_nobody_is_let_in_on_what_is_no_answer(bench: Bench, status: int, body: str) -> None:
    bench.hub.status, bench.hub.body = status, body
    with pytest.raises(HubUnavailableError):
        await bench.tokens.identify(KEY)
    bench.hub.status = bench.hub.body = None
    # And it is not remembered.
    assert await bench.tokens.identify(KEY) is not None
    assert bench.results == [CheckResult.UNAVAILABLE, CheckResult.VALID]


async def test_an_old_answer_does_not_stand_in_for_a_silent_hub(bench: Bench) -> None:
    await bench.tokens.identify(KEY)
    bench.seconds = MAX_AGE
    bench.hub.status = 500
    with pytest.raises(HubUnavailableError):
        await bench.tokens.identify(KEY)


async def test_no_token_lies_in_memory(bench: Bench) -> None:
    await bench.tokens.identify(KEY)
    assert KEY not in repr(bench.tokens._valid._entries)
