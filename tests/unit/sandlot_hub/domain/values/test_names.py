from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from sandlot_hub.domain.values.names import (
    SLUG_MAXIMUM,
    describe_kind,
    joined,
    printable,
    quoted,
    safe_slug,
    shorten,
)

NAMES = st.text(max_size=80) | st.from_regex(r"[a-z0-9-]{1,60}", fullmatch=True)
LABEL = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")


class Hostile(str):
    """Text that does harm when anything of it is called."""

    __slots__ = ()

    @override
    def __getitem__(self, key: object) -> str:
        raise AssertionError

    @override
    def __str__(self) -> str:
        raise AssertionError


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        pytest.param("ann", "ann", id="plain"),
        pytest.param("ann-1", "ann-1", id="hyphen"),
        pytest.param("a" * 48, "a" * 48, id="longest"),
        pytest.param("Ann", "ann---c4rzw3rfaeidgdw2msrjyyil6e", id="case"),
        pytest.param("..", "u---l3a7pzya6n6d2czjqhieqvp4gq", id="dots"),
        pytest.param("1.Zoë Ö", "zo---c2n4e6nsabxn2k65cfobuonlga", id="letters"),
    ],
)
def test_slugs(name: str, slug: str) -> None:
    assert safe_slug(name) == slug


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, id=ascii(name)[:20])
        for name in ("", "Ann", "1ann", "ann-", "-ann", "ann--1", "ann---x", "a" * 49, "ann@x.org",
                     "ann/../root", "..", "zoë", "zoe\u0308", "ann\n", "\ud800", "*", "${USER}",
                     "a" * 10**6, "İ" * 100, "ann ", "ａnn")
    ],
)  # fmt: skip
def test_hostile_names_are_hashed(name: str) -> None:
    slug = safe_slug(name)
    assert re.fullmatch(r"[a-z][a-z0-9-]*?---[a-z2-7]{26}", slug)
    assert len(slug) <= SLUG_MAXIMUM


@given(NAMES)
def test_slugs_are_labels_and_folders(name: str) -> None:
    slug = safe_slug(name)
    assert LABEL.fullmatch(slug)
    assert len(slug) <= SLUG_MAXIMUM


@given(NAMES)
def test_slugs_of_slugs_are_others(name: str) -> None:
    # A user who calls himself like somebody else's slug does not get that one's folder.
    slug = safe_slug(name)
    assert slug == name or safe_slug(slug) != slug


@given(st.lists(NAMES, unique=True, max_size=20))
def test_slugs_are_injective(names: list[str]) -> None:
    assert len({safe_slug(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param("gpu", "gpu", id="plain"),
        pytest.param("R & <b>", "R & <b>", id="markup-stays"),
        pytest.param("a\nb\x00\x1b[31m", r"a\nb\x00\x1b[31m", id="control"),
        pytest.param("a\u202eb", r"a\u202eb", id="direction"),
        pytest.param("a\u200bb", r"a\u200bb", id="zero-width"),
        pytest.param("\ud800", r"\ud800", id="surrogate"),
        pytest.param("{0.__class__}{x:>999999999}", "{0.__class__}{x:>999999999}", id="format"),
        pytest.param("x" * 10**7, "x" * 60 + "…", id="long"),
        pytest.param("x" * 60, "x" * 60, id="just-fits"),
        pytest.param(Hostile("gpu"), "gpu", id="subclass"),
        pytest.param(["x"] * 10**6, "a list", id="list"),
        pytest.param(10**9999, "a number", id="number"),
        pytest.param(float("nan"), "a number", id="nan"),
        pytest.param(True, "true or false", id="bool"),
        pytest.param(None, "nothing", id="none"),
        pytest.param({}, "an object", id="dict"),
        pytest.param(b"x", "something that is not text", id="bytes"),
    ],
)
def test_printable(value: object, shown: str) -> None:
    assert printable(value) == shown


@given(st.text(st.characters()))
def test_printable_prints(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) <= 60 * 10 + 1
    shown.encode("utf-8")


def test_kind_believes_no_lies() -> None:
    def lie(_: object) -> type:
        raise AssertionError

    liar = type("Liar", (), {"__class__": property(lie)})()
    assert describe_kind(liar) == "something that is not text"
    assert printable(liar) == "something that is not text"


def test_quoted() -> None:
    assert quoted("a\tb") == r"“a\tb”"


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        pytest.param("abc", 3, "abc", id="fits"),
        pytest.param("abcd", 3, "ab…", id="cut"),
        pytest.param("a bcd", 3, "a…", id="no-space-before"),
    ],
)
def test_shorten(text: str, limit: int, short: str) -> None:
    assert shorten(text, limit) == short


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param([], "", id="none"),
        pytest.param(["a"], "a", id="one"),
        pytest.param(["a", "b"], "a or b", id="two"),
        pytest.param(["a", "b", "c"], "a, b or c", id="three"),
        pytest.param(list("abcdefg"), "a, b, c, d, e or 2 more", id="many"),
    ],
)
def test_joined(words: list[str], sentence: str) -> None:
    assert joined(words) == sentence
