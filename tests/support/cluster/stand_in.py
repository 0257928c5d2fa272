"""A stand-in for the single-user servers of all fake pods: ``stand_in PORT FOLDER``.

Every address of a fake pod is local to the namespace, so that one process that listens at all of
them answers for every pod there is. It says of each path what a server says of ``/api``, and shows
browsers a page with the path. It knows nothing of tokens and of what runs: use it where the test is
about the hub, never where it is about what people do in their servers.

Standard library only; started inside the namespace by `support.cluster.hub`.
"""

from __future__ import annotations

import asyncio
import html
import json
import sys
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

VERSION = "2.21.1"
"""Of the Jupyter Server that it passes for."""
SILENT = "silent"
"""File in its folder: a prefix of paths on each line that it never answers."""
HEAD_S = 30.0
BACKLOG = 1024


async def serve(port: int, folder: Path) -> None:
    """Answer for ever."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_S):
                head = await reader.readuntil(b"\r\n\r\n")
            path = urlsplit(head.split(b" ", 2)[1].decode()).path
            if _is_silent(path, folder):
                await reader.read()  # until the client gives up
            else:
                writer.write(answer(path))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the client has left, or never asked
        finally:
            writer.close()

    server = await asyncio.start_server(converse, "0.0.0.0", port, backlog=BACKLOG)  # noqa: S104 (in a namespace that nobody can reach)
    await server.serve_forever()


def answer(path: str) -> bytes:
    """Return the answer to a request."""
    if path.endswith(("/api", "/api/")):
        kind, body = "application/json", json.dumps({"version": VERSION})
    else:
        said = html.escape(path)
        kind, body = "text/html", f"<!doctype html><title>{said}</title><h1>{said}</h1>"
    content = body.encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
        # Without its own version in an answer, the hub writes a warning for each.
        f"X-JupyterHub-Version: {metadata.version('jupyterhub')}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + content


def _is_silent(path: str, folder: Path) -> bool:
    """Look anew each time: a test says it while servers start."""
    try:
        prefixes = (folder / SILENT).read_text().split()
    except FileNotFoundError:
        return False
    return path.startswith(tuple(prefixes))


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
