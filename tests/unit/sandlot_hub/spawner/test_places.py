from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sandlot_hub.spawner.places import Places

STEPS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([None, "small", "large"])), max_size=60
)


def test_a_place_is_held_until_it_is_given_back() -> None:
    places = Places()
    places.take(1, "small")
    places.take(2, "small")
    places.take(3, "large")
    assert places.running() == {"small": 2, "large": 1}
    places.release(1)
    places.release(1)
    assert places.running() == {"small": 1, "large": 1}
    places.release(3)
    assert places.running() == {"small": 1}


def test_a_server_holds_one_place() -> None:
    places = Places()
    places.take(1, "small")
    places.take(1, "small")
    places.take(1, "large")
    assert places.running() == {"large": 1}


def test_an_answer_does_not_change_afterwards() -> None:
    places = Places()
    before = places.running()
    places.take(1, "small")
    assert before == {}


def test_what_begins_is_told_until_it_is_counted_elsewhere() -> None:
    places = Places()
    places.take(1, "small")  # ran before this hub
    places.begin(2, "small")
    places.begin(3, "large")
    assert places.begun_since(100.0) == {"small": 1, "large": 1}
    places.placed(2, 100.0)
    # The count may be of the moment before the server was placed.
    assert places.begun_since(100.0) == {"small": 1, "large": 1}
    assert places.begun_since(100.5) == {"large": 1}
    # One form has an older count than another one.
    assert places.begun_since(99.0) == {"small": 1, "large": 1}
    assert places.begun_since(200.0) == {"large": 1}
    assert places.begun_since(99.0) == {"large": 1}


def test_what_has_ended_begins_no_more() -> None:
    places = Places()
    places.begin(1, "small")
    places.begin(1, "large")
    assert places.begun_since(0.0) == {"large": 1}
    places.release(1)
    places.placed(1, 5.0)
    assert places.begun_since(0.0) == {}


@given(STEPS)
def test_the_count_is_what_the_servers_hold(steps: list[tuple[int, str | None]]) -> None:
    places, held = Places(), dict[int, str]()
    for server, size in steps:
        if size is None:
            places.release(server)
            held.pop(server, None)
        else:
            places.take(server, size)
            held[server] = size
    assert places.running() == Counter(held.values())
