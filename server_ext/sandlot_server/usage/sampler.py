"""Samples in the background, while somebody looks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .reading import differs, usage_between

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandlot_contracts.session import Usage
    from sandlot_server.clock import Clock

    from .reading import Reading

_FIRST_WINDOW_S = 0.25
"""CPU use needs two readings; the first reply waits this long between them."""


class UsageSampler:
    """The latest usage, and a message whenever it changed.

    Whether anybody listens to the event socket cannot be asked. So every request for
    the usage is a lease: pages ask now and then while they are visible, and once they
    stop asking the sampler stops, and a server that nobody looks at measures nothing.

    Parameters
    ----------
    read
        Takes a reading at the given moment. Blocking; called in a thread.
    emit
        Tells all pages a usage that differs from the one they know.
    interval, lease
        Seconds between readings, and how long one request keeps the sampler going.
    """

    def __init__(
        self,
        *,
        read: Callable[[float], Reading],
        emit: Callable[[Usage], None],
        interval: float,
        lease: float,
        clock: Clock,
    ) -> None:
        self._read = read
        self._emit = emit
        self._interval = interval
        self._lease = lease
        self._clock = clock
        self._wanted_until = 0.0
        self._starting = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._latest: Usage | None = None

    async def latest(self) -> Usage:
        """Return the usage, at most one interval old, and keep sampling for another lease."""
        self._wanted_until = self._clock.now() + self._lease
        # Two pages that open together must not start two samplers.
        async with self._starting:
            if self._latest is None or self._task is None or self._task.done():
                before = await self._look()
                await self._clock.sleep(_FIRST_WINDOW_S)
                after = await self._look()
                self._latest = usage_between(before, after)
                self._task = asyncio.create_task(self._keep_sampling(after))
        return self._latest

    async def close(self) -> None:
        """Stop sampling."""
        if self._task is not None:
            self._task.cancel()
            # Whether it was cancelled or had failed before: it is over.
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> Reading:
        return await asyncio.to_thread(self._read, self._clock.now())

    async def _keep_sampling(self, before: Reading) -> None:
        shown = self._latest
        await self._clock.sleep(self._interval)
        while self._clock.now() < self._wanted_until:
            after = await self._look()
            self._latest = usage_between(before, after)
            if shown is None or differs(shown, self._latest):
                shown = self._latest
                self._emit(shown)
            before = after
            await self._clock.sleep(self._interval)
