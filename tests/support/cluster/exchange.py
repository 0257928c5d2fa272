"""One request at the proxy: what arrived, the way to the API server, and the way back."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from support.cluster.faults import Ending, Request, expired_event
from support.cluster.http1 import (
    LAST_CHUNK,
    LIMIT,
    Head,
    encode_part,
    read_head,
    read_parts,
    take_lines,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

CONNECT_S = 10.0
BODILESS = {204, 304}


class HangUpError(Exception):
    """The connection with the client is over; how, was done already."""


class Upstream:
    """A connection to the API server, made when it is first needed."""

    def __init__(self, *, host: str, port: int, trust: ssl.SSLContext) -> None:
        self._host = host
        self._port = port
        self._trust = trust
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, data: bytes) -> asyncio.StreamReader:
        """Send a request; return where its answer comes from."""
        if self._streams is None:
            opened = asyncio.open_connection(self._host, self._port, ssl=self._trust, limit=LIMIT)
            self._streams = await asyncio.wait_for(opened, CONNECT_S)
        reader, writer = self._streams
        writer.write(data)
        await writer.drain()
        return reader

    def close(self) -> None:
        """End it; the next request makes a new one."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


class Response:
    """What the API server answers: its head, and its body while it comes."""

    def __init__(self, head: Head, parts: AsyncIterator[bytes]) -> None:
        self.head = head
        self.parts = parts

    async def read(self) -> bytes:
        """Return the whole body."""
        return b"".join([part async for part in self.parts])


class Client:
    """A connection that a client has made."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ahead: asyncio.Task[bytes] | None = None

    async def next_request(self) -> tuple[Request, Head, bytes] | None:
        """Return the next request with its head and its body; None when there will be none."""
        begun = b""
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            begun = await ahead
            if not begun:
                return None
        head = await read_head(self._reader, begun=begun)
        if head is None:
            return None
        body = b"".join([part async for part in read_parts(self._reader, head)])
        method, target, _ = head.first.split(" ", 2)
        parts = urlsplit(target)
        request = Request(method=method, path=parts.path, query=dict(parse_qsl(parts.query)))
        return request, head, body

    def gone(self) -> asyncio.Task[bytes]:
        """Return what ends when the client closes, or sends its next request.

        There is no other way to learn that a client has left while it is being answered.
        """
        if self._ahead is None:
            self._ahead = asyncio.ensure_future(self._reader.read(1))
        return self._ahead

    async def send(self, data: bytes) -> None:
        """Send something back."""
        self._writer.write(data)
        await self._writer.drain()

    def reset(self) -> None:
        """Let the client see a reset, unless it has already left."""
        raw = self._writer.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def close(self) -> None:
        """End it, if it has not ended."""
        if self._ahead is not None:
            self._ahead.cancel()
        self._writer.transport.abort()


class Exchange:
    """A request and its answer.

    Parameters
    ----------
    request, head, body
        What arrived.
    client, upstream
        Who asks, and who is asked.
    """

    def __init__(
        self, *, request: Request, head: Head, body: bytes, client: Client, upstream: Upstream
    ) -> None:
        self.request = request
        self._head = head
        self._body = body
        self._client = client
        self._upstream = upstream
        self._ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    def end(self, ending: Ending) -> None:
        """Stop the answer that is under way."""
        if not self._ended.done():
            self._ended.set_result(ending)

    async def forward(self) -> Response:
        """Pass the request on; return the answer once it begins."""
        body = encode_part(self._head, self._body) if self._body else b""
        if self._head.chunked:
            body += LAST_CHUNK
        reader = await self._upstream.send(self._head.encode() + body)
        head = await read_head(reader)
        if head is None:
            raise HangUpError
        if self.request.method == "HEAD" or head.status in BODILESS:
            return Response(head, _nothing())
        return Response(head, read_parts(reader, head))

    async def relay(
        self, response: Response, *, ending: Ending | None = None, after_events: int = 0
    ) -> None:
        """Pass an answer back as it comes: all of it, or so many events of a watch.

        A test can `end` it at any moment.
        """
        await self._client.send(response.head.encode())
        left = after_events
        while ending is None or left:
            part = await self._next_part(response)
            if isinstance(part, Ending):
                ending = part
                break
            if part is None:
                if response.head.chunked:
                    await self._client.send(LAST_CHUNK)
                return
            if ending is not None:
                part, lines = take_lines(part, left)
                left -= lines
            await self._client.send(encode_part(response.head, part))
        await self._stop(response.head, ending)

    async def send(self, head: Head, body: bytes) -> None:
        """Answer with a whole message."""
        data = head.encode() + (encode_part(head, body) if body else b"")
        await self._client.send(data + (LAST_CHUNK if head.chunked else b""))

    async def answer(
        self, code: int, document: dict[str, Any], headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """Answer with a document, in place of the API server."""
        body = json.dumps(document).encode()
        usual = (("Content-Type", "application/json"), ("Content-Length", str(len(body))))
        await self.send(Head(f"HTTP/1.1 {code} Injected", (*usual, *headers)), body)

    def cut(self) -> None:
        """Reset the connection with the client.

        Raises
        ------
        HangUpError
            Always: there is nobody left to answer.
        """
        self._client.reset()
        raise HangUpError

    async def silence(self) -> None:
        """Say nothing more until the client has left.

        Raises
        ------
        HangUpError
            Always, then.
        """
        # Else the API server would hold its side of a stream back.
        self._upstream.close()
        await self._client.gone()
        raise HangUpError

    async def unless_gone(self, awaited: asyncio.Future[Any]) -> bool:
        """Wait for something; false if the client has left before."""
        gone: asyncio.Future[Any] = self._client.gone()
        either: set[asyncio.Future[Any]] = {awaited, gone}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return awaited.done()

    async def _next_part(self, response: Response) -> bytes | Ending | None:
        """Return what comes next: a part, nothing at its end, or how a test ended it."""
        coming = asyncio.ensure_future(anext(response.parts, None))
        awaited: set[asyncio.Future[Any]] = {coming, self._ended}
        awaited.add(self._client.gone())
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if self._ended.done():
                return self._ended.result()
            if not coming.done():
                raise HangUpError
            return coming.result()
        finally:
            if not coming.done():
                coming.cancel()
                self._upstream.close()

    async def _stop(self, head: Head, ending: Ending) -> None:
        self._upstream.close()
        if ending is Ending.CUT:
            self.cut()
        if ending is Ending.HALF_OPEN:
            await self.silence()
        if ending is Ending.EXPIRED:
            await self._client.send(encode_part(head, expired_event()))
        await self._client.send(LAST_CHUNK)


async def _nothing() -> AsyncIterator[bytes]:
    """Yield no part."""
    none: tuple[bytes, ...] = ()
    for part in none:
        yield part
