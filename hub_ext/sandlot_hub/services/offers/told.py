"""What is known of the place where servers run, and who hears when that changes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .availability import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandlot_hub.domain.values.ports import Clock


class ToldSource:
    """A source of facilities that is told of changes. Who it asks, subclasses know.

    Parameters
    ----------
    clock
        The time.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []
        self._first = asyncio.Event()
        """Set once there was an answer, were it that nothing is known."""
        # Before it nothing is known, since the start.
        self._latest = Snapshot(version=0, as_of=clock.now(), taken=clock.monotonic())

    @property
    def latest(self) -> Snapshot:
        """What is known now. Asks nobody."""
        return self._latest

    def known(self) -> bool:
        """Return whether what it asks answers; True before the first answer."""
        return self._latest.known or not self._first.is_set()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever there is news."""
        self._listeners.append(listener)

    async def snapshot(self) -> Snapshot:
        """Return what is known; right after the start, wait for the first answer."""
        await self._first.wait()
        return self.latest

    def _say(self, snapshot: Snapshot) -> None:
        self._latest = snapshot
        self._first.set()
        for listener in self._listeners:
            listener()
