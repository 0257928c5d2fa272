"""An API server on a socket that sends what it is told, byte for byte."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubernetes_asyncio.client import Configuration

from sandlot_hub.adapters.cluster_informer_wire import ClusterReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]

ADDRESS = "127.0.0.1"


@dataclass
class ScriptedApi:
    """What it answers, in order, and what it was asked."""

    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """First line and headers of every request."""
    port: int = 0
    token: str = "secret-token"
    configured: int = 0
    """How often somebody asked how to come here."""
    conversations: set[asyncio.Task[None]] = field(default_factory=set)

    async def configuration(self) -> Configuration:
        """Return how to come here."""
        self.configured += 1
        made = Configuration(host=f"http://{ADDRESS}:{self.port}")
        made.api_key["BearerToken"] = f"Bearer {self.token}"
        return made

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        task = asyncio.current_task()
        assert task is not None
        self.conversations.add(task)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.rstrip().split("\r\n")
                headers = {
                    name.lower(): value
                    for name, _, value in (line.partition(": ") for line in lines)
                }
                await reader.readexactly(int(headers.get("content-length", "0")))
                self.asked.append((first, headers))
                if not self.answers:
                    break
                await self.answers.pop(0)(writer)
                await writer.drain()
        writer.transport.abort()


def whole(status: int, body: bytes, **headers: str) -> Answer:
    """Return an answer that comes at once."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n{more}\r\n"
        writer.write(head.encode() + body)

    return answer


def stream(*chunks: bytes, ends: bool = True) -> Answer:
    """Return an answer in chunks; one that does not end is silent after them."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for chunk in chunks:
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await writer.drain()
        if ends:
            writer.write(b"0\r\n\r\n")
        else:
            await asyncio.Event().wait()

    return answer


def cut(*chunks: bytes) -> Answer:
    """Return an answer in chunks that breaks off after them."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for chunk in chunks:
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        await writer.drain()
        writer.close()
        raise ConnectionResetError

    return answer


@asynccontextmanager
async def scripted(*answers: Answer) -> AsyncIterator[tuple[ScriptedApi, ClusterReader]]:
    """Give such an API server, and a reader that asks it."""
    api = ScriptedApi(answers=list(answers))
    server = await asyncio.start_server(api.converse, ADDRESS, 0)
    api.port = server.sockets[0].getsockname()[1]
    reader = ClusterReader(configure=api.configuration)
    try:
        yield api, reader
    finally:
        await reader.close()
        server.close()
        for task in api.conversations:
            task.cancel()
        await asyncio.gather(*api.conversations, return_exceptions=True)
