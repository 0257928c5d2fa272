"""Clusters of one machine: the supervisor's processes, and the database of what they should be."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol, TypeVar

import sqlalchemy as sa

from sandlot_contracts.clusters import ClusterLog, WorkerLog
from sandlot_hub.adapters.supervisor_client import (
    SupervisorRefusedError,
    SupervisorUnreachableError,
)
from sandlot_hub.domain.capacity.machine import machine_facilities

from .clusters import kept_config, unavailable
from .supervisor_port import DaskSupervisor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from dask_gateway_server.backends.db_base import Cluster  # type: ignore[import-untyped]

    from sandlot_contracts.supervisor import LocalFacilities
    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.dask.options import DaskPlan
    from sandlot_hub.domain.values.entitlements import Entitlements
    from sandlot_hub.domain.values.refusals import Refused
    from sandlot_hub.services.errors import ProblemError

    from .admission import Admission
    from .backend import SupervisedBackend
    from .changes import Changes
    from .database import ClusterDatabase, Keys

FoundT = TypeVar("FoundT")

_LOGS = 5
"""Of how many workers the log is shown."""


class Machine(DaskSupervisor, Protocol):
    """The part of `SupervisorClient` that starts, and tells what can be started."""

    async def facilities(self) -> LocalFacilities:
        """Return what this machine can do."""
        ...


class SupervisedMaker:
    """Implements `clusters.ClusterMaker`.

    Parameters
    ----------
    backend
        Works on the clusters.
    database
        Keeps them.
    machine
        Starts their processes.
    """

    def __init__(
        self, *, backend: SupervisedBackend, database: ClusterDatabase, machine: Machine
    ) -> None:
        self._backend = backend
        self._database = database
        self._machine = machine

    @property
    def admission(self) -> Admission:
        """Who may have how much."""
        return self._backend.admission

    @property
    def changes(self) -> Changes:
        """Wakes those who wait for news of their clusters."""
        return self._database.changes

    def get_cluster(self, name: str) -> Cluster | None:
        """Return a cluster, also one that has ended; None when there is none."""
        return self._database.get_cluster(name)

    def of_owner(self, owner: str) -> list[Cluster]:
        """Return all clusters of a user, the newest first."""
        return self._database.of_owner(owner)

    async def facilities(self) -> Facilities:
        """Return what this machine can do."""
        return machine_facilities(await _answer(self._machine.facilities()))

    async def begin(
        self, plan: DaskPlan, entitlements: Entitlements, *, name: str, keys: Keys
    ) -> Cluster:
        """Keep a cluster, and begin to start it. Nobody else is served meanwhile."""
        with _database():
            cluster = self._database.insert(
                name=name,
                owner=entitlements.user,
                keys=keys,
                options=plan.options,
                config=kept_config(plan),
            )
        self._backend.enlist(cluster)
        return cluster

    async def end(self, cluster: Cluster) -> None:
        """Begin to end a cluster."""
        with _database():
            self._backend.stop(cluster)

    async def scale(self, cluster: Cluster, count: int) -> Refused | None:
        """Have a cluster have `count` workers."""
        with _database():
            return await self._backend.orders.scale(cluster, count)

    async def adapt(
        self, cluster: Cluster, *, minimum: int | None, maximum: int | None, active: bool
    ) -> Refused | None:
        """Have a cluster scale by itself, or no longer."""
        with _database():
            return await self._backend.orders.adapt(
                cluster, minimum=minimum, maximum=maximum, active=active
            )

    async def log(self, cluster: Cluster) -> ClusterLog:
        """Return the end of what a cluster's processes wrote."""
        newest = sorted(cluster.workers.values(), key=lambda each: -each.id)[:_LOGS]
        scheduler, *workers = await _answer(
            asyncio.gather(
                self._machine.dask_log(cluster.name),
                *(self._machine.dask_log(each.name) for each in newest),
            )
        )
        return ClusterLog(
            scheduler=scheduler.lines,
            workers=tuple(
                WorkerLog(worker=worker.name, lines=tail.lines)
                for worker, tail in zip(newest, workers, strict=True)
            ),
        )


def database_unavailable() -> ProblemError:
    """Return the error that says that nothing can be kept now."""
    return unavailable(
        code="database-unavailable",
        sentence="The database of clusters cannot be written now. Clusters go on; changes have to "
        "wait. If it stays so, an administrator looks at the database and its disk.",
    )


@contextlib.contextmanager
def _database() -> Iterator[None]:
    try:
        yield
    except sa.exc.OperationalError as error:
        raise database_unavailable() from error


async def _answer(question: Awaitable[FoundT]) -> FoundT:
    try:
        return await question
    except (SupervisorRefusedError, SupervisorUnreachableError) as error:
        raise unavailable(
            code="supervisor-unavailable",
            sentence="The program that starts things on this machine does not answer. Try again in a "
            "moment.",
        ) from error
