from __future__ import annotations

import asyncio

import pytest

from support.cluster.http1 import Head, encode_part, read_head, read_parts, take_lines

pytestmark = pytest.mark.asyncio


def stream(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


@pytest.mark.parametrize(
    ("header", "sent", "parts"),
    [
        pytest.param("Content-Length: 5", b"hello", [b"hello"], id="length"),
        pytest.param("X-Other: 1", b"", [], id="no-body"),
        pytest.param(
            "Transfer-Encoding: chunked",
            b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
            [b"abc", b"0123456789"],
            id="chunks",
        ),
        pytest.param(
            "transfer-encoding: Chunked",
            b"1\r\na\r\n0\r\nTrailer: 1\r\n\r\n",
            [b"a"],
            id="trailer",
        ),
    ],
)
async def test_a_message_is_taken_apart_up_to_its_end(
    header: str, sent: bytes, parts: list[bytes]
) -> None:
    reader = stream(f"HTTP/1.1 200 OK\r\n{header}\r\n\r\n".encode() + sent + b"NEXT")
    head = await read_head(reader)
    assert head is not None

    assert head.status == 200
    assert [part async for part in read_parts(reader, head)] == parts
    assert await reader.read() == b"NEXT"


async def test_a_head_is_sent_as_it_came() -> None:
    raw = b"GET /a?b=c HTTP/1.1\r\nHost: x\r\nAccept: a, b\r\n\r\n"
    head = await read_head(stream(raw[1:]), begun=raw[:1])
    assert head is not None

    assert head.encode() == raw


async def test_a_closed_connection_has_no_head() -> None:
    assert await read_head(stream(b"")) is None


async def test_a_body_that_breaks_off_is_an_error() -> None:
    head = Head("HTTP/1.1 200 OK", (("Content-Length", "9"),))
    with pytest.raises(asyncio.IncompleteReadError):
        [part async for part in read_parts(stream(b"abc"), head)]


@pytest.mark.parametrize(
    ("header", "encoded"),
    [(("Content-Length", "3"), b"abc"), (("Transfer-Encoding", "chunked"), b"3\r\nabc\r\n")],
    ids=["length", "chunked"],
)
async def test_a_part_is_sent_as_its_head_says(header: tuple[str, str], encoded: bytes) -> None:
    assert encode_part(Head("HTTP/1.1 200 OK", (header,)), b"abc") == encoded


@pytest.mark.parametrize(
    ("part", "count", "taken"),
    [
        (b"a\nb\nc\n", 2, (b"a\nb\n", 2)),
        (b"a\nb", 2, (b"a\nb", 1)),
        (b"a\n", 2, (b"a\n", 1)),
        (b"a\n", 0, (b"", 0)),
    ],
    ids=["more", "half-a-line", "fewer", "none"],
)
async def test_lines_are_counted(part: bytes, count: int, taken: tuple[bytes, int]) -> None:
    assert take_lines(part, count) == taken
