from __future__ import annotations

import pytest

from sandlot_hub.adapters.event_stream import EventDecoder, EventTooLongError, ServerEvent

STREAM = (
    ": hello\n\n"
    'event: snapshot\ndata: {"näme": 1}\n\n'
    "data: one\ndata: two\n\n"
    "event: alive\n\n"
    "event:bye\ndata:now\nid: 7\n\n"
    "event: unfinished\ndata: x\n"
).encode()

EVENTS = [
    ServerEvent(name="snapshot", data='{"näme": 1}'),
    ServerEvent(name="message", data="one\ntwo"),
    ServerEvent(name="bye", data="now"),
]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_chunks_may_end_anywhere(size: int) -> None:
    decoder = EventDecoder()
    chunks = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    assert [event for chunk in chunks for event in decoder.feed(chunk)] == EVENTS


def test_an_event_without_end_is_given_up() -> None:
    decoder = EventDecoder(limit=100)
    assert decoder.feed(b"data: x\n\n" * 1000)
    decoder.feed(b"data: " + b"x" * 90)
    with pytest.raises(EventTooLongError):
        decoder.feed(b"x" * 10)
