"""What the hub stores as a server's options, kept storable.

The hub stores requested options *before* anything can look at them: a start writes
them to the database ahead of every hook, and ``PATCH`` has no hook at all. Options
come from users, and three kinds of them do harm there:

- Nesting that JSON can read but, a few calls deeper in the stack, no longer write.
  The write fails outside of the hub's error handling: it counts as a failure of the
  hub, and leaves a server behind, as running, that never was.
- The keys by which the hub marks stored bytes. They come back as bytes, and from
  then on every page and API reply that shows this server is an error.
- Megabytes, which then are part of every listing of users.

So a listener on the hub's own column replaces such values by null, which is what
the hub documents for values that it cannot store. `resolve` judges the request
itself, which stays as it was.
"""

from __future__ import annotations

import json
import math
from typing import Any

from jupyterhub import orm
from sqlalchemy import event
from traitlets import Dict
from typing_extensions import override

_DEPTH_MAXIMUM = 4
_ITEMS_MAXIMUM = 100
_TEXT_MAXIMUM = 1000
_TOTAL_MAXIMUM = 16_384
_RESERVED_PREFIX = "__jupyterhub_"


def storable(value: object) -> dict[str, Any]:
    """Return a copy of requested options that the database can hold and give back.

    Objects, lists, text, finite numbers and truth values of bounded size stay; all
    the rest is null. What is not an object at all, or more than 16 KiB of JSON,
    becomes a profile that is null: it is refused when it is used, where an empty
    object would pass for "no options".
    """
    options = _as_mapping(_plain(value, depth=0))
    return options if len(json.dumps(options)) <= _TOTAL_MAXIMUM else _as_mapping(None)


def _plain(value: object, *, depth: int) -> Any:
    match value:
        case str():
            return value if len(value) <= _TEXT_MAXIMUM else None
        case float():
            return value if math.isfinite(value) else None
        case int():  # and so True and False
            return value
        case dict() if _fits(value, depth) and all(map(_is_plain_key, value)):
            return {key: _plain(item, depth=depth + 1) for key, item in value.items()}
        case list() if _fits(value, depth):
            return [_plain(item, depth=depth + 1) for item in value]
    return None


def _fits(value: dict[Any, Any] | list[Any], depth: int) -> bool:
    return depth < _DEPTH_MAXIMUM and len(value) <= _ITEMS_MAXIMUM


def _is_plain_key(key: object) -> bool:
    return (
        isinstance(key, str) and len(key) <= _TEXT_MAXIMUM and not key.startswith(_RESERVED_PREFIX)
    )


def _as_mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"profile": None}


def keep_options_storable() -> None:
    """Have every value for the hub's column of options pass through `storable`.

    Safe to call again: the listener is added once in the life of the process.
    """
    if not event.contains(orm.Spawner.user_options, "set", _on_set):
        event.listen(orm.Spawner.user_options, "set", _on_set, retval=True)


def _on_set(_target: object, value: object, _old: object, _initiator: object) -> Any:
    return value if value is None else storable(value)


class UserOptions(Dict):
    """Options as they were requested, of any shape.

    The hub assigns them outside of its error handling. Its own trait raises for
    what is not a mapping, which would do the first kind of harm above; this one
    takes everything and lets `resolve` refuse it.
    """

    info_text = "the options of a start"

    @override
    def validate(self, obj: Any, value: Any) -> dict[str, Any]:
        """Return a mapping as it is, anything else as a profile that is null."""
        del obj
        return _as_mapping(value)
