"""Carry connections from this machine into a network namespace: ``forward FD HOST PORT``.

Started inside the namespace, with a socket that listens outside of it as `FD`: a socket stays in
the namespace in which it was made, so what it accepts comes from outside, and what this process
connects stays inside. Standard library only, bytes as they come.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys

CHUNK = 1 << 18


async def serve(listener: socket.socket, host: str, port: int) -> None:
    """Carry every connection that the listener accepts, for ever."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))

    server = await asyncio.start_server(carry, sock=listener, limit=CHUNK)
    await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until one side ends; the other one learns it."""
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2], int(sys.argv[3])))
