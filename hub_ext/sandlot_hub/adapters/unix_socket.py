"""Unix sockets at paths of any length."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAXIMUM_BYTES = 100
"""The kernel takes about 107 bytes of a socket's path, less on some systems."""


@contextlib.contextmanager
def short_path(socket: Path) -> Iterator[str]:
    """Give a path for `bind` and `connect` that is short enough, while the context lasts.

    Data directories lie deep now and then. Linux lets a folder that is open be named by
    its descriptor, and the socket relative to that.

    Raises
    ------
    OSError
        If the folder cannot be opened.
    """
    if len(os.fsencode(socket)) <= _MAXIMUM_BYTES or sys.platform != "linux":
        yield str(socket)
        return
    folder = os.open(socket.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield str(Path("/proc/self/fd", str(folder), socket.name))
    finally:
        os.close(folder)
