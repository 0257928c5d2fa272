"""What the kernel says about processes and sockets (``/proc``); empty on other systems."""

from __future__ import annotations

import contextlib
import ipaddress
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .guard import descendants

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROC = Path("/proc")
_LISTEN = "0A"
_LOOPBACK = ipaddress.ip_address("127.0.0.1")


@dataclass(frozen=True, slots=True)
class Process:
    """One process at one moment."""

    pid: int
    started: int
    """Clock ticks since boot. With the pid it names a process for ever; a pid alone is reused."""
    parent: int = field(compare=False)
    uid: int = field(compare=False)
    """The real uid."""
    ended: bool = field(compare=False)
    """Whether it has ended and only waits for its parent to notice."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening TCP socket."""

    uid: int
    """Of the process that made it."""
    inode: int


def supported() -> bool:
    """Return whether this system tells about its processes."""
    return (_PROC / "self" / "stat").exists()


def process(pid: int) -> Process | None:
    """Return what is known of one process; None when there is no such process."""
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
        status = (_PROC / str(pid) / "status").read_bytes()
    except OSError:
        return None
    # The name of the program stands in parentheses and may hold anything.
    fields = stat.rpartition(b")")[2].split()
    uids = status.partition(b"\nUid:")[2].split(maxsplit=1)
    return Process(
        pid=pid,
        started=int(fields[19]),
        parent=int(fields[1]),
        uid=int(uids[0]),
        ended=fields[0] in (b"Z", b"X"),
    )


def processes() -> dict[int, Process]:
    """Return all processes by pid."""
    with contextlib.suppress(OSError):
        pids = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
        return {pid: found for pid in pids if (found := process(pid)) is not None}
    return {}


def family(pid: int, known: dict[int, Process]) -> set[Process]:
    """Return a process and everything below it."""
    below = descendants(pid, {each.pid: each.parent for each in known.values()})
    return {known[each] for each in (pid, *below) if each in known}


def listeners(port: int) -> list[Listener]:
    """Return the sockets that would take a connection to 127.0.0.1 at `port`."""
    found = []
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            lines = (_PROC / "net" / table).read_text().splitlines()[1:]
            found += [each for line in lines if (each := _listener(line, port)) is not None]
    return found


def sockets_of(pids: Iterable[int]) -> set[int]:
    """Return the inodes of the sockets that these processes have open."""
    inodes = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for link in (_PROC / str(pid) / "fd").iterdir():
                with contextlib.suppress(OSError):
                    target = str(link.readlink())
                    if target.startswith("socket:["):
                        inodes.add(int(target.removeprefix("socket:[").rstrip("]")))
    return inodes


def _listener(line: str, port: int) -> Listener | None:
    fields = line.split()
    address, _, number = fields[1].rpartition(":")
    if fields[3] != _LISTEN or int(number, 16) != port or not _reaches_loopback(address):
        return None
    return Listener(uid=int(fields[7]), inode=int(fields[9]))


def _reaches_loopback(address: str) -> bool:
    """Return whether a socket bound to `address`, as the kernel prints it, hears 127.0.0.1."""
    words = [int(address[i : i + 8], 16) for i in range(0, len(address), 8)]
    parsed = ipaddress.ip_address(b"".join(word.to_bytes(4, sys.byteorder) for word in words))
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return bool(mapped.is_unspecified or mapped == _LOOPBACK)
