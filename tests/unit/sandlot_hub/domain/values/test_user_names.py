from __future__ import annotations

import unicodedata
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandlot_hub.domain.values.refusals import RefusalCode
from sandlot_hub.domain.values.user_names import (
    GROUP_MAXIMUM,
    NAME_MAXIMUM,
    check_group_name,
    check_user_name,
    normalise_user_name,
)

ACCEPTED = [
    pytest.param("ann", id="plain"),
    pytest.param("a", id="one-letter"),
    pytest.param("1", id="one-digit"),
    pytest.param("ann.k-2_x", id="separators"),
    pytest.param("ann.k@example.org", id="e-mail"),
    pytest.param("émile", id="accent"),
    pytest.param("王小明", id="chinese"),
    pytest.param("हिन्दी", id="marks"),
    pytest.param("x" * NAME_MAXIMUM, id="longest"),
]

REFUSED = [
    pytest.param("", "cannot be empty", id="empty"),
    pytest.param("x" * (NAME_MAXIMUM + 1), "too long: it has 65 characters", id="too-long"),
    pytest.param("x" * 1_000_000, "too long", id="megabyte"),
    pytest.param("Ann", "write that", id="capital"),
    pytest.param("e\N{COMBINING ACUTE ACCENT}mile", "write that", id="decomposed"),
    pytest.param("ａｎｎ", "write that", id="full-width"),
    pytest.param(".", "begins and ends with", id="dot"),
    pytest.param("..", "begins and ends with", id="parent-folder"),
    pytest.param("../x", "begins and ends with", id="path"),
    pytest.param("-rf", "begins and ends with", id="leading-dash"),
    pytest.param(".ssh", "begins and ends with", id="leading-dot"),
    pytest.param("ann.", "begins and ends with", id="trailing-dot"),
    pytest.param(" ann", "begins and ends with", id="leading-space"),
    pytest.param("ann\n", "begins and ends with", id="newline"),
    pytest.param("\N{COMBINING ACUTE ACCENT}a", "begins and ends with", id="leading-mark"),
    pytest.param("a..b", "two dots in a row", id="dots-inside"),
    pytest.param("a/b", "because of “/”", id="slash"),
    pytest.param("a\\b", "because of “\\”", id="backslash"),
    pytest.param("a%2fb", "because of “%”", id="escaped-slash"),
    pytest.param("a b", "because of a space", id="space"),
    pytest.param("a\0b", r"because of “\x00”", id="nul"),
    pytest.param("a\x1b[31mb", r"because of “\x1b”", id="ansi"),
    pytest.param("a\N{RIGHT-TO-LEFT OVERRIDE}b", r"because of “\u202e”", id="direction-override"),
    pytest.param("a\N{ZERO WIDTH SPACE}b", r"because of “\u200b”", id="zero-width"),
    pytest.param("a<b>c", "because of “<”", id="markup"),
    pytest.param("a{b}c", "because of “{”", id="braces"),
    pytest.param("a'b", "because of “'”", id="quote"),
    pytest.param("a$b", "because of “$”", id="dollar"),
    pytest.param("a\ud800b", "because of", id="unpaired-surrogate"),
]


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str) -> None:
    assert check_user_name(name) is None


@pytest.mark.parametrize(("name", "words"), REFUSED)
def test_refused(name: str, words: str) -> None:
    refused = check_user_name(name)

    assert refused is not None
    assert refused.code is RefusalCode.USER_NAME
    assert words in refused.message
    assert refused.message.isprintable()
    assert len(refused.message) < 300


@given(st.text(max_size=NAME_MAXIMUM))
@example("İ")
@example("ſ")
def test_a_normalised_name_is_refused_only_for_what_is_in_it(name: str) -> None:
    normal = normalise_user_name(name)

    refused = check_user_name(normal)

    if normalise_user_name(normal) == normal:
        assert refused is None or "another spelling" not in refused.message


@given(st.text(max_size=80))
def test_an_accepted_name_is_safe_wherever_it_is_put(name: str) -> None:
    if check_user_name(name) is not None:
        return

    assert normalise_user_name(name) == name
    assert unquote(quote(name)) == name
    assert name.isprintable()
    assert name == name.strip()
    assert not set(name) & set("/\\\0'\"$`&|;<>(){}[]*?!~#%=,: \t\n")
    assert name[0] not in "-."
    assert unicodedata.is_normalized("NFKC", name)


@pytest.mark.parametrize(
    ("typed", "account"),
    [
        pytest.param("Ann", "ann", id="capitals"),
        pytest.param("ＡＮＮ", "ann", id="full-width"),
        pytest.param("E\N{COMBINING ACUTE ACCENT}mile", "émile", id="decomposed"),
        pytest.param("ﬁona", "fiona", id="ligature"),
    ],
)
def test_spellings_of_one_account(typed: str, account: str) -> None:
    assert normalise_user_name(typed) == account


def test_letters_that_only_look_alike_are_two_accounts() -> None:
    cyrillic = "\N{CYRILLIC SMALL LETTER A}nn"

    assert normalise_user_name(cyrillic) != "ann"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("  ", id="blank"),
        pytest.param(" a", id="leading-space"),
        pytest.param("a/b", id="slash"),
        pytest.param("a\nb", id="newline"),
        pytest.param("..", id="parent-folder"),
        pytest.param("g" * (GROUP_MAXIMUM + 1), id="too-long"),
    ],
)
def test_group_refused(name: str) -> None:
    refused = check_group_name(name)

    assert refused is not None
    assert refused.code is RefusalCode.GROUP_NAME
    assert refused.message.isprintable()


@pytest.mark.parametrize("name", ["gpu", "Teaching assistants", "cs101", "Physik II"])
def test_group_accepted(name: str) -> None:
    assert check_group_name(name) is None
