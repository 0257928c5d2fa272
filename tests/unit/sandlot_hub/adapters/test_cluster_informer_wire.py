"""Tests of lists and watches on a socket."""

from __future__ import annotations

import json

import pytest

from sandlot_hub.adapters import cluster_informer_wire as wire
from sandlot_hub.adapters.cluster_access import ClusterAccessError
from sandlot_hub.adapters.cluster_informer_wire import ClusterReader, PageTooLargeError, SilentError
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError
from support.scripted_api import cut, scripted, stream, whole

pytestmark = pytest.mark.asyncio

QUERY = {"limit": "500", "continue": "a/b=="}


async def watched(reader: ClusterReader, *, silence_s: float = 5.0) -> list[bytes]:
    found: list[bytes] = []
    async with reader.watch("/api/v1/pods", {"watch": "1"}, silence_s=silence_s) as batches:
        async for lines in batches:
            found += lines
    return found


async def test_a_page_is_asked_for_as_the_account_and_comes_as_it_is() -> None:
    async with scripted(stream(b'{"items"', b": []}")) as (api, reader):
        assert await reader.page("/api/v1/pods", QUERY) == b'{"items": []}'
        first, headers = api.asked[0]
        assert first == "GET /api/v1/pods?limit=500&continue=a/b%3D%3D HTTP/1.1"
        assert headers["authorization"] == "Bearer secret-token"
        assert headers["accept-encoding"] == "identity"
        assert headers["user-agent"] == "sandlot-offers"


async def test_a_watch_gives_lines_however_they_are_cut() -> None:
    async with scripted(stream(b'{"a":1}\n{"b"', b":2}\n\n", b'{"c":3}\n')) as (_, reader):
        assert await watched(reader) == [b'{"a":1}', b'{"b":2}', b'{"c":3}']


async def test_one_connection_serves_one_watch_after_another() -> None:
    async with scripted(stream(b"1\n"), stream(b"2\n"), whole(200, b"{}")) as (api, reader):
        assert [await watched(reader), await watched(reader)] == [[b"1"], [b"2"]]
        await reader.page("/api/v1/pods", {})
        assert len(api.asked) == 3
        assert api.configured == 1


async def test_silence_is_noticed() -> None:
    async with scripted(stream(b"1\n", ends=False)) as (_, reader):
        with pytest.raises(SilentError, match="Timeout"):
            await watched(reader, silence_s=0.1)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(cut(b"1\n"), id="between"),
        pytest.param(cut(b'{"a"'), id="within"),
        pytest.param(cut(), id="before"),
    ],
)
async def test_a_watch_that_breaks_off_is_an_error(answer: object) -> None:
    async with scripted(answer) as (_, reader):  # type: ignore[arg-type]
        with pytest.raises(ClusterUnreachableError) as caught:
            await watched(reader)
    assert not isinstance(caught.value, SilentError)


async def test_nobody_there_is_an_error() -> None:
    async with scripted() as (_, reader):
        with pytest.raises(ClusterUnreachableError):
            await reader.page("/api/v1/pods", {})


async def test_a_line_without_an_end_costs_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_LINE", 1000)
    async with scripted(stream(*[b"x" * 400] * 5, ends=False)) as (_, reader):
        with pytest.raises(ClusterUnreachableError, match="more than 1000 bytes"):
            await watched(reader)


async def test_nor_does_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_PAGE", 1000)
    async with scripted(stream(*[b"x" * 400] * 5)) as (_, reader):
        with pytest.raises(PageTooLargeError):
            await reader.page("/api/v1/pods", {})


STATUS = json.dumps({"kind": "Status", "reason": "Expired", "code": 410}).encode()
REFUSALS = [
    pytest.param(whole(410, STATUS), 410, {"reason": "Expired"}, id="410"),
    pytest.param(
        whole(429, b"{}", Retry_After="7"), 429, {"details": {"retryAfterSeconds": 7}}, id="429"
    ),
    pytest.param(whole(429, b"{}", Retry_After="Fri, 31 Dec"), 429, {}, id="429-by-a-date"),
    pytest.param(whole(502, b"<html>bad</html>"), 502, {}, id="page-of-something-else"),
    pytest.param(whole(500, b"x" * 100_000), 500, {}, id="long-page-of-something-else"),
]


@pytest.mark.parametrize(("answer", "status", "says"), REFUSALS)
@pytest.mark.parametrize("watch", [pytest.param(True, id="watch"), pytest.param(False, id="list")])
async def test_a_refusal(answer: object, status: int, says: dict[str, object], watch: bool) -> None:
    async with scripted(answer) as (_, reader):  # type: ignore[arg-type]
        with pytest.raises(ClusterRefusedError) as caught:
            await (watched(reader) if watch else reader.page("/api/v1/pods", {}))
        assert caught.value.status == status
        assert {key: caught.value.document.get(key) for key in says} == says


async def test_refused_credentials_are_read_again() -> None:
    async with scripted(whole(401, b"{}"), whole(200, b"ok")) as (api, reader):
        with pytest.raises(ClusterRefusedError):
            await reader.page("/api/v1/pods", {})
        api.token = "rotated"
        assert await reader.page("/api/v1/pods", {}) == b"ok"
        assert api.configured == 2
        assert api.asked[1][1]["authorization"] == "Bearer rotated"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param({"allowed": True}, True, id="yes"),
        pytest.param({"allowed": False, "reason": "RBAC"}, False, id="no"),
        pytest.param({"allowed": "true"}, False, id="no-yes"),
        pytest.param(None, False, id="nothing"),
    ],
)
async def test_what_the_account_may_do(status: object, expected: bool) -> None:
    body = json.dumps({"kind": "SelfSubjectAccessReview", "status": status}).encode()
    async with scripted(whole(201, body)) as (api, reader):
        assert await reader.may("list", "nodes") is expected
        first, headers = api.asked[0]
        assert first.startswith("POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews ")
        assert headers["content-type"] == "application/json"


async def test_without_credentials_it_says_so() -> None:
    async def none() -> object:
        message = "there is no file"
        raise ClusterAccessError(message)

    reader = ClusterReader(configure=none)  # type: ignore[arg-type]
    with pytest.raises(ClusterAccessError):
        await reader.may("list", "nodes")
    await reader.close()
