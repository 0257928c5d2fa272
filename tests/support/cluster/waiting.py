"""The one way in which tests of the cluster wait: look again until a deadline.

A test that waits says for what, so that its failure does too. Where the API offers a watch,
`support.cluster.objects` uses it instead.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")

PAUSE_S = 0.03
"""Between two looks: short beside what is waited for, long enough to leave it the processor."""


async def until(look: Callable[[], object], *, what: str, timeout_s: float = 20.0) -> None:
    """Ask `look` again and again, until its answer is a truthy one.

    Parameters
    ----------
    look
        A function or a coroutine function; what it raises ends the wait.
    what
        What must become true, for the message.
    timeout_s
        How long, in seconds.

    Raises
    ------
    AssertionError
        If it did not happen in time; with the last answer.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        asked = look()
        found = await asked if inspect.isawaitable(asked) else asked
        if found:
            return
        if time.monotonic() > deadline:
            raise AssertionError(_late(what, timeout_s, found))
        await asyncio.sleep(PAUSE_S)


def wait_until(look: Callable[[], Found], *, what: str, timeout_s: float = 20.0) -> Found:
    """Return the first truthy answer of `look`: the same where there is no event loop."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(_late(what, timeout_s, found))
        pause.wait(PAUSE_S)
    return found


def _late(what: str, timeout_s: float, found: object) -> str:
    return f"waited {timeout_s:g} s in vain: {what} (last answer: {found!r})"
