"""A stand-in for the schedulers of all fake pods: ``dask_stand_in PORT FILE``.

It takes every order that a scheduler takes, and writes it down: a line of JSON each, with the pod's
address, what was ordered, and the login that was shown. It does nothing of what it is told.

Standard library only; started inside the namespace by `support.cluster.dask`.
"""

from __future__ import annotations

import http.server
import json
import sys
from pathlib import Path


class Scheduler(http.server.BaseHTTPRequestHandler):
    """Takes orders."""

    orders: Path

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        told = {
            "address": self.connection.getsockname()[0],
            "order": json.loads(body),
            "login": self.headers["Authorization"],
        }
        with self.orders.open("a") as orders:
            orders.write(json.dumps(told) + "\n")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    Scheduler.orders = Path(sys.argv[2])
    address = ("0.0.0.0", int(sys.argv[1]))  # noqa: S104 (in a namespace that nobody can reach)
    http.server.ThreadingHTTPServer(address, Scheduler).serve_forever()
