"""Ports that no other account of the machine can take, also while their part is down.

People's passwords and cookies go to the port of the hub, whoever listens there. So the
supervisor binds the ports of all parts and never listens. Its sockets belong to the part's
uid and have SO_REUSEPORT: the kernel lets nobody else bind these ports than a process of
that uid which sets SO_REUSEPORT, too. The part listens beside the supervisor's socket, and
there is no moment, at a restart or after a crash, at which the port is free.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from .listening import LOOPBACK
from .ports import PortInUseError

if TYPE_CHECKING:
    from collections.abc import Mapping


class HeldPorts:
    """The ports of a stack, from `hold` to `close`."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def hold(self, uids: Mapping[int, int]) -> None:
        """Hold ports, each for the uid that will listen there.

        Raises
        ------
        PortInUseError
            If somebody took one since it was chosen.
        """
        for port, uid in uids.items():
            try:
                self._sockets.append(hold_port(port, uid=uid))
            except OSError as error:
                self.close()
                raise PortInUseError(port) from error

    def close(self) -> None:
        """Let all go."""
        while self._sockets:
            self._sockets.pop().close()


def hold_port(port: int, *, uid: int | None = None) -> socket.socket:
    """Return a socket that is bound to `port` and does not listen: connections are refused.

    Only processes of `uid` with SO_REUSEPORT can listen there, or nobody when it is None.

    Raises
    ------
    OSError
        If somebody else has the port.
    """
    try:
        return _bound(port, uid, beside_old_connections=False)
    except OSError:
        # Connections of whoever had the port before may linger for a minute.
        return _bound(port, uid, beside_old_connections=True)


def _bound(port: int, uid: int | None, *, beside_old_connections: bool) -> socket.socket:
    made = socket.socket()
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, beside_old_connections)
        if uid is not None:
            os.fchown(made.fileno(), uid, -1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((LOOPBACK, port))
        # While it is set, everybody else who sets it could listen here.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except BaseException:
        made.close()
        raise
    return made
