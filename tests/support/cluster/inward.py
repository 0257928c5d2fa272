"""Carry connections from a network namespace out to this machine: ``inward PORT HOST-NAMESPACE``.

The opposite of `forward`. It is started inside the namespace and listens there at 127.0.0.1; what
it accepts it carries to the same port of the other namespace's loopback, whose file is inherited
as a descriptor. Only the one thread that connects enters that namespace, so that the process
belongs to the one that it was started in, and ends with it.

How a connection ends is passed on as well: a reset arrives as a reset, silence as silence.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
import struct
import sys
from concurrent.futures import ThreadPoolExecutor

LOOPBACK = "127.0.0.1"
CHUNK = 1 << 18
CONNECT_S = 10.0
CLONE_NEWNET = 0x40000000
RESET = struct.pack("ii", 1, 0)


def enter(namespace: int) -> None:
    """Let this thread's next sockets be made in another network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


async def serve(port: int, namespace: int) -> None:
    """Carry every connection, for ever."""
    outside = ThreadPoolExecutor(max_workers=1, initializer=enter, initargs=(namespace,))
    loop = asyncio.get_running_loop()

    def connect() -> socket.socket:
        return socket.create_connection((LOOPBACK, port), CONNECT_S)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            connected = await loop.run_in_executor(outside, connect)
        except OSError:
            _reset(writer)
            return
        far_reader, far_writer = await asyncio.open_connection(sock=connected, limit=CHUNK)
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    server = await asyncio.start_server(carry, LOOPBACK, port, limit=CHUNK)
    await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until one side ends; the other one learns how."""
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        _reset(writer)
        return
    writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # the other side may be gone already
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
