"""Who is at the other end of the supervisor's socket."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from enum import Flag, auto

_UCRED = struct.Struct("3i")
"""Pid, uid and gid, as ``unix(7)`` describes them; the kernel fills them in."""


class Role(Flag):
    """What a caller may do; one uid can have several roles."""

    NOBODY = 0
    OPERATOR = auto()
    """Everything but servers: status, restarts, the end."""
    HUB = auto()
    """Users' servers."""
    SERVICE = auto()
    """Asking what this machine can do."""
    GATEWAY = auto()
    """Schedulers and workers of users' Dask clusters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """The uids that are known."""

    operator: frozenset[int]
    hub: int
    services: frozenset[int]
    gateway: int
    """Of the Dask gateway, which is one of the services."""

    def roles(self, uid: int | None) -> Role:
        """Return the roles of a uid; none of an unknown one."""
        roles = Role.NOBODY
        if uid in self.operator:
            roles |= Role.OPERATOR
        if uid == self.hub:
            roles |= Role.HUB
        if uid in self.services:
            roles |= Role.SERVICE
        if uid == self.gateway:
            roles |= Role.GATEWAY
        return roles


def peer_uid(connection: socket.socket) -> int | None:
    """Return the uid of the process at the other end; None when the system does not tell."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    credentials = connection.getsockopt(socket.SOL_SOCKET, option, _UCRED.size)
    _, uid, _ = _UCRED.unpack(credentials)
    return int(uid)
