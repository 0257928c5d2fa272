"""Tests of the pages of a list, of which the next is asked for before one is complete."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.cluster_informer_pages import early_go_on, pages_of
from sandlot_hub.adapters.cluster_informer_types import Page
from sandlot_hub.domain.pods.ports import ClusterRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7",'

HEADS = [
    pytest.param(
        HEAD + b'"continue":"abc","remainingItemCount":9},"items":[', "abc", id="as-it-is"
    ),
    pytest.param(
        b'{\n "metadata": {"remainingItemCount": 9, "continue": "abc"}',
        "abc",
        id="in-another-order",
    ),
    pytest.param(HEAD + b'"selfLink":""},"items":[{"continue":"no"}]', "", id="last-page"),
    pytest.param(HEAD + b'"x":{"continue":"no"}', "", id="deeper"),
    pytest.param(b'{"items":[{"metadata":{"continue":"no"}}]', "", id="of-an-object"),
    pytest.param(b'{"items":[],"metadata":{"continue":"no"}}', "", id="after-the-objects"),
    pytest.param(HEAD + b'"continue":"ab', "", id="cut-off"),
    pytest.param(HEAD + b'"continue":"a\\u0041"', "", id="escaped"),
    pytest.param(
        b'{"kind":"' + b"x" * 5000 + b'","metadata":{"continue":"no"}}', "", id="far-away"
    ),
    pytest.param(b"<html>", "", id="no-list"),
    pytest.param(b"", "", id="nothing"),
]


@pytest.mark.parametrize(("head", "expected"), HEADS)
def test_where_a_list_goes_on_is_read_only_where_the_list_says_it(
    head: bytes, expected: str
) -> None:
    assert early_go_on(head) == expected


class Server:
    """Answers as told, one page after the other."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.ends: dict[str, asyncio.Future[bytes]] = {}
        self._begun: dict[str, Callable[[bytes], None]] = {}

    async def ask(self, go_on: str, begun: Callable[[bytes], None]) -> bytes:
        self.asked.append(go_on)
        self._begun[go_on] = begun
        self.ends[go_on] = asyncio.get_running_loop().create_future()
        return await self.ends[go_on]

    async def begin(self, go_on: str, then: str) -> None:
        """Send the first bytes of a page."""
        more = b'"continue":"%s",' % then.encode() if then else b""
        self._begun[go_on](HEAD + more + b'"x":1},"items":[')
        await _settled()

    async def end(self, go_on: str, then: str) -> None:
        """Send all of a page."""
        self.ends[go_on].set_result(then.encode())
        await _settled()


def _read(body: bytes) -> Page[str]:
    return Page("7", body.decode(), [])


async def _settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_one_page_is_ahead_and_never_two() -> None:
    server = Server()
    async with aclosing(pages_of(server.ask, _read)) as pages:
        first = asyncio.ensure_future(anext(pages))
        await _settled()
        assert server.asked == [""]
        await server.begin("", "b")
        # The first one is still on its way.
        assert server.asked == ["", "b"]
        await server.begin("b", "c")
        assert server.asked == ["", "b"]
        await server.end("", "b")
        assert (await first).go_on == "b"
        await _settled()
        # Nobody has taken the second one.
        assert server.asked == ["", "b"]
        second = asyncio.ensure_future(anext(pages))
        await _settled()
        assert server.asked == ["", "b", "c"]
        await server.end("b", "c")
        assert (await second).go_on == "c"
        await server.end("c", "")
        assert (await anext(pages)).go_on == ""
        with pytest.raises(StopAsyncIteration):
            await anext(pages)
    assert server.asked == ["", "b", "c"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("early", "asked"),
    [
        pytest.param("", ["", "b"], id="not-said-early"),
        pytest.param("x", ["", "x", "b"], id="said-otherwise"),
    ],
)
async def test_what_a_whole_page_says_holds(early: str, asked: list[str]) -> None:
    server = Server()
    async with aclosing(pages_of(server.ask, _read)) as pages:
        coming = asyncio.ensure_future(anext(pages))
        await _settled()
        await server.begin("", early)
        await server.end("", "b")
        assert (await coming).go_on == "b"
        await _settled()
        assert server.asked == asked
        assert not early or server.ends[early].cancelled()
        await server.end("b", "")
        assert (await anext(pages)).go_on == ""


@pytest.mark.asyncio
async def test_an_error_ends_it_and_what_was_asked_for_is_called_off() -> None:
    server = Server()
    async with aclosing(pages_of(server.ask, _read)) as pages:
        coming = asyncio.ensure_future(anext(pages))
        await _settled()
        await server.begin("", "b")
        server.ends[""].set_exception(ClusterRefusedError(410, {}))
        with pytest.raises(ClusterRefusedError):
            await coming
    assert server.ends["b"].cancelled()


@pytest.mark.asyncio
async def test_the_next_request_that_fails_says_so_when_its_turn_comes() -> None:
    server = Server()
    async with aclosing(pages_of(server.ask, _read)) as pages:
        coming = asyncio.ensure_future(anext(pages))
        await _settled()
        await server.begin("", "b")
        server.ends["b"].set_exception(ClusterRefusedError(410, {}))
        await server.end("", "b")
        assert (await coming).go_on == "b"
        with pytest.raises(ClusterRefusedError):
            await anext(pages)
