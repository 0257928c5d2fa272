"""Tests of lines out of chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandlot_hub.adapters.cluster_informer_lines import LineDecoder, LineTooLongError


@given(
    lines=st.lists(st.binary(min_size=1, max_size=20).filter(lambda line: b"\n" not in line)),
    sizes=st.lists(st.integers(1, 30), min_size=1),
)
def test_a_chunk_may_end_anywhere(lines: list[bytes], sizes: list[int]) -> None:
    text = b"".join(line + b"\n" for line in lines)
    found: list[bytes] = []
    decoder = LineDecoder(limit=20)
    while text:
        size = sizes[len(found) % len(sizes)]
        found += decoder.feed(text[:size])
        text = text[size:]
    assert found == lines


def test_empty_lines_are_none() -> None:
    assert LineDecoder(limit=5).feed(b"\n\na\n\n") == [b"a"]


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([b"123456\n"], id="complete"),
        pytest.param([b"123456"], id="without-an-end"),
        pytest.param([b"123", b"456"], id="in-parts"),
        pytest.param([b"1\n2\n123456"], id="after-others"),
    ],
)
def test_no_line_is_longer_than_it_may_be(chunks: list[bytes]) -> None:
    *before, last = chunks
    decoder = LineDecoder(limit=5)
    assert [decoder.feed(chunk) for chunk in before] == [[] for _ in before]
    with pytest.raises(LineTooLongError, match="5 bytes"):
        decoder.feed(last)
