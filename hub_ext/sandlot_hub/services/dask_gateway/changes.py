"""Wakes those who wait until something about a user's clusters is new."""

from __future__ import annotations

import asyncio
import contextlib


class Changes:
    """Who changes a cluster tells, and who shows its owner's clusters waits.

    A change is told after it was made, in the same turn of the event loop: whoever has looked, and
    waits without letting anybody else go on in between, misses nothing.
    """

    def __init__(self) -> None:
        self._next: dict[str, asyncio.Event] = {}
        """What is set at the next change, by owner; only of those for whom somebody waits."""

    def tell(self, owner: str) -> None:
        """Something about the clusters of a user is new."""
        # Whoever waits holds the old event; the next to wait gets one that is not set.
        event = self._next.pop(owner, None)
        if event is not None:
            event.set()

    async def wait(self, owner: str, seconds: float) -> bool:
        """Wait for news of a user's clusters; return whether there were any in so many seconds."""
        event = self._next.setdefault(owner, asyncio.Event())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)
        return event.is_set()
