"""Ending without cutting anybody off: which requests are in progress."""

from __future__ import annotations

import asyncio


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
