"""The ports of the stack: chosen once, kept in the data directory, used again."""

from __future__ import annotations

import contextlib
import json
import random
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot_hub.adapters.files import replace_file

from .datadir import DataDirectoryError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

LOOPBACK = "127.0.0.1"
PUBLIC = "public"
_PREFERRED = 8000
_FIRST = 20_000
_LAST = 65_535
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_ATTEMPTS = 200


class PortInUseError(Exception):
    """The port at which people reach the hub is taken."""

    def __init__(self, port: int) -> None:
        self.port = port
        super().__init__(
            f"Port {port} of this machine is used by another program. "
            "Stop that program, or choose another port with --port N."
        )


def is_free(port: int) -> bool:
    """Return whether a server could listen at 127.0.0.1 on `port` now."""
    with socket.socket() as probe:
        # Connections that have just ended do not count, as for the servers themselves.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return True
    return False


def choose_ports(
    kept: dict[str, int],
    names: Iterable[str],
    *,
    wanted: int | None = None,
    free: Callable[[int], bool] = is_free,
    draw: Callable[[int, int], int] = random.randint,
) -> dict[str, int]:
    """Return a port for each of `names` and for `PUBLIC`, those of `kept` where possible.

    People have bookmarked the public port, so that it never changes by itself. The
    others are known to nobody but the stack: one that is taken is replaced.

    Raises
    ------
    PortInUseError
        If the public port is taken: `wanted`, or else the kept one.
    """
    chosen = {PUBLIC: _public_port(wanted or kept.get(PUBLIC), free, draw)}
    for name in names:
        before = kept.get(name)
        taken = chosen.values()
        if before is None or before in taken or not free(before):
            before = _any_port(free, draw, taken)
        chosen[name] = before
    return chosen


def read_ports(path: Path) -> dict[str, int]:
    """Return what was kept; nothing when there is no such file.

    Raises
    ------
    DataDirectoryError
        If the file is not what was written.
    """
    try:
        return {name: _checked(port) for name, port in json.loads(path.read_bytes()).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError):
        message = (
            f"{path} is not the file that Sandlot writes. Bring it back from a backup, or remove "
            "it: other ports are chosen then, and --port N says which one people use."
        )
        raise DataDirectoryError(message) from None


def write_ports(path: Path, ports: dict[str, int]) -> None:
    """Keep the ports for the next start."""
    replace_file(path, json.dumps(ports, indent=2).encode(), mode=0o600)


def _checked(port: object) -> int:
    if not isinstance(port, int) or not 0 < port <= _LAST:
        raise ValueError(port)
    return port


def _public_port(
    asked: int | None, free: Callable[[int], bool], draw: Callable[[int, int], int]
) -> int:
    if asked is not None:
        if not free(asked):
            raise PortInUseError(asked)
        return asked
    return _PREFERRED if free(_PREFERRED) else _any_port(free, draw)


def _any_port(
    free: Callable[[int], bool], draw: Callable[[int, int], int], taken: Collection[int] = ()
) -> int:
    """Return a free port below those that the kernel gives to outgoing connections."""
    last = _first_ephemeral() - 1
    port = _FIRST
    for _ in range(_ATTEMPTS):
        port = draw(_FIRST, last)
        if port not in taken and free(port):
            break
    else:
        raise PortInUseError(port)
    return port


def _first_ephemeral() -> int:
    with contextlib.suppress(OSError, ValueError):
        return max(int(_EPHEMERAL.read_text().split()[0]), _FIRST + 1000)
    return 32_768
