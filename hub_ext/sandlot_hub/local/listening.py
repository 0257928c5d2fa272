"""Whether a port is held by the one whose it is.

Every account of the machine may listen on a free port. Before traffic is sent to
one, the socket's owner is looked up, or a program of another user could take the
place of a server (or of the hub) and read what people send to it.
"""

from __future__ import annotations

import socket
from enum import Enum, auto
from typing import TYPE_CHECKING

from . import procfs

if TYPE_CHECKING:
    from .processes import Identity

LOOPBACK = "127.0.0.1"
_CONNECT_S = 0.2


class Listening(Enum):
    """Who listens on a port."""

    NOBODY = auto()
    OURS = auto()
    """The process that should, or one below it."""
    OTHERS = auto()
    """Somebody else."""


def who_listens(port: int, *, guard_pid: int, identity: Identity, own_uids: bool) -> Listening:
    """Return whether the guarded process is the one that listens on 127.0.0.1 at `port`.

    With uids of their own, the socket's uid tells. When all share one, the socket is
    looked for among those of the process and everything below it.
    """
    if not procfs.supported():
        return Listening.OURS if _answers(port) else Listening.NOBODY
    found = procfs.listeners(port)
    if not found:
        return Listening.NOBODY
    if own_uids:
        ours = all(each.uid == identity.uid for each in found)
    else:
        family = procfs.family(guard_pid, procfs.processes())
        open_sockets = procfs.sockets_of(each.pid for each in family)
        ours = all(each.inode in open_sockets for each in found)
    return Listening.OURS if ours else Listening.OTHERS


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(_CONNECT_S)
        return probe.connect_ex((LOOPBACK, port)) == 0
