"""Reads pages of lists and events of watches, whatever kind of object they are about."""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec

from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError

from . import cluster_informer_objects as api

Decoded = TypeVar("Decoded")


class Event(Protocol):
    """What every event has."""

    type: str


SomeEvent = TypeVar("SomeEvent", bound=Event)

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding may end in."""
BOOKMARK = "BOOKMARK"
DELETED = "DELETED"
_CHANGES = frozenset({"ADDED", "MODIFIED", DELETED, BOOKMARK})


def decode_page(decoder: msgspec.json.Decoder[Decoded], text: bytes) -> Decoded:
    """Return a page of a list.

    Raises
    ------
    ClusterUnreachableError
        It is none.
    """
    try:
        return decoder.decode(text)
    except UNREADABLE as error:
        raise unreadable(error) from error


def decode_event(decoder: msgspec.json.Decoder[SomeEvent], line: bytes) -> SomeEvent:
    """Return an event of a watch.

    Raises
    ------
    ClusterRefusedError
        It reports an error.
    ClusterUnreachableError
        It is none.
    """
    try:
        event = decoder.decode(line)
    except UNREADABLE as error:
        # The object of an error is none of the kind; it comes once in a million events.
        raise _reported(line) or unreadable(error) from error
    if event.type not in _CHANGES:
        raise _reported(line) or ClusterUnreachableError("an event of no kind that there is")
    return event


def _reported(line: bytes) -> ClusterRefusedError | None:
    try:
        event = msgspec.json.decode(line, type=api.ErrorEvent)
    except UNREADABLE:
        return None
    code = event.object.get("code")
    if event.type != "ERROR" or not isinstance(code, int):
        return None
    return ClusterRefusedError(code, event.object)


def unreadable(error: Exception) -> ClusterUnreachableError:
    """Return what to raise when decoding ended in an error."""
    # Its text may quote what an object says.
    return ClusterUnreachableError(f"what came cannot be read ({type(error).__name__})")
