"""Parts of a stack that answer about their health, and nothing else."""

from __future__ import annotations

import json
import os
import threading
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

from typing_extensions import override

from sandlot_contracts.health import Health

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@contextmanager
def answering(status: int, body: bytes) -> Iterator[HTTPServer]:
    """Answer every request on a port of 127.0.0.1 with the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serving_health(data_dir: Path, hashes: Mapping[str, str | None]) -> Iterator[None]:
    """Run parts with these settings hashes (None: an error), and the supervisor's file."""
    with ExitStack() as stack:
        ports = {
            name: stack.enter_context(answering(*_answer(name, found))).server_port
            for name, found in hashes.items()
        }
        path = data_dir / "run/supervisor.json"
        path.parent.mkdir(parents=True)
        path.write_text(
            json.dumps({"pid": os.getpid(), "url": "http://127.0.0.1:1/", "ports": ports})
        )
        yield


def _answer(name: str, settings_hash: str | None) -> tuple[int, bytes]:
    if settings_hash is None:
        return 503, b""
    health = Health(status="ok", service=name, version="1", settings_hash=settings_hash)
    return 200, health.model_dump_json().encode()
