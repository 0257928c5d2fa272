"""Ports that no other account of the machine can take, also while their part is down.

People's passwords and cookies go to the port of the hub, whoever listens there. So the
supervisor binds the ports of all parts and never listens. Its sockets belong to the part's
uid and have SO_REUSEPORT: the kernel lets nobody else bind these ports than a process of
that uid which sets SO_REUSEPORT, too. The part listens beside the supervisor's socket, and
there is no moment, at a restart or after a crash, at which the port is free.

A program that cannot set SO_REUSEPORT is lent its port while it starts (`LentPort`).
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
            self._hold(port, uid)

    def hold_to_lend(self, port: int) -> LentPort:
        """Hold a port of which nobody but its part knows when it can be had.

        Raises
        ------
        PortInUseError
            As in `hold`.
        """
        return LentPort(self._hold(port, None))

    def _hold(self, port: int, uid: int | None) -> socket.socket:
        try:
            held = hold_port(port, uid=uid)
        except OSError as error:
            self.close()
            raise PortInUseError(port) from error
        self._sockets.append(held)
        return held

    def close(self) -> None:
        """Let all go."""
        while self._sockets:
            self._sockets.pop().close()


class LentPort:
    """A held port of a program that sets SO_REUSEADDR only, as programs in Go do.

    While it is lent, whoever sets that can listen beside a socket that does not listen. That is for
    the tenths of a second that the program takes to begin to listen; from then on its own socket
    keeps others away. Only for parts whose traffic is of no use to a thief: one who tries all the
    time may be faster, and then the part is down until that program ends (`port_watch`).

    Parameters
    ----------
    held
        Bound, and not listening.
    """

    def __init__(self, held: socket.socket) -> None:
        self._held = held

    def lend(self) -> None:
        """Let the program listen that is started now."""
        self._set_reuse(on=True)

    def take_back(self) -> None:
        """Let nobody listen any more who does not yet: the program listens, or has ended."""
        self._set_reuse(on=False)

    def _set_reuse(self, *, on: bool) -> None:
        if self._held.fileno() >= 0:  # not let go: everything ends
            self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, on)


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
