"""Many callers, one call: what is already being fetched is not fetched again."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable

KeyT = TypeVar("KeyT", bound="Hashable")
ValueT = TypeVar("ValueT")


class SingleFlight(Generic[KeyT, ValueT]):
    """Lets concurrent callers of one key share one call, its result and its error."""

    def __init__(self) -> None:
        self._flights: dict[KeyT, asyncio.Task[ValueT]] = {}

    async def run(self, key: KeyT, call: Callable[[], Coroutine[None, None, ValueT]]) -> ValueT:
        """Return the result of `call`, or of the call for `key` that is already under way.

        A caller that goes away does not end the call: the others still wait for it.
        """
        task = self._flights.get(key)
        if task is None:
            task = asyncio.create_task(call())
            self._flights[key] = task
            task.add_done_callback(partial(self._landed, key))
        return await asyncio.shield(task)

    def _landed(self, key: KeyT, task: asyncio.Task[ValueT]) -> None:
        del self._flights[key]
        if not task.cancelled():
            # Looked at here, because every caller may be gone: an error that nobody fetched
            # would be reported when the task is collected, long after and out of place.
            task.exception()

    async def close(self) -> None:
        """End the calls that are under way; their callers are cancelled with them."""
        flights = tuple(self._flights.values())
        for task in flights:
            task.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
