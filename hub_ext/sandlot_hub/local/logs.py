"""What parts and servers write, kept in bounded files that only the supervisor can read."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK = 64 * 1024
_RATE_BYTES_S = 4 * 1024 * 1024
"""Faster writers are held back, so that nobody fills the supervisor's time with output."""
_TAIL_BYTES = 256 * 1024


class Sink(Protocol):
    """Takes what a process writes."""

    def write(self, chunk: bytes) -> object:
        """Take one piece."""
        ...


class RotatingLog:
    """A log file of mode 0600 that never grows beyond `max_bytes`; `backups` older ones stay."""

    def __init__(self, path: Path, *, max_bytes: int = 4 * 1024 * 1024, backups: int = 2) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._backups = backups
        self._file: BinaryIO | None = None
        self._size = 0

    def write(self, chunk: bytes) -> None:
        """Append a piece; the file is rotated before it would become too large.

        What cannot be written (a full disk) is lost: a log must not end what it is about.
        """
        with contextlib.suppress(OSError):
            if self._file is None or self._size + len(chunk) > self._max_bytes:
                self._file = self._fresh_file()
            self._file.write(chunk)
            self._size += len(chunk)

    def write_line(self, sentence: str) -> None:
        """Append a line of the supervisor's own."""
        self.write(f"[sandlot] {sentence}\n".encode())

    def close(self) -> None:
        """Close the file; the next piece opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _fresh_file(self) -> BinaryIO:
        full = self._file is not None or self._is_full()
        self.close()
        if full:
            for number in range(self._backups, 0, -1):
                older = self._numbered(number - 1)
                if older.exists():
                    older.replace(self._numbered(number))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        self._size = os.fstat(descriptor).st_size
        return os.fdopen(descriptor, "ab", buffering=0)

    def _is_full(self) -> bool:
        return self.path.exists() and self.path.stat().st_size >= self._max_bytes

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}") if number else self.path


class Bounded:
    """Keeps the first `limit` bytes in memory and drops the rest."""

    def __init__(self, limit: int) -> None:
        self.content = b""
        self._limit = limit

    def write(self, chunk: bytes) -> None:
        """Keep as much of the piece as there is room for."""
        self.content += chunk[: self._limit - len(self.content)]


async def pump(descriptor: int, sink: Sink) -> None:
    """Move everything from the read end of a pipe into `sink`, then close the pipe."""
    loop = asyncio.get_running_loop()
    stream = asyncio.StreamReader(limit=_CHUNK)
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        while chunk := await stream.read(_CHUNK):
            sink.write(chunk)
            if len(chunk) == _CHUNK:  # a flood: the pipe fills up, and the writer waits
                await asyncio.sleep(_CHUNK / _RATE_BYTES_S)
    finally:
        transport.close()


def tail(path: Path, lines: int) -> tuple[str, ...]:
    """Return the last lines of a log, the newest last; none when there is no such log."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read(_TAIL_BYTES).decode(errors="replace")
    except FileNotFoundError:
        return ()
    found = text.splitlines()
    complete = found[1:] if size > _TAIL_BYTES else found
    return tuple(complete[-lines:]) if lines else ()
