"""What the routes ask for: each method is for one user, and finds only what is theirs."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import sqlalchemy as sa
from dask_gateway_server.backends.db_base import JobStatus  # type: ignore[import-untyped]
from dask_gateway_server.models import ClusterStatus  # type: ignore[import-untyped]

from sandlot_contracts.clusters import ClusterLog, WorkerLog
from sandlot_hub.adapters.supervisor_client import (
    SupervisorRefusedError,
    SupervisorUnreachableError,
)
from sandlot_hub.domain.dask_admission import WorkerSize
from sandlot_hub.domain.dask_options import IMAGE, SIZE, choose_dask, dask_offers
from sandlot_hub.domain.machine import machine_facilities
from sandlot_hub.domain.refusals import Refused
from sandlot_hub.services.errors import ProblemError, build_problem

from .backend import SchedulerSilentError
from .database import new_keys
from .view import list_view

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from dask_gateway_server.backends.db_base import Cluster

    from sandlot_contracts.clusters import ClusterList
    from sandlot_contracts.supervisor import LocalFacilities
    from sandlot_hub.domain.dask_options import DaskOffers, DaskPlan
    from sandlot_hub.domain.entitlements import Entitlements
    from sandlot_hub.domain.settings import SandlotSettings

    from .backend import DaskSupervisor, SupervisedBackend
    from .database import ClusterDatabase

FoundT = TypeVar("FoundT")

_READY_S = 20.0
"""How long a question for a cluster that starts stays open; as long as upstream's."""
_LOOK_S = 0.25
"""How often somebody who waits for a change is looked for one."""
_SHOWN_S = 3600.0
"""How long a cluster that has failed is shown."""
_LOGS = 5
"""Of how many workers the log is shown."""


class Machine(Protocol):
    """The part of `SupervisorClient` that tells what can be started."""

    async def facilities(self) -> LocalFacilities:
        """Return what this machine can do."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterParts:
    """What `Clusters` works with."""

    backend: SupervisedBackend
    database: ClusterDatabase
    supervisor: DaskSupervisor
    machine: Machine
    settings: SandlotSettings
    now_ms: Callable[[], int]
    """Milliseconds since 1970."""
    ending: Callable[[], bool]
    """Whether the service ends, and nobody should wait any more."""


class Clusters:
    """All users' clusters.

    Parameters
    ----------
    parts
        What it works with.
    """

    def __init__(self, parts: ClusterParts) -> None:
        self._parts = parts
        self._backend = parts.backend
        self._database = parts.database

    async def offers(self, entitlements: Entitlements) -> DaskOffers:
        """Return what a user may make a cluster of.

        Raises
        ------
        ProblemError
            503 when it is not known what this machine can do.
        """
        facilities = machine_facilities(await _answer(self._parts.machine.facilities()))
        return dask_offers(entitlements, self._parts.settings, facilities)

    async def create(self, entitlements: Entitlements, options: Mapping[str, Any]) -> Cluster:
        """Begin to start a cluster.

        Raises
        ------
        ProblemError
            422 for options that are wrong, 409 at a limit, 503 when something else is down.
        """
        plan = choose_dask(options, await self.offers(entitlements), self._parts.settings)
        if isinstance(plan, Refused):
            raise refused(plan)
        owner, size = entitlements.user, WorkerSize(cpus=plan.size.cpus, memory=plan.size.memory)
        _require(self._backend.admission.new_cluster(owner, size))
        name = uuid.uuid4().hex
        keys = await new_keys(name)
        # Again, because others were served meanwhile. From here to the record nobody is.
        _require(self._backend.admission.new_cluster(owner, size))
        with _database():
            cluster = self._database.insert(
                name=name, owner=owner, keys=keys, options=plan.options, config=_config(plan)
            )
        self._backend.enlist(cluster)
        return cluster

    def find(self, owner: str, name: str) -> Cluster:
        """Return a cluster of a user's.

        Raises
        ------
        ProblemError
            404 when there is none, or it is somebody else's: that is the same answer.
        """
        cluster = self._database.get_cluster(name)
        if cluster is None or cluster.username != owner:
            sentence = "You have no such cluster. It may have ended long ago."
            raise ProblemError(build_problem(HTTPStatus.NOT_FOUND, "cluster-unknown", sentence))
        return cluster

    async def settled(self, cluster: Cluster) -> None:
        """Wait for a while until a cluster works or has failed."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(cluster.ready, _READY_S)

    def listed(self, owner: str, statuses: str | None) -> list[Cluster]:
        """Return a user's clusters that start or run, or those with the statuses that are named.

        Raises
        ------
        ProblemError
            422 for a status that there is none of.
        """
        if statuses is None:
            wanted = {ClusterStatus.PENDING, ClusterStatus.RUNNING}
        else:
            wanted = {_status(name) for name in statuses.split(",")}
        return [each for each in self._database.of_owner(owner) if each.model_status in wanted]

    def stop(self, cluster: Cluster) -> None:
        """Begin to end a cluster."""
        with _database():
            self._backend.stop(cluster)

    async def scale(self, cluster: Cluster, count: int) -> None:
        """Have a cluster have `count` workers.

        Raises
        ------
        ProblemError
            409 at a limit or when it does not run, 503 when its scheduler does not answer.
        """
        _require_running(cluster)
        with _scheduler(), _database():
            _require(await self._backend.scale(cluster, count))

    async def adapt(
        self, cluster: Cluster, *, minimum: int | None, maximum: int | None, active: bool
    ) -> None:
        """Have a cluster scale by itself, or no longer.

        Raises
        ------
        ProblemError
            As in `scale`.
        """
        _require_running(cluster)
        with _scheduler(), _database():
            _require(
                await self._backend.adapt(cluster, minimum=minimum, maximum=maximum, active=active)
            )

    def overview(self, owner: str) -> ClusterList:
        """Return a user's clusters: all of which something is left, and what failed lately."""
        oldest = self._parts.now_ms() - _SHOWN_S * 1000
        shown = [
            each
            for each in self._database.of_owner(owner)
            if each.status < JobStatus.STOPPED
            or (each.status == JobStatus.FAILED and (each.stop_time or 0) > oldest)
        ]
        return list_view(shown, self._backend.admission.uses(owner), self._parts.settings)

    async def overview_after(
        self, owner: str, version: str, *, wait_s: float, gone: Callable[[], bool]
    ) -> ClusterList:
        """Return the same, and wait up to `wait_s` while it has that version."""
        loop = asyncio.get_running_loop()
        latest = loop.time() + wait_s
        while True:
            found = self.overview(owner)
            if found.version != version or loop.time() >= latest:
                return found
            if gone() or self._parts.ending():
                return found
            await asyncio.sleep(_LOOK_S)

    async def log(self, cluster: Cluster) -> ClusterLog:
        """Return the end of what a cluster's processes wrote.

        Raises
        ------
        ProblemError
            503 when the logs cannot be read now.
        """
        newest = sorted(cluster.workers.values(), key=lambda each: -each.id)[:_LOGS]
        scheduler, *workers = await _answer(
            asyncio.gather(
                self._parts.supervisor.dask_log(cluster.name),
                *(self._parts.supervisor.dask_log(each.name) for each in newest),
            )
        )
        return ClusterLog(
            scheduler=scheduler.lines,
            workers=tuple(
                WorkerLog(worker=worker.name, lines=tail.lines)
                for worker, tail in zip(newest, workers, strict=True)
            ),
        )


