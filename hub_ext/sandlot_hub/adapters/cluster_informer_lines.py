"""Lines of a stream that comes in chunks, none of them without an end."""

from __future__ import annotations


class LineTooLongError(Exception):
    """A line has more bytes than anything that the API server sends."""


class LineDecoder:
    """Makes whole lines of chunks; a chunk may end anywhere.

    Parameters
    ----------
    limit
        Bytes of the longest line.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._begun = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that are complete now, without empty ones.

        Raises
        ------
        LineTooLongError
            One is too long, complete or not.
        """
        first, *others = chunk.split(b"\n")
        # Only what is new is looked through: a line of many chunks must not cost their square.
        self._begun += first
        lines: list[bytes] = []
        if others:
            lines = [bytes(self._begun), *others[:-1]]
            self._begun = bytearray(others[-1])
        if len(self._begun) > self._limit or any(len(line) > self._limit for line in lines):
            message = f"a line has more than {self._limit} bytes"
            raise LineTooLongError(message)
        return [line for line in lines if line]
