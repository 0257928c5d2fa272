"""Who waits in a namespace, counted for all starts together.

Each start looks twice a second, and each would go through all pods: of a few hundred people who
wait at once, the hub would do nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_hub.domain.pods.queue import waiting_queues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sandlot_hub.domain.pods.documents import Document
    from sandlot_hub.domain.pods.queue import Queue

COUNT_S = 2.0
"""Seconds for which a count is good; what people read of it is in minutes."""


class SharedQueues:
    """Counts who waits, and keeps the count for a moment.

    Parameters
    ----------
    monotonic
        Seconds that never go back.
    """

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._good_until = float("-inf")
        self._queues: Mapping[str, Queue] = {}

    def of(self, pods: Callable[[], Iterable[Document]]) -> Mapping[str, Queue]:
        """Return who waits.

        Parameters
        ----------
        pods
            Returns all pods of the namespace; asked only when it is time to count again.
        """
        now = self._monotonic()
        if now >= self._good_until:
            self._queues = waiting_queues(pods())
            self._good_until = now + COUNT_S
        return self._queues
