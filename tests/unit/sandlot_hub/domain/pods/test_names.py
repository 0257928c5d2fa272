from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandlot_hub.domain.pods.names import (
    annotation_value,
    environment_value,
    home_claim_name,
    home_folder,
    label_value,
    server_object_name,
)

LABEL = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", re.ASCII)
DNS_LABEL = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
NAMES = st.text(st.characters(exclude_characters="/"), min_size=1, max_size=80)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("ann", "ann", id="plain"),
        pytest.param("Ann.B_2", "Ann.B_2", id="as-it-is"),
        pytest.param("a" * 63, "a" * 63, id="longest"),
        pytest.param("ann@x.org", "ann-x-org---gz5b45bqfrzsjbk273v2hb6tyu", id="mail"),
        pytest.param("a---b", "a-b---dlgsp6e3j5cn3lz3qh5nwver5i", id="like-a-digest"),
        pytest.param("安娜", "u---6phtkahjlna2dnn6dabxzyw5la", id="other-script"),
    ],
)
def test_a_label_is_readable_where_it_can_be(text: str, value: str) -> None:
    assert label_value(text) == value


@given(st.text(max_size=200))
def test_a_label_is_always_taken(text: str) -> None:
    assert LABEL.fullmatch(label_value(text))


@given(st.text(max_size=100), st.text(max_size=100))
def test_no_two_texts_share_a_label(one: str, other: str) -> None:
    assert (label_value(one) == label_value(other)) == (one == other)


@given(NAMES, st.text(max_size=60))
def test_names_of_objects_are_always_taken(owner: str, server: str) -> None:
    for name in (server_object_name(owner, server), home_claim_name(owner, server)):
        assert DNS_LABEL.fullmatch(name), name


@given(st.tuples(NAMES, st.text(max_size=40)), st.tuples(NAMES, st.text(max_size=40)))
def test_no_two_servers_share_a_name(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (home_folder(*one) == home_folder(*other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("ann", "b"), ("ann-b", ""), id="joined"),
        pytest.param(("ann--b", ""), ("ann", "b"), id="kubespawner's-joint"),
        pytest.param(("a", "b-c"), ("a-b", "c"), id="moved-border"),
        pytest.param(("Ann", ""), ("ann", ""), id="capital"),
        pytest.param(("\u00e9", ""), ("e\u0301", ""), id="composition"),
    ],
)
def test_servers_that_look_alike_are_apart(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert home_folder(*one) != home_folder(*other)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("安娜 {0}", "安娜 {0}", id="any-script"),
        pytest.param("a\ud800", "a\\ud800", id="half-a-character"),
    ],
)
def test_an_annotation_can_be_sent(text: str, value: str) -> None:
    assert annotation_value(text) == value


@given(st.text(alphabet="$()aA{}", max_size=12))
def test_a_variable_arrives_as_it_was(text: str) -> None:
    variables = {"A": "secret", "a": "secret"}
    assert _as_the_kubelet_does(environment_value(text), variables) == text


def _as_the_kubelet_does(value: str, variables: dict[str, str]) -> str:
    """Expand as k8s.io/kubernetes/third_party/forked/golang/expansion does."""

    def replaced(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return variables.get(match[1], match[0])

    return re.sub(r"\$\$|\$\(([^)]*)\)", replaced, value)
