"""``python -m sandlot_hub.local.held_jupyterhub``: JupyterHub, on a port that is held for it.

JupyterHub has no option for SO_REUSEPORT, without which it could not listen on a port that
the supervisor holds (`held_ports`). Tornado lets an application choose its server class.
"""

from __future__ import annotations

import socket

from jupyterhub.app import main
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from typing_extensions import override


class HeldPortServer(HTTPServer):
    """Listens on ports that somebody of the same uid has bound."""

    @override
    def listen(
        self,
        port: int,
        address: str | None = None,
        family: socket.AddressFamily = socket.AF_UNSPEC,
        backlog: int = 128,
        flags: int | None = None,
        reuse_port: bool = True,
    ) -> None:
        """Listen as Tornado's server does, with SO_REUSEPORT."""
        self.add_sockets(bind_sockets(port, address, family, backlog, flags, reuse_port=True))


if __name__ == "__main__":
    HTTPServer.configure(HeldPortServer)
    main()
