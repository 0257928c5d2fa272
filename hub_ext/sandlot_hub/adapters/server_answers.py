"""Whether a server of a user answers, asked as cheaply as that can be done."""

from __future__ import annotations

import asyncio

ANSWER_S = 5.0
"""Seconds for one answer. Who asks asks again."""

_STATUS_LINE = 12
"""Bytes up to the status: ``HTTP/1.1 200``."""
_SERVER_ERROR = b"5"


async def server_answers(host: str, port: int, path: str, *, timeout_s: float = ANSWER_S) -> bool:
    """Return whether something answers at a path, with a status below 500.

    By hand, because a client with sessions, pools and cookies costs the hub, which has one
    core for everybody, ten times as much; and whoever answers here is not to be trusted:
    nothing but twelve bytes is read.

    Parameters
    ----------
    host, port
        Where it listens.
    path
        Escaped path of something that needs no login.
    timeout_s
        Seconds that the answer may take.
    """
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode("ascii"))
                await writer.drain()
                line = await reader.readexactly(_STATUS_LINE)
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError):
        return False
    return line.startswith(b"HTTP/") and line[-3:-2] < _SERVER_ERROR
