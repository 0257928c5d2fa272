"""HTTP/1.1 as far as a proxy needs it: heads, and bodies taken apart into what they carry.

Clients of Kubernetes send one request at a time over a connection, and the API server answers
with a length, in chunks, or with nothing: that is all that is understood here.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMIT = 1 << 20
"""Longest head, and most bytes that are read at once."""
LAST_CHUNK = b"0\r\n\r\n"


@dataclass(frozen=True)
class Head:
    """The first line of a message, and its headers in their order."""

    first: str
    headers: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """Return a header's value; nothing when it is not there."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return ""

    @property
    def status(self) -> int:
        """The code of an answer."""
        return int(self.first.split(" ", 2)[1])

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return self.get("transfer-encoding").lower() == "chunked"

    @property
    def length(self) -> int:
        """The body's length, where it is not chunked."""
        return int(self.get("content-length") or 0)

    def encode(self) -> bytes:
        """Return it as it goes over the wire."""
        lines = [self.first, *(f"{name}: {value}" for name, value in self.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def read_head(reader: asyncio.StreamReader, *, begun: bytes = b"") -> Head | None:
    """Return the next head; None when the other side has closed instead.

    `begun` is what was already read of it.
    """
    try:
        raw = begun + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = (line.partition(":") for line in lines)
    return Head(first, tuple((name.strip(), value.strip()) for name, _, value in headers))


async def read_parts(reader: asyncio.StreamReader, head: Head) -> AsyncIterator[bytes]:
    """Yield what a body carries as it comes: a chunk at a time, or whatever has arrived."""
    if head.chunked:
        while size := int((await reader.readline()).partition(b";")[0] or b"0", 16):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        while (await reader.readline()).strip():
            continue  # trailers
        return
    left = head.length
    while left:
        part = await reader.read(min(left, LIMIT))
        if not part:
            raise asyncio.IncompleteReadError(part, left)
        left -= len(part)
        yield part


def encode_part(head: Head, part: bytes) -> bytes:
    """Return a part of a body as the head says that bodies are sent."""
    return b"%x\r\n%b\r\n" % (len(part), part) if head.chunked else part


def take_lines(part: bytes, count: int) -> tuple[bytes, int]:
    """Return what of `part` lies before the end of its `count`-th line, and how many it has."""
    end = 0
    for taken in range(count):
        found = part.find(b"\n", end)
        if found < 0:
            return part, taken
        end = found + 1
    return part[:end], count
