from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.server_answers import server_answers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio

HOST = "127.0.0.1"


@asynccontextmanager
async def _server(reply: bytes | None, asked: list[bytes]) -> AsyncIterator[int]:
    """Answer with these bytes, or never."""
    ended = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        if reply is None:
            await ended.wait()
        writer.write(reply or b"")
        writer.close()

    server = await asyncio.start_server(answer, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        ended.set()


@pytest.mark.parametrize(
    ("reply", "answers"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n{}", True, id="fine"),
        pytest.param(b"HTTP/1.0 302 Found\r\n\r\n", True, id="redirect"),
        pytest.param(b"HTTP/1.1 404 Not Found\r\n\r\n", True, id="not found"),
        pytest.param(b"HTTP/1.1 503 Busy\r\n\r\n", False, id="error"),
        pytest.param(b"HTTP/1.1", False, id="cut short"),
        pytest.param(b"", False, id="nothing"),
        pytest.param(b"x" * 1_000_000, False, id="something else"),
    ],
)
async def test_what_counts_as_an_answer(reply: bytes, *, answers: bool) -> None:
    asked: list[bytes] = []
    async with _server(reply, asked) as port:
        assert await server_answers(HOST, port, "/user/a%20b/api") is answers
    assert asked[0].startswith(b"GET /user/a%20b/api HTTP/1.0\r\nHost: 127.0.0.1:")


async def test_nobody_there() -> None:
    async with _server(b"", []) as port:
        pass
    assert not await server_answers(HOST, port, "/api")


async def test_silence_has_an_end() -> None:
    async with _server(None, []) as port:
        assert not await server_answers(HOST, port, "/api", timeout_s=0.01)
