from __future__ import annotations

import pytest

from sandlot_hub.local.options import parse_base_url, parse_public_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [("/", "/"), ("", "/"), ("hub", "/hub/"), ("/a/b", "/a/b/"), ("/a/b/", "/a/b/")],
)
def test_base_url(text: str, expected: str) -> None:
    assert parse_base_url(text) == expected


@pytest.mark.parametrize("text", ["/a//b", "/a?b", "/a#b", "/a b", "/%41", "/a\\b", "/é/"])
def test_what_is_no_base_url(text: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        parse_base_url(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://hub.example.org", "https://hub.example.org/"),
        ("https://hub.example.org:8443/x/", "https://hub.example.org:8443/x/"),
    ],
)
def test_public_url(text: str, expected: str) -> None:
    assert parse_public_url(text) == expected


@pytest.mark.parametrize(
    "text",
    ["hub.example.org", "ftp://x/", "https://", "https:///x", "https://x/?a", "https://x/#a"],
)
def test_what_is_no_public_url(text: str) -> None:
    with pytest.raises(ValueError, match="not a URL"):
        parse_public_url(text)
