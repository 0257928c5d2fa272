from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandlot_hub.local.uids import (
    BLOCK,
    WINDOWS,
    NoUidsError,
    Occupied,
    choose_block,
    parse_map,
    parse_subordinate,
    survey,
)

ALL = (range(2**32 - 1),)


def first(_: int) -> int:
    return 0


def last(count: int) -> int:
    return count - 1


@pytest.mark.parametrize(
    ("mapped", "window"),
    [
        pytest.param(ALL, 0, id="whole-machine"),
        pytest.param((range(600_000),), 1, id="large-container"),
        pytest.param((range(65_536),), 2, id="usual-container"),
    ],
)
def test_the_best_window_that_exists_is_used(mapped: tuple[range, ...], window: int) -> None:
    assert choose_block(Occupied(mapped=mapped), pick=first).start == WINDOWS[window].start


@pytest.mark.parametrize("mapped", [(range(1000),), (), (range(30_000), range(30_000, 65_536))])
def test_without_a_whole_window_there_is_none(mapped: tuple[range, ...]) -> None:
    with pytest.raises(NoUidsError, match="share one uid"):
        choose_block(Occupied(mapped=mapped), pick=first)


def test_occupied_blocks_are_passed_over() -> None:
    start = WINDOWS[0].start
    occupied = Occupied(
        mapped=ALL,
        ranges=(range(start, start + 10),),
        ids=frozenset({start + BLOCK, start + 3 * BLOCK - 1}),
    )
    assert choose_block(occupied, pick=first).start == start + 3 * BLOCK


def test_the_search_goes_on_at_the_beginning() -> None:
    end = WINDOWS[2].start + len(WINDOWS[2]) // BLOCK * BLOCK
    occupied = Occupied(mapped=(range(65_536),), ids=frozenset({end - 1}))
    assert choose_block(occupied, pick=last).start == WINDOWS[2].start


@given(
    ids=st.frozensets(st.integers(WINDOWS[2].start, WINDOWS[2].stop), max_size=60),
    start=st.integers(0, 10_000),
)
def test_no_chosen_uid_is_anybodys(ids: frozenset[int], start: int) -> None:
    occupied = Occupied(mapped=(range(65_536),), ids=ids)
    try:
        block = choose_block(occupied, pick=lambda count: start % count)
    except NoUidsError:
        return
    assert len(block) == BLOCK
    assert not ids & set(block)
    assert block.start >= WINDOWS[2].start
    assert block.stop <= WINDOWS[2].stop


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("         0          0 4294967295\n", (range(4294967295),), id="machine"),
        pytest.param("0 100000 65536\n70000 1 1\n", (range(65536), range(70000, 70001)), id="two"),
        pytest.param("", (range(4294967295),), id="no-map"),
    ],
)
def test_parse_map(text: str, expected: tuple[range, ...]) -> None:
    assert parse_map(text) == expected


def test_parse_subordinate_passes_over_what_it_does_not_know() -> None:
    text = "ann:100000:65536\n# a comment\n\nbob:x:y\n"
    assert parse_subordinate(text) == (range(100_000, 165_536),)


def test_the_survey_knows_root_and_maps_it() -> None:
    found = survey()
    assert 0 in found.ids
    assert any(0 in each for each in found.mapped)
