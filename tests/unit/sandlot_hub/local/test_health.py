from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.local.health import Health
from sandlot_hub.local.processes import Guarded, Identity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.asyncio

ME = Identity(uid=os.geteuid(), gid=os.getegid())


class Us(Guarded):
    """This process, as if it were a guarded one."""

    def __init__(self) -> None:
        self.pid = os.getpid()


def answering(reply: bytes) -> Callable[..., Awaitable[None]]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await writer.drain()
        writer.close()

    return answer


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True, id="well"),
        pytest.param(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", False, id="unwell"),
        pytest.param(
            b"HTTP/1.1 302 Go\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", False, id="elsewhere"
        ),
        pytest.param(b"", False, id="hangs-up"),
        pytest.param(b"what?\r\n\r\n", False, id="no-http"),
    ],
)
async def test_answers(reply: bytes, *, expected: bool) -> None:
    async with await asyncio.start_server(answering(reply), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await Health(own_uids=False).answers(f"http://127.0.0.1:{port}/health")
    assert found is expected


@pytest.mark.parametrize(
    ("status", "expected"), [(b"200 OK", True), (b"502 Down", True), (b"404 What", False)]
)
async def test_is_routed(status: bytes, *, expected: bool) -> None:
    reply = b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n"
    async with await asyncio.start_server(answering(reply), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await Health(own_uids=False).is_routed(f"http://127.0.0.1:{port}/")
    assert found is expected


async def test_nobody_answers() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        assert not await Health(own_uids=False).answers(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("own_uids", [True, False])
async def test_listens(*, own_uids: bool) -> None:
    health = Health(own_uids=own_uids)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert health.listens(port, Us(), ME)
    assert not health.listens(port, Us(), ME)