def refused(refusal: Refused) -> ProblemError:
    """Return the error that carries a refusal."""
    return ProblemError(
        build_problem(
            refusal.status,
            refusal.code,
            refusal.message,
            field=refusal.field,
            params=refusal.params,
        )
    )


def _config(plan: DaskPlan) -> dict[str, object]:
    # Kept with the cluster: what the size means may change while it runs.
    return {
        IMAGE: plan.image_slug,
        SIZE: plan.size_slug,
        "cpus": plan.size.cpus,
        "memory": plan.size.memory,
    }


def _require(refusal: Refused | None) -> None:
    if refusal is not None:
        raise refused(refusal)


def _require_running(cluster: Cluster) -> None:
    if cluster.model_status != ClusterStatus.RUNNING:
        sentence = (
            f"The cluster does not run: it is {cluster.model_status.name}. "
            "Wait until it does, or start another one."
        )
        raise ProblemError(build_problem(HTTPStatus.CONFLICT, "cluster-not-running", sentence))


def _status(name: str) -> ClusterStatus:
    try:
        return ClusterStatus[name.strip().upper()]
    except KeyError:
        known = ", ".join(each.name for each in ClusterStatus)
        sentence = f"There is no such status. There are {known}."
        raise ProblemError(
            build_problem(
                HTTPStatus.UNPROCESSABLE_ENTITY, "status-unknown", sentence, field="status"
            )
        ) from None


def _unavailable(*, code: str, sentence: str) -> ProblemError:
    return ProblemError(build_problem(HTTPStatus.SERVICE_UNAVAILABLE, code, sentence))


@contextlib.contextmanager
def _scheduler() -> Iterator[None]:
    try:
        yield
    except SchedulerSilentError:
        raise _unavailable(
            code="scheduler-silent",
            sentence="The cluster's scheduler does not answer. It may be busy: try again in a "
            "moment.",
        ) from None


@contextlib.contextmanager
def _database() -> Iterator[None]:
    try:
        yield
    except sa.exc.OperationalError as error:
        raise _unavailable(
            code="database-unavailable",
            sentence="The database of clusters cannot be written now. Try again in a moment; if it stays "
            "so, an administrator looks at the disk.",
        ) from error


async def _answer(question: Awaitable[FoundT]) -> FoundT:
    try:
        return await question
    except (SupervisorRefusedError, SupervisorUnreachableError) as error:
        raise _unavailable(
            code="supervisor-unavailable",
            sentence="The program that starts things on this machine does not answer. Try again in a "
            "moment.",
        ) from error
