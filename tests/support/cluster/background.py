"""An event loop beside a test that has none: a browser is driven by calls that block."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from types import TracebackType

Result = TypeVar("Result")

TIMEOUT_S = 120.0
"""What is asked of a cluster may take this long, in seconds."""


class Background:
    """Runs coroutines in a thread of its own, while the context lasts."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="background loop")

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def run(self, work: Awaitable[Result], *, timeout_s: float = TIMEOUT_S) -> Result:
        """Return the result of `work`, or raise what it raises.

        Raises
        ------
        TimeoutError
            If it takes longer than `timeout_s` seconds; it is cancelled then.
        """

        async def awaited() -> Result:
            return await work

        future = asyncio.run_coroutine_threadsafe(awaited(), self._loop)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            future.cancel()
            raise
