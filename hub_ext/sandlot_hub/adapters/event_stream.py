"""Server-sent events, read from bytes as they come."""

from __future__ import annotations

from dataclasses import dataclass

MAX_EVENT = 4 * 1024 * 1024
"""Bytes of one event. A snapshot of a hundred images with all their packages has a fraction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """One event."""

    name: str
    """``message`` when the sender gave none."""
    data: str


class EventTooLongError(Exception):
    """An event has more bytes than any of ours can have."""


class EventDecoder:
    """Makes events of the chunks of one stream; a chunk may end anywhere, within a character too.

    Of the format only what our services send is understood: names, data, comments, and
    lines that end with a line feed.

    Parameters
    ----------
    limit
        Bytes of the longest event.
    """

    def __init__(self, *, limit: int = MAX_EVENT) -> None:
        self._limit = limit
        self._pending = bytearray()

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Return the events that are complete now.

        Raises
        ------
        EventTooLongError
            The event that has begun is too long.
        """
        self._pending += chunk
        *blocks, rest = self._pending.split(b"\n\n")
        if len(rest) > self._limit:
            message = f"an event has more than {self._limit} bytes"
            raise EventTooLongError(message)
        self._pending = bytearray(rest)
        return [event for block in blocks if (event := _event(bytes(block))) is not None]


def _event(block: bytes) -> ServerEvent | None:
    """Return the event of a block; None for one that only has comments."""
    name, data = "message", []
    for line in block.decode("utf-8", "replace").split("\n"):
        field, _, value = line.partition(":")
        match field:
            case "event":
                name = value.removeprefix(" ")
            case "data":
                data.append(value.removeprefix(" "))
            case _:
                pass  # a comment, or what we have no use for
    return ServerEvent(name=name, data="\n".join(data)) if data else None
