from __future__ import annotations

import re

import pytest
from hashauthenticator import generate_password_digest

from sandlot_hub.adapters.passwords import (
    SECRET_MINIMUM,
    account_password,
    is_password,
    new_secret,
)

SECRET = "s" * 64


def test_the_digest_is_hashauthenticators() -> None:
    expected = generate_password_digest("émile", SECRET, 20)

    assert account_password("émile", SECRET).replace("-", "") == expected


def test_a_password_can_be_read_aloud_and_is_long_enough() -> None:
    password = account_password("ann", SECRET)

    assert re.fullmatch(r"[0-9a-f]{5}(-[0-9a-f]{5}){3}", password)


def test_every_account_has_its_own() -> None:
    names = [f"user-{number}" for number in range(50)]

    assert len({account_password(name, SECRET) for name in names}) == len(names)


def test_another_secret_makes_other_passwords() -> None:
    assert account_password("ann", SECRET) != account_password("ann", "t" * 64)


def test_secrets_are_new_and_long_enough() -> None:
    assert new_secret() != new_secret()
    assert len(new_secret()) >= SECRET_MINIMUM


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        pytest.param("abcde-01234-56789-fedcb", True, id="as-printed"),
        pytest.param("abcde0123456789fedcb", True, id="without-hyphens"),
        pytest.param(" ABCDE 01234 56789 FEDCB\n", True, id="spaces-and-capitals"),
        pytest.param("abcde-01234-56789-fedcc", False, id="last-letter"),
        pytest.param("abcde-01234-56789", False, id="too-short"),
        pytest.param("abcde-01234-56789-fedcb0", False, id="too-long"),
        pytest.param("", False, id="empty"),
        pytest.param("-" * 10, False, id="only-hyphens"),
        pytest.param("ábcde-01234-56789-fedcb", False, id="not-ascii"),
        pytest.param("\ud800", False, id="unpaired-surrogate"),
        pytest.param("\0", False, id="nul"),
        pytest.param("abcde-01234-56789-fedcb" + " " * 1_000_000, False, id="megabyte"),
    ],
)
def test_what_counts_as_the_password(typed: str, right: bool) -> None:
    assert is_password(typed, "abcde-01234-56789-fedcb") is right
