"""Clusters of pods, as the routes ask for them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from sandlot_contracts.clusters import ClusterLog, WorkerLog
from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.dask.names import scheduler_name
from sandlot_hub.domain.dask.verdict import about
from sandlot_hub.domain.pods.denials import CreateAnswer, explain_denial, read_answer
from sandlot_hub.domain.pods.documents import StartSubject, text
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError
from sandlot_hub.services.errors import ProblemError, build_problem

from .clusters import unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandlot_hub.adapters.dask_objects import DaskObjectsApi
    from sandlot_hub.domain.dask.options import DaskPlan
    from sandlot_hub.domain.values.entitlements import Entitlements
    from sandlot_hub.domain.values.refusals import Refused

    from .admission import Admission
    from .changes import Changes
    from .database import Keys
    from .kube_backend import PodBackend
    from .kube_records import PodCluster

_LOGS = 5
"""Of how many workers the log is shown."""
_CONFLICT = 409


class PodMaker:
    """Implements `clusters.ClusterMaker`.

    Parameters
    ----------
    backend
        Works on the clusters.
    objects
        Reads logs.
    """

    def __init__(self, *, backend: PodBackend, objects: DaskObjectsApi) -> None:
        self._backend = backend
        self._objects = objects

    @property
    def admission(self) -> Admission:
        """Who may have how much."""
        return self._backend.admission

    @property
    def changes(self) -> Changes:
        """Wakes those who wait for news of their clusters."""
        return self._backend.changes

    def get_cluster(self, name: str) -> PodCluster | None:
        """Return a cluster, also one that has ended; None when there is none."""
        return self._backend.find(name)

    def of_owner(self, owner: str) -> list[PodCluster]:
        """Return all clusters of a user, the newest first."""
        return self._backend.of_owner(owner)

    async def facilities(self) -> Facilities:
        """Return what clusters can be made of: what the settings say."""
        return Facilities(mode=Mode.KUBERNETES)

    async def begin(
        self, plan: DaskPlan, entitlements: Entitlements, *, name: str, keys: Keys
    ) -> PodCluster:
        """Have a cluster made.

        Raises
        ------
        ProblemError
            409 when a rule of the cluster refuses it, 503 when it does not answer.
        """
        with _api_server():
            return await self._backend.begin(plan, entitlements, name=name, keys=keys)

    async def end(self, cluster: PodCluster) -> None:
        """Have a cluster end."""
        with _api_server():
            await self._backend.end(cluster)

    async def scale(self, cluster: PodCluster, count: int) -> Refused | None:
        """Have a cluster have `count` workers."""
        with _api_server():
            return await self._backend.orders.scale(cluster, count)

    async def adapt(
        self, cluster: PodCluster, *, minimum: int | None, maximum: int | None, active: bool
    ) -> Refused | None:
        """Have a cluster scale by itself, or no longer."""
        with _api_server():
            return await self._backend.orders.adapt(
                cluster, minimum=minimum, maximum=maximum, active=active
            )

    async def log(self, cluster: PodCluster) -> ClusterLog:
        """Return the end of what a cluster's pods wrote; of those that are gone, what was kept."""
        newest = sorted(
            cluster.workers,
            key=lambda name: text(cluster.pods[name], "metadata", "creationTimestamp"),
            reverse=True,
        )[:_LOGS]
        with _api_server():
            scheduler, *workers = await asyncio.gather(
                self._log_of(cluster, scheduler_name(cluster.name)),
                *(self._log_of(cluster, name) for name in newest),
            )
        logs = [
            WorkerLog(worker=name, lines=each) for name, each in zip(newest, workers, strict=True)
        ]
        kept: dict[str, Any] = cluster.state.get("worker", {})
        if kept and kept["name"] not in newest:
            logs.append(WorkerLog(worker=kept["name"], lines=tuple(kept["log"])))
        return ClusterLog(
            scheduler=scheduler or tuple(cluster.state.get("log", ())), workers=tuple(logs)
        )

    async def _log_of(self, cluster: PodCluster, pod: str) -> tuple[str, ...]:
        return await self._objects.read_log(pod) if pod in cluster.pods else ()


@contextlib.contextmanager
def _api_server() -> Iterator[None]:
    try:
        yield
    except ClusterUnreachableError as error:
        raise _silent() from error
    except ClusterRefusedError as error:
        if read_answer(error.status, error.document) is not CreateAnswer.FAILED:
            raise _silent() from error
        found = explain_denial(error.status, error.document, StartSubject(image=""))
        sentence = f"{about('your cluster', found.sentence)} {about('your cluster', found.next)}"
        raise ProblemError(build_problem(_CONFLICT, found.code.value, sentence)) from error


def _silent() -> ProblemError:
    return unavailable(
        code="cluster-trouble",
        sentence="The Kubernetes cluster does not answer as it should. Try again in a moment; if "
        "it stays so, tell an administrator.",
    )
