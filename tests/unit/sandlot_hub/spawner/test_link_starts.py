from __future__ import annotations

from typing import Any

import pytest
from tornado.httputil import HTTPHeaders

from sandlot_hub.spawner.link_starts import NamedImages, is_opened, named_image


@pytest.mark.parametrize(
    ("headers", "opened"),
    [
        pytest.param({}, True, id="tells nothing"),
        pytest.param({"Sec-Fetch-Mode": "navigate"}, True, id="page"),
        pytest.param({"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, True, id="tab"),
        pytest.param({"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, False, id="picture"),
        pytest.param({"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, False, id="fetch"),
        pytest.param({"Sec-Fetch-Mode": "same-origin"}, False, id="other mode"),
        pytest.param({"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, False, id="frame"),
        pytest.param({"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "embed"}, False, id="embed"),
        pytest.param({"Sec-Purpose": "prefetch"}, False, id="prefetch"),
        pytest.param({"Sec-Purpose": "prefetch;prerender"}, False, id="prerender"),
        pytest.param({"Purpose": "Prefetch"}, False, id="old prefetch"),
        pytest.param({"X-Moz": "prefetch"}, False, id="very old prefetch"),
    ],
)
def test_a_page_is_opened(headers: dict[str, str], *, opened: bool) -> None:
    assert is_opened(HTTPHeaders(headers)) is opened


@pytest.mark.parametrize(
    ("options", "image"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"image": "base"}, None, id="of the list"),
        pytest.param({"reference": "x"}, "docker.io/library/x:latest", id="short"),
        pytest.param({"reference": "QUAY.io/lab/x:1"}, "quay.io/lab/x:1", id="long"),
        pytest.param({"reference": ["quay.io/lab/x:1"] * 2}, None, id="repeated"),
        pytest.param({"reference": "no image"}, None, id="malformed"),
    ],
)
def test_one_image_has_one_name(options: dict[str, Any], image: str | None) -> None:
    assert named_image(options) == image


def test_each_owner_has_named_an_image_of_their_own() -> None:
    named = NamedImages()
    named.note("ann", {"reference": "quay.io/lab/x"})
    named.note("ann", {"image": "base"})
    named.note("bob", {"reference": "quay.io/lab/y"})
    assert [named.last(owner) for owner in ("ann", "bob", "eve")] == [
        "quay.io/lab/x:latest",
        "quay.io/lab/y:latest",
        None,
    ]
