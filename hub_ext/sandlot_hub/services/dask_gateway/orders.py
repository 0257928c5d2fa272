"""What owners order of their clusters' workers, whatever those clusters are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dask_gateway_server.backends.db_base import JobStatus  # type: ignore[import-untyped]

from .admission import Admission
from .schedulers import SchedulerSilentError, scheduler_session, tell_scheduler

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    import aiohttp

    from sandlot_hub.domain.settings.dask import DaskLimits
    from sandlot_hub.domain.values.refusals import Refused

    Bounds = dict[str, int | None]
    """`minimum` and `maximum` of adaptive scaling; None means no bound."""


class WorkerOrders:
    """Admits orders, and gives them to schedulers. A cluster is dask-gateway's, or what is like it.

    Parameters
    ----------
    limits
        What one user may have.
    of_owner
        Returns all clusters of a user.
    keep
        Keeps the bounds that a cluster scales by itself between; None: it does not.
    """

    def __init__(
        self,
        *,
        limits: DaskLimits,
        of_owner: Callable[[str], Iterable[Any]],
        keep: Callable[[Any, Bounds | None], Awaitable[None]],
    ) -> None:
        self._of_owner = of_owner
        self._keep = keep
        self._session: aiohttp.ClientSession | None = None
        self.admission = Admission(limits=limits, clusters=self._left_of, workers=not_gone)

    def open(self) -> None:
        """Make ready to ask schedulers; in a running event loop."""
        self._session = scheduler_session()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def scale(self, cluster: Any, count: int) -> Refused | None:
        """Have a cluster have `count` workers; return why it may not.

        Raises
        ------
        SchedulerSilentError
            If its scheduler does not answer.
        """
        refusal = self.admission.more_workers(cluster, count)
        if refusal is None:
            try:
                await self._tell(cluster, op="scale", count=count)
            except SchedulerSilentError:
                self.admission.forget(cluster)
                raise
            await self._keep(cluster, None)
        return refusal

    async def adapt(
        self, cluster: Any, *, minimum: int | None, maximum: int | None, active: bool
    ) -> Refused | None:
        """Have a cluster scale by itself, or no longer; return why it may not.

        Raises
        ------
        SchedulerSilentError
            As in `scale`.
        """
        refusal = self.admission.may_adapt(cluster, minimum or 0) if active else None
        if refusal is None:
            bounds: Bounds = {"minimum": minimum, "maximum": maximum}
            await self._tell(cluster, op="adapt", active=active, **bounds)
            await self._keep(cluster, bounds if active else None)
        return refusal

    async def _tell(self, cluster: Any, **message: object) -> None:
        assert self._session is not None  # noqa: S101 (opened before anybody is served)
        await tell_scheduler(self._session, cluster, message)

    def _left_of(self, owner: str) -> list[Any]:
        return [each for each in self._of_owner(owner) if each.status < JobStatus.STOPPED]


def not_gone(cluster: Any) -> int:
    """Return how many workers of a cluster use something."""
    return sum(worker.status < JobStatus.STOPPED for worker in cluster.workers.values())
