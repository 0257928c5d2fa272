"""Workers that wait for accelerators of this machine: those of one size in the order they came.

That none is free is no failure. Servers do not stand in this line: what is given back goes to
whoever asks first, and a worker asks every second.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sandlot_hub.adapters.supervisor_client import (
    SupervisorRefusedError,
    SupervisorUnreachableError,
)
from sandlot_hub.domain.dask.options import SIZE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dask_gateway_server.backends.db_base import (  # type: ignore[import-untyped]
        Cluster,
        Worker,
    )

_LOOK_S = 1.0
_LATER = frozenset({"accelerators-busy", "accelerators-unknown"})
"""Codes of refusals after which another answer is to be expected."""


class AcceleratorLine:
    """Who waits.

    Parameters
    ----------
    start
        Has the supervisor start a worker. It starts none twice.
    look_again
        Has somebody ask `admits` for a worker.
    tell
        Keeps what the workers of a cluster wait for, one sentence; None: nothing.
    """

    def __init__(
        self,
        *,
        start: Callable[[Worker], Awaitable[Any]],
        look_again: Callable[[Worker], None],
        tell: Callable[[Cluster, str | None], None],
    ) -> None:
        self._start = start
        self._look_again = look_again
        self._tell = tell
        self._waiting: dict[Worker, str] = {}
        """What each waits for."""

    async def run(self) -> None:
        """Have the first of each size looked at again and again, for ever."""
        while True:
            await asyncio.sleep(_LOOK_S)
            self.look()

    def look(self) -> None:
        """Have the first of each size looked at."""
        for size in {_size(worker) for worker in self._waiting}:
            self._look_at_first(size)

    async def admits(self, worker: Worker) -> bool:
        """Return whether a worker is to be started now; one that is not stands in the line.

        A worker with accelerators has been started then, or whoever starts it hears why not.
        """
        if not worker.cluster.config.get("accelerators"):
            return True
        first = self._first(_size(worker))
        if first is not None and first.id < worker.id:
            self._wait(worker, self._waiting[first])
            return False
        try:
            await self._start(worker)
        except SupervisorRefusedError as error:
            if error.problem.code in _LATER:
                self._wait(worker, error.problem.detail)
                return False
        except SupervisorUnreachableError:
            return worker not in self._waiting
        return True

    def leave(self, worker: Worker) -> bool:
        """Take a worker out of the line; return whether it was there."""
        if self._waiting.pop(worker, None) is None:
            return False
        cluster = worker.cluster
        self._tell(cluster, next((self._waiting[w] for w in self._of(cluster)), None))
        self._look_at_first(_size(worker))
        return True

    def _wait(self, worker: Worker, sentence: str) -> None:
        self._waiting[worker] = sentence
        self._tell(worker.cluster, sentence)

    def _look_at_first(self, size: str) -> None:
        first = self._first(size)
        if first is not None:
            self._look_again(first)

    def _first(self, size: str) -> Worker | None:
        its = (each for each in self._waiting if _size(each) == size)
        return min(its, key=lambda worker: int(worker.id), default=None)

    def _of(self, cluster: Cluster) -> list[Worker]:
        return [each for each in self._waiting if each.cluster is cluster]


def _size(worker: Worker) -> str:
    return str(worker.cluster.config[SIZE])
