"""Workers of new clusters: they can be had only once a cluster runs, and nobody should wait for that.

The page that ordered them may be closed by then, so it is this server that remembers.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from sandlot_contracts.clusters import AdaptiveWish, WorkersWish
from sandlot_server.errors import ProblemError, ServiceRefusedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandlot_contracts.clusters import ClusterInfo, ClusterList, ClusterWish
    from sandlot_contracts.problem import Problem
    from sandlot_server.clock import Clock

_PAUSE_S = 0.5
"""Between two questions while there is no answer."""
_FIRST_FAILURE = 500
_REMEMBERED = 100
"""Refusals; the oldest one is forgotten first."""


class OrdersWorkers(Protocol):
    """The part of `ClustersClient` that is needed here."""

    async def scale(self, name: str, wish: WorkersWish) -> None:
        """Have a cluster have so many workers."""
        ...

    async def adapt(self, name: str, wish: AdaptiveWish) -> None:
        """Have a cluster scale by itself."""
        ...


class FirstOrders:
    """Gives new clusters their workers as soon as they can have them.

    Parameters
    ----------
    ask
        Returns the list at once, or once it no longer has the version that is named.
    client
        Orders.
    clock
        The time.
    tell
        Called when there is a new refusal.
    patience_s
        How long a cluster is followed; by then it has started, or never will.
    """

    def __init__(
        self,
        *,
        ask: Callable[[str], Awaitable[ClusterList]],
        client: OrdersWorkers,
        clock: Clock,
        tell: Callable[[], None],
        patience_s: float,
    ) -> None:
        self._ask = ask
        self._client = client
        self._clock = clock
        self._tell = tell
        self._patience_s = patience_s
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._refusals: dict[str, Problem] = {}

    def follow(self, name: str, wish: ClusterWish) -> None:
        """Give a cluster what `wish` says of workers, once it runs."""
        if wish.adaptive is None and not wish.workers:
            return
        task = asyncio.create_task(self._follow(name, wish))
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name, None))

    def refusal(self, name: str) -> Problem | None:
        """Return why a cluster did not get its workers, None when it did or still may."""
        return self._refusals.get(name)

    def forget(self, name: str) -> None:
        """Somebody has ordered something else for a cluster: that holds now."""
        self._refusals.pop(name, None)
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Follow nothing any more."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, name: str, wish: ClusterWish) -> None:
        deadline = self._clock.now() + self._patience_s
        version = ""
        while self._clock.now() < deadline:
            try:
                found = await self._ask(version)
                version = found.version
                if _may_still_run(found, name):
                    continue
                if _runs(found, name):
                    await self._order(name, wish)
            except ProblemError as error:
                if _is_final(error):
                    self._note(name, error.problem())
                    return
                # The gateway is away for a moment. The cluster is not, and nor is the order.
                await self._clock.sleep(_PAUSE_S)
            else:
                return

    async def _order(self, name: str, wish: ClusterWish) -> None:
        if wish.adaptive is not None:
            bounds = wish.adaptive
            await self._client.adapt(
                name, AdaptiveWish(minimum=bounds.minimum, maximum=bounds.maximum)
            )
        elif wish.workers:
            await self._client.scale(name, WorkersWish(count=wish.workers))

    def _note(self, name: str, problem: Problem) -> None:
        while len(self._refusals) >= _REMEMBERED:
            del self._refusals[next(iter(self._refusals))]
        self._refusals[name] = problem
        self._tell()


def _is_final(error: ProblemError) -> bool:
    """Return whether the gateway has decided, and would answer the same again."""
    return isinstance(error, ServiceRefusedError) and error.status < _FIRST_FAILURE


def _may_still_run(found: ClusterList, name: str) -> bool:
    cluster = _find(found, name)
    return cluster is not None and cluster.status == "PENDING"


def _runs(found: ClusterList, name: str) -> bool:
    cluster = _find(found, name)
    return cluster is not None and cluster.status == "RUNNING"


def _find(found: ClusterList, name: str) -> ClusterInfo | None:
    return next((each for each in found.clusters if each.name == name), None)
