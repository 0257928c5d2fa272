"""Lines that a process of a user wrote, made fit for a page and a log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandlot_hub.domain.values.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAXIMUM = 40
_WIDTH = 400
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def readable(lines: Iterable[str]) -> tuple[str, ...]:
    """Return the last 40 lines, without terminal colours, printable, and cut to 400 characters."""
    last = list(lines)[-_MAXIMUM:]
    return tuple(printable(_TERMINAL.sub("", line), limit=_WIDTH) for line in last)
