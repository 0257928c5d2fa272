from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub import orm
from traitlets import HasTraits

from sandlot_hub.spawner.stored_options import UserOptions, keep_options_storable, storable

PLAIN = {"profile": "everyday", "image": "base", "size": "small"}


class Holder(HasTraits):
    user_options = UserOptions()


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        pytest.param(PLAIN, PLAIN, id="options"),
        pytest.param({}, {}, id="no options"),
        pytest.param(
            {"profile": ["a", 1, True, None]}, {"profile": ["a", 1, True, None]}, id="json"
        ),
        pytest.param({"profile": float("nan")}, {"profile": None}, id="not a number"),
        pytest.param({"profile": "x" * 1001}, {"profile": None}, id="long text"),
        pytest.param({"profile": ["x"] * 101}, {"profile": None}, id="long list"),
        pytest.param({"profile": b"x"}, {"profile": None}, id="bytes"),
        pytest.param({"profile": {"__jupyterhub_bytes__": 1}}, {"profile": None}, id="marker"),
        pytest.param({"__jupyterhub_bytes__": 1}, {"profile": None}, id="marker outside"),
        pytest.param([1], {"profile": None}, id="list outside"),
        pytest.param({f"k{n}": "x" * 999 for n in range(20)}, {"profile": None}, id="much"),
        pytest.param({"a": [[[["deep"]]]]}, {"a": [[[None]]]}, id="deep"),
    ],
)
def test_storable(value: object, stored: dict[str, Any]) -> None:
    assert storable(value) == stored


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=20), inner),
    max_leaves=30,
)


@given(json_values)
def test_what_is_stored_comes_back_as_it_is(value: object) -> None:
    column = orm.JSONDict()
    stored = storable(value)
    text = column.process_bind_param(stored, None)
    assert column.process_result_value(text, None) == stored
    assert len(text) <= 16_384


def test_depth_does_not_matter() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    assert json.dumps(storable({"profile": value})) == '{"profile": [[[null]]]}'


def test_hub_column_takes_only_what_is_storable() -> None:
    keep_options_storable()
    keep_options_storable()
    spawner = orm.Spawner(name="")
    spawner.user_options = requested = {"profile": float("inf")}
    assert spawner.user_options == {"profile": None}
    assert requested["profile"] == float("inf")
    spawner.user_options = None
    assert spawner.user_options is None


def test_hub_column_holds_a_copy() -> None:
    # By which a start without options is told from one that asks for the same again.
    keep_options_storable()
    spawner = orm.Spawner(name="")
    spawner.user_options = requested = dict(PLAIN)
    assert spawner.user_options == requested
    assert spawner.user_options is not requested


def test_trait_takes_everything() -> None:
    holder = Holder()
    assert holder.user_options == {}
    holder.user_options = requested = dict(PLAIN)
    assert holder.user_options is requested
    for value in (b"bytes", [1], 3, None):
        holder.user_options = value  # type: ignore[assignment] # what nobody should send
        assert holder.user_options == {"profile": None}
