"""Ending without cutting anybody off: which requests are in progress."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Ending:
    """Tells answers that go on for long that the service ends."""

    def __init__(self) -> None:
        self.begun = False
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` when the end begins."""
        self._listeners.append(listener)

    def begin(self) -> None:
        """Say that the service ends."""
        self.begun = True
        for listener in self._listeners:
            listener()


class InFlight:
    """Counts the requests in progress."""

    def __init__(self) -> None:
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def enter(self) -> None:
        """Count one request in."""
        self._count += 1
        self._idle.clear()

    def leave(self) -> None:
        """Count one request out."""
        self._count -= 1
        if self._count == 0:
            self._idle.set()

    async def wait_idle(self, *, within: float) -> bool:
        """Wait until no request is in progress; False when `within` seconds were not enough."""
        try:
            async with asyncio.timeout(within):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True
