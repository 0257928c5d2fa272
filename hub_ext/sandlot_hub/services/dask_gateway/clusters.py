"""What the routes ask for: each method is for one user, and finds only what is theirs."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from dask_gateway_server.backends.db_base import JobStatus  # type: ignore[import-untyped]
from dask_gateway_server.models import ClusterStatus  # type: ignore[import-untyped]

from sandlot_hub.domain.dask.options import IMAGE, SIZE, choose_dask, dask_offers
from sandlot_hub.domain.values.refusals import Refused
from sandlot_hub.services.errors import ProblemError, build_problem

from .database import new_keys
from .schedulers import SchedulerSilentError
from .view import list_view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dask_gateway_server.backends.db_base import Cluster

    from sandlot_contracts.clusters import ClusterList, ClusterLog
    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.dask.options import DaskOffers, DaskPlan
    from sandlot_hub.domain.settings.model import SandlotSettings
    from sandlot_hub.domain.values.entitlements import Entitlements

    from .admission import Admission
    from .changes import Changes
    from .database import Keys

_READY_S = 20.0
"""How long a question for a cluster that starts stays open; as long as upstream's."""
_LOOK_S = 0.25
"""How often it is looked whether somebody who waits for a change still does."""
_SHOWN_S = 3600.0
"""How long a cluster that has failed is shown."""


class ClusterMaker(Protocol):
    """Where clusters come from: processes of this machine, or pods.

    Its methods raise `ProblemError` (503) when that cannot be asked or written, and
    `SchedulerSilentError` where they ask a scheduler. A cluster is dask-gateway's `Cluster`, or
    what is like it.
    """

    @property
    def admission(self) -> Admission:
        """Who may have how much."""
        ...

    @property
    def changes(self) -> Changes:
        """Wakes those who wait for news of their clusters."""
        ...

    def get_cluster(self, name: str) -> Cluster | None:
        """Return a cluster, also one that has ended; None when there is none."""
        ...

    def of_owner(self, owner: str) -> list[Cluster]:
        """Return all clusters of a user, the newest first."""
        ...

    async def facilities(self) -> Facilities:
        """Return what can be started."""
        ...

    async def begin(
        self, plan: DaskPlan, entitlements: Entitlements, *, name: str, keys: Keys
    ) -> Cluster:
        """Begin to start a cluster, which counts from the first moment on."""
        ...

    async def end(self, cluster: Cluster) -> None:
        """Begin to end a cluster."""
        ...

    async def scale(self, cluster: Cluster, count: int) -> Refused | None:
        """Have a cluster have `count` workers."""
        ...

    async def adapt(
        self, cluster: Cluster, *, minimum: int | None, maximum: int | None, active: bool
    ) -> Refused | None:
        """Have a cluster scale by itself, or no longer."""
        ...

    async def log(self, cluster: Cluster) -> ClusterLog:
        """Return the end of what a cluster's processes wrote."""
        ...


def _no_trouble() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterParts:
    """What `Clusters` works with."""

    maker: ClusterMaker
    settings: SandlotSettings
    now_ms: Callable[[], int]
    """Milliseconds since 1970."""
    ending: Callable[[], bool]
    """Whether the service ends, and nobody should wait any more."""
    trouble: Callable[[], ProblemError | None] = _no_trouble
    """Why nothing that becomes of clusters can be kept now; None when it can."""


class Clusters:
    """All users' clusters.

    Parameters
    ----------
    parts
        What it works with.
    """

    def __init__(self, parts: ClusterParts) -> None:
        self._parts = parts
        self._maker = parts.maker

    async def offers(self, entitlements: Entitlements) -> DaskOffers:
        """Return what a user may make a cluster of.

        Raises
        ------
        ProblemError
            503 when it is not known what can be started.
        """
        facilities = await self._maker.facilities()
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
        owner, size = entitlements.user, plan.worker_size
        _require(self._maker.admission.new_cluster(owner, size))
        name = uuid.uuid4().hex
        keys = await new_keys(name)
        # Again, because others were served meanwhile. From here to the record nobody is.
        _require(self._maker.admission.new_cluster(owner, size))
        return await self._maker.begin(plan, entitlements, name=name, keys=keys)

    def find(self, owner: str, name: str) -> Cluster:
        """Return a cluster of a user's.

        Raises
        ------
        ProblemError
            404 when there is none, or it is somebody else's: that is the same answer.
        """
        cluster = self._maker.get_cluster(name)
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
        return [each for each in self._maker.of_owner(owner) if each.model_status in wanted]

    async def stop(self, cluster: Cluster) -> None:
        """Begin to end a cluster.

        Raises
        ------
        ProblemError
            503 when that cannot be written now.
        """
        await self._maker.end(cluster)

    async def scale(self, cluster: Cluster, count: int) -> None:
        """Have a cluster have `count` workers.

        Raises
        ------
        ProblemError
            409 at a limit or when it does not run, 503 when its scheduler does not answer.
        """
        _require_running(cluster)
        with _scheduler():
            _require(await self._maker.scale(cluster, count))

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
        with _scheduler():
            _require(
                await self._maker.adapt(cluster, minimum=minimum, maximum=maximum, active=active)
            )

    def overview(self, owner: str) -> ClusterList:
        """Return a user's clusters: all of which something is left, and what failed lately."""
        oldest = self._parts.now_ms() - _SHOWN_S * 1000
        shown = [
            each
            for each in self._maker.of_owner(owner)
            if each.status < JobStatus.STOPPED
            or (each.status == JobStatus.FAILED and (each.stop_time or 0) > oldest)
        ]
        return list_view(shown, self._maker.admission.uses(owner), self._parts.settings)

    async def overview_after(
        self, owner: str, version: str, *, wait_s: float, gone: Callable[[], bool]
    ) -> ClusterList:
        """Return the same, and wait up to `wait_s` while it has that version.

        Raises
        ------
        ProblemError
            503 while it would tell of what cannot be kept.
        """
        loop = asyncio.get_running_loop()
        latest = loop.time() + wait_s
        self._require_kept()
        found = self.overview(owner)
        while found.version == version and (left := latest - loop.time()) > 0:
            if gone() or self._parts.ending():
                break
            if await self._maker.changes.wait(owner, min(left, _LOOK_S)):
                found = self.overview(owner)
            self._require_kept()
        return found

    def _require_kept(self) -> None:
        if (trouble := self._parts.trouble()) is not None:
            raise trouble

    async def log(self, cluster: Cluster) -> ClusterLog:
        """Return the end of what a cluster's processes wrote.

        Raises
        ------
        ProblemError
            503 when the logs cannot be read now.
        """
        return await self._maker.log(cluster)


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


def kept_config(plan: DaskPlan) -> dict[str, object]:
    """Return what is kept of a plan with its cluster."""
    wanted = plan.size.accelerator
    # Kept with the cluster: what the size means may change while it runs.
    return {
        IMAGE: plan.image_slug,
        SIZE: plan.size_slug,
        "cpus": plan.size.cpus,
        "memory": plan.size.memory,
        **({} if wanted is None else {"flavor": wanted.flavor, "accelerators": wanted.count}),
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


def unavailable(*, code: str, sentence: str) -> ProblemError:
    """Return the error that says that something does not answer now."""
    return ProblemError(build_problem(HTTPStatus.SERVICE_UNAVAILABLE, code, sentence))


@contextlib.contextmanager
def _scheduler() -> Iterator[None]:
    try:
        yield
    except SchedulerSilentError:
        raise unavailable(
            code="scheduler-silent",
            sentence="The cluster's scheduler does not answer. It may be busy: try again in a "
            "moment.",
        ) from None
