"""Hears from the gateway what becomes of the clusters, while somebody looks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandlot_contracts.clusters import ClusterList, ClustersChanged
from sandlot_server.errors import ProblemError, ServiceRefusedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandlot_contracts.problem import Problem
    from sandlot_server.clock import Clock

_PAUSE_S = 0.5
"""Between two questions while there is no answer."""
_BETWEEN_S = 0.1
"""Between an answer and the next question: workers start by the dozen."""


class ClusterWatch:
    """The latest list of clusters, and a message whenever it is another one.

    One question to the gateway stays open until something changes. As in `UsageSampler` every
    request for the list is a lease, so a server that nobody looks at asks nothing.

    Parameters
    ----------
    ask
        Returns the list at once, or once it no longer has the version that is named.
    emit
        Tells all pages.
    lease
        Seconds that one request keeps it going.
    """

    def __init__(
        self,
        *,
        ask: Callable[[str], Awaitable[ClusterList]],
        emit: Callable[[ClustersChanged], None],
        lease: float,
        clock: Clock,
    ) -> None:
        self._ask = ask
        self._emit = emit
        self._lease = lease
        self._clock = clock
        self._wanted_until = 0.0
        self._starting = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._known: ClusterList | Problem | None = None
        self._revision = 0

    async def latest(self) -> ClusterList:
        """Return the list as it is now, and go on listening for another lease.

        Raises
        ------
        ProblemError
            If the gateway does not answer, or refuses.
        """
        self._wanted_until = self._clock.now() + self._lease
        # Two pages that open together must not start two watches.
        async with self._starting:
            if self._task is None or self._task.done():
                await self.refresh()
                self._task = asyncio.create_task(self._keep_asking())
        if not isinstance(self._known, ClusterList):
            assert self._known is not None  # noqa: S101 - `refresh` has set it
            raise ServiceRefusedError(self._known)
        return self._known

    async def refresh(self) -> None:
        """Ask now: whoever has just ordered something finds it in the next list."""
        await self._look(after="")

    def tell(self) -> None:
        """Have all pages ask again."""
        self._revision += 1
        reachable = isinstance(self._known, ClusterList)
        self._emit(ClustersChanged(revision=self._revision, reachable=reachable))

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            # Whether it was cancelled or had failed before: it is over.
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep_asking(self) -> None:
        while self._clock.now() < self._wanted_until:
            if isinstance(self._known, ClusterList):
                await self._look(after=self._known.version)
                await self._clock.sleep(_BETWEEN_S)
            else:
                await self._clock.sleep(_PAUSE_S)
                await self._look(after="")

    async def _look(self, *, after: str) -> None:
        before = self._known
        try:
            self._known = await self._ask(after)
        except ProblemError as error:
            self._known = error.problem()
        # The first list is the reply to whoever asked.
        if before is not None and _mark(before) != _mark(self._known):
            self.tell()


def _mark(known: ClusterList | Problem) -> tuple[bool, str]:
    if isinstance(known, ClusterList):
        return True, known.version
    return False, known.code
