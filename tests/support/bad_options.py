"""Options that nobody may start with, for every kind of hub whose catalogue is `local_catalogue`'s."""

from __future__ import annotations

import json
from typing import Any

REFUSED: dict[str, tuple[Any, str]] = {
    "unknown profile": ({"profile": "nope"}, "profile-unknown"),
    "hidden profile": ({"profile": "vault"}, "profile-unknown"),
    "profile of a group": ({"profile": "course"}, "profile-not-allowed"),
    "unknown option": ({"profile": "everyday", "color": "red"}, "option-unknown"),
    "option without profile": ({"image": "base"}, "profile-required"),
    "unknown image": ({"profile": "everyday", "image": "nope"}, "image-unknown"),
    "hidden image": ({"profile": "everyday", "image": "sealed"}, "image-unknown"),
    "image of another profile": ({"profile": "course", "image": "scipy"}, "profile-not-allowed"),
    "format string": ({"profile": "{0.__class__}"}, "profile-unknown"),
    "wide format string": ({"profile": "{x:>999999999}"}, "profile-unknown"),
    "markup": ({"profile": "<script>alert(1)</script>"}, "profile-unknown"),
    "line break and terminal": ({"profile": "a\r\n\x1b[31mb"}, "profile-unknown"),
    "zero byte": ({"profile": "a\x00"}, "profile-unknown"),
    "per cent": ({"profile": "%s%(x)d%"}, "profile-unknown"),
    "long": ({"profile": "x" * 500_000}, "options-too-large"),
}
"""What is refused however it comes: id to options and code."""


def nested(depth: int) -> str:
    """Return options with a profile in so many lists."""
    return f'{{"profile": {"[" * depth}{"]" * depth}}}'


REFUSED_AS_JSON: dict[str, tuple[str, str]] = {
    "list": ('{"profile": ["everyday"]}', "options-type"),
    "object": ('{"profile": {"slug": "everyday"}}', "options-type"),
    "number": ('{"profile": 1}', "options-type"),
    "large number": (f'{{"profile": {"9" * 4000}}}', "options-type"),
    "truth value": ('{"profile": true}', "options-type"),
    "null": ('{"profile": null}', "options-type"),
    "not a number": ('{"profile": NaN}', "options-type"),
    "infinity": ('{"profile": -Infinity}', "options-type"),
    "half a character": ('{"profile": "\\ud800"}', "profile-unknown"),
    "many options": (json.dumps({f"k{i}": "v" for i in range(20_000)}), "options-too-large"),
    "stored bytes": ('{"__jupyterhub_bytes__": true, "data": "aGk="}', "option-unknown"),
    "stored bytes inside": (
        '{"profile": {"__jupyterhub_bytes__": true, "data": "aGk="}}',
        "options-type",
    ),
    "deep": (nested(100), "options-type"),
    "deeper": (nested(800), "options-type"),
}
"""What is refused as the text of a JSON document: id to options and code."""
