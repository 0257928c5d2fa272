"""dask-gateway's backend, whose processes the supervisor starts and ends.

Of upstream's `DBBackendBase` it takes the state machine: what a cluster and its workers should be,
what they are, and what has to be done about the difference.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dask_gateway_server.backends.db_base import (  # type: ignore[import-untyped]
    Cluster,
    DBBackendBase,
    JobStatus,
    Worker,
)
from dask_gateway_server.utils import TaskPool, timestamp  # type: ignore[import-untyped]
from dask_gateway_server.workqueue import Backoff, WorkQueue  # type: ignore[import-untyped]
from sqlalchemy.exc import OperationalError
from typing_extensions import override

from sandlot_contracts.supervisor import StartDask
from sandlot_hub.adapters.supervisor_client import (
    SupervisorRefusedError,
    SupervisorUnreachableError,
)
from sandlot_hub.domain.dask.options import IMAGE, SIZE

from .accelerator_line import AcceleratorLine
from .fates import Fate, why_it_failed
from .orders import WorkerOrders, not_gone
from .schedulers import SchedulerRoutes

if TYPE_CHECKING:
    import logging
    from collections.abc import AsyncIterator, Mapping, Sequence

    from aiohttp import web
    from traitlets.config import Config

    from sandlot_contracts.supervisor import DaskState
    from sandlot_hub.domain.settings.dask import DaskSettings

    from .database import ClusterDatabase
    from .heartbeat import Heartbeat
    from .supervisor_port import DaskSupervisor

_HEARTBEAT_TIMEOUT_S = 60.0
"""A scheduler that computes does not speak for a while; upstream's is half as long."""
_CHECK_S = 5.0
_AGAIN_S = 5.0
"""How long at most until something is tried again. Upstream's minutes would be felt by people whose
clusters wait for a database that is back."""
_OVERSLEPT_S = 10.0
_CONFLICT = 409
_NOT_SERVING = "not-serving"
"""Code of a supervisor that ends, or has clusters turned off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendParts:
    """What the backend works with."""

    supervisor: DaskSupervisor
    database: ClusterDatabase
    settings: DaskSettings
    settings_hash: str


class SupervisedBackend(DBBackendBase):
    """The backend.

    Parameters
    ----------
    parts
        What it works with.
    config
        Of upstream's proxy.
    log
        Where upstream writes.
    """

    def __init__(self, parts: BackendParts, *, config: Config, log: logging.Logger) -> None:
        start_s = parts.settings.start_timeout
        super().__init__(
            config=config,
            log=log,
            gateway_address="127.0.0.1:0",
            stop_clusters_on_shutdown=True,
            cluster_start_timeout=start_s,
            worker_start_timeout=start_s,
            cluster_heartbeat_timeout=_HEARTBEAT_TIMEOUT_S,
            check_timeouts_period=_CHECK_S,
            backoff_max_delay=_AGAIN_S,
        )
        self._supervisor = parts.supervisor
        self._settings = parts.settings
        self._settings_hash = parts.settings_hash
        self._idle: set[str] = set()
        self.db = parts.database
        self.orders = WorkerOrders(
            limits=parts.settings.limits, of_owner=self.db.of_owner, keep=self._keep_adaptive
        )
        self.admission = self.orders.admission
        self._line = AcceleratorLine(
            start=lambda worker: self._supervisor.start_dask(self._worker_request(worker)),
            look_again=lambda worker: self.queue.put(worker),  # noqa: PLW0108 (made in `setup`)
            tell=lambda cluster, sentence: self.db.note(cluster, detail=sentence),
        )

    @override
    async def setup(self, app: web.Application) -> None:
        """Begin to work on what the database knows; routes for the proxy go into `app`."""
        self.orders.open()
        backoff = Backoff(base_delay=self.backoff_base_delay, max_delay=self.backoff_max_delay)
        self.queue = WorkQueue(backoff=backoff)
        loop = asyncio.get_running_loop()
        self.reconcilers = [
            loop.create_task(self.reconciler_loop()) for _ in range(self.parallelism)
        ]
        self.proxy = SchedulerRoutes(parent=self, log=self.log)
        await self.proxy.setup(app)
        self.task_pool = TaskPool()
        self.task_pool.spawn(self.check_timeouts_loop())
        self.task_pool.spawn(self.cleanup_db_loop())
        self.task_pool.spawn(self._line.run())
        for cluster in self.db.name_to_cluster.values():
            if cluster.status < JobStatus.STOPPED:
                # Whoever of its workers waits will say so again, once that can be written.
                with contextlib.suppress(OperationalError):
                    self.db.note(cluster, detail=None)
                self.queue.put(cluster)
                for worker in cluster.workers.values():
                    if worker.status < JobStatus.STOPPED:
                        self.queue.put(worker)

    @override
    async def cleanup(self) -> None:
        """Stop to work. Clusters go on: they are the supervisor's, and the next gateway's."""
        await self.task_pool.close()
        self.queue.close()
        await asyncio.gather(*self.reconcilers, return_exceptions=True)
        await self.proxy.cleanup()
        await self.orders.close()

    # --- what people ask for -----------------------------------------------------------

    def enlist(self, cluster: Cluster) -> None:
        """Begin to work on a new cluster."""
        self.queue.put(cluster)

    def stop(self, cluster: Cluster, fate: Fate | None = None) -> None:
        """Begin to end a cluster; `fate` says why when its owner did not ask for it."""
        if cluster.target > JobStatus.RUNNING:
            return
        if fate is not None:
            self.db.note(cluster, **fate.told)
        failed = fate is not None and fate.failed
        self.db.update_cluster(cluster, target=JobStatus.FAILED if failed else JobStatus.STOPPED)
        self.queue.put(cluster)

    async def heartbeat(self, cluster: Cluster, beat: Heartbeat) -> None:
        """Take what a scheduler says of its cluster."""
        if cluster.name in self._idle:
            await self.idle(cluster)
        left = {
            worker.name: worker.status == JobStatus.RUNNING
            for worker in cluster.workers.values()
            if worker.status < JobStatus.STOPPED
        }
        count = self.admission.granted(cluster, beat.count)
        await self.on_cluster_heartbeat(cluster.name, beat.about(left, count=count))
        facts: dict[str, object] = {
            "shortage": self.admission.shortage(cluster, beat.count) or None
        }
        if _running(cluster) >= cluster.count:
            # How one ended before concerns nobody any more who looks for a missing one.
            facts["worker"] = None
        self.db.note(cluster, **facts)

    async def idle(self, cluster: Cluster) -> None:
        """Begin to end a cluster on which nothing was computed for long."""
        # Its scheduler says so once. If that cannot be kept now, its next heartbeat leads here.
        self._idle.add(cluster.name)
        self.stop(cluster, Fate.IDLE)
        self._idle.discard(cluster.name)

    async def _keep_adaptive(
        self, cluster: Cluster, bounds: Mapping[str, int | None] | None
    ) -> None:
        self.db.note(cluster, adaptive=bounds)

    # --- what the supervisor says ------------------------------------------------------

    def compare(self, states: Sequence[DaskState], *, missing: frozenset[str]) -> frozenset[str]:
        """Look at the processes that there are, and set right what should not be so.

        Parameters
        ----------
        states
            All processes.
        missing
            Which of ours were missing the last time. One that is missing twice does not exist:
            the first time it may have been started while the question was on its way.

        Returns
        -------
        frozenset
            Which of ours are missing now.
        """
        known = {each.process_id: each for each in states}
        for state in states:
            self._look_at(state)
        ours = {
            each.name: each
            for each in self.db.active_clusters()
            if each.status in (JobStatus.SUBMITTED, JobStatus.RUNNING)
        }
        lost = frozenset(ours.keys() - known.keys())
        for name in lost & missing:
            self.stop(ours[name], Fate.LOST)
        # What one worker has given back, the next one has at once.
        self._line.look()
        return lost

    def _look_at(self, state: DaskState) -> None:
        cluster = self.db.get_cluster(state.cluster)
        worker = None if cluster is None else cluster.workers.get(state.process_id)
        record = cluster if state.role == "scheduler" else worker
        if state.state == "running":
            if record is None or record.status >= JobStatus.STOPPED:
                self.task_pool.spawn(self._end(state.process_id))
        elif record is not None and record.target == JobStatus.RUNNING:
            if state.role == "scheduler":
                sentence = f"Its scheduler ended with code {state.exit_code}. {state.reason}"
                self.stop(cluster, Fate.SCHEDULER_ENDED.saying(sentence))
            elif worker is not None and worker.status != JobStatus.CREATED:
                self._lose(worker, state)

    def _lose(self, worker: Worker, state: DaskState) -> None:
        cluster = worker.cluster
        self.db.note(cluster, worker=f"code {state.exit_code}. {state.reason}")
        if worker.status == JobStatus.SUBMITTED:
            cluster.worker_start_failure_count += 1
        self.db.update_worker(worker, target=JobStatus.FAILED)
        self.queue.put(worker)

    async def _end(self, process_id: str) -> None:
        with contextlib.suppress(SupervisorRefusedError, SupervisorUnreachableError):
            await self._supervisor.stop_dask(process_id, now=True)

    # --- what upstream's state machine asks for ----------------------------------------

    @override
    async def do_start_cluster(self, cluster: Cluster) -> AsyncIterator[dict[str, Any]]:
        await self._start(self._request(cluster, cluster.name), cluster)
        yield cluster.state

    @override
    async def do_start_worker(self, worker: Worker) -> AsyncIterator[dict[str, Any]]:
        await self._start(self._worker_request(worker), worker.cluster)
        yield {}

    def _worker_request(self, worker: Worker) -> StartDask:
        request = self._request(worker.cluster, worker.name)
        address = {"role": "worker", "scheduler_address": worker.cluster.scheduler_address}
        return request.model_copy(update=address)

    @override
    async def _worker_to_submitted(self, worker: Worker) -> None:
        if await self._line.admits(worker):
            await super()._worker_to_submitted(worker)
            if self._line.leave(worker):
                # What it waited for its turn is not the time that it takes to start.
                self.db.update_worker(worker, start_time=timestamp())

    @override
    async def do_stop_cluster(self, cluster: Cluster) -> None:
        self.admission.forget(cluster)
        if cluster.target == JobStatus.FAILED and "code" not in cluster.state:
            fate = why_it_failed(cluster, limit=self.worker_start_failure_limit)
            self.db.note(cluster, **fate.told)
        await self._supervisor.stop_dask(cluster.name)

    @override
    async def do_stop_worker(self, worker: Worker) -> None:
        await self._supervisor.stop_dask(worker.name)

    async def _start(self, request: StartDask, cluster: Cluster) -> None:
        try:
            await self._supervisor.start_dask(request)
        except SupervisorRefusedError as error:
            self.db.note(cluster, worker=error.problem.detail)
            if request.role == "scheduler":
                self.db.note(cluster, **Fate.NOT_STARTED.saying(error.problem.detail).told)
            elif error.problem.code == _NOT_SERVING:
                # It ends all clusters now. That their workers go first is nobody's fault.
                self.stop(cluster, Fate.LOST)
            raise

    def _request(self, cluster: Cluster, process_id: str) -> StartDask:
        return StartDask(
            process_id=process_id,
            cluster=cluster.name,
            owner=cluster.username,
            role="scheduler",
            image=cluster.config[IMAGE],
            size=cluster.config[SIZE],
            settings_hash=self._settings_hash,
            token=cluster.token,
            certificate=cluster.tls_cert.decode(),
            key=cluster.tls_key.decode(),
        )

    @override
    async def reconcile_worker(self, worker: Worker) -> None:
        await super().reconcile_worker(worker)
        if worker.status != JobStatus.CREATED:
            self._line.leave(worker)
        # There may be room for another one now: only what is gone gives way (below).
        if worker.status >= JobStatus.STOPPED and worker.cluster.target == JobStatus.RUNNING:
            self.queue.put(worker.cluster)

    @override
    async def _check_cluster_scale(self, cluster: Cluster) -> None:
        if cluster.worker_start_failure_count < self.worker_start_failure_limit:
            # Upstream counts the workers that should run. One that still ends uses its memory:
            # a scheduler that calls its workers closed again and again would have twice as many.
            for _ in range(cluster.count - not_gone(cluster)):
                self.queue.put(self.db.create_worker(cluster))
            return
        self.stop(cluster, why_it_failed(cluster, limit=self.worker_start_failure_limit))

    @override
    async def check_timeouts_loop(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(self.check_timeouts_period)
            if loop.time() - began > self.check_timeouts_period + _OVERSLEPT_S:
                # The machine slept, or was too busy to hear anybody: nobody is late by that.
                for cluster in self.db.active_clusters():
                    cluster.last_heartbeat = timestamp()
            # Or else the next time: without this loop nobody would ever be late again.
            with contextlib.suppress(OperationalError):
                await self._check_timeouts()


def _running(cluster: Cluster) -> int:
    return sum(worker.status == JobStatus.RUNNING for worker in cluster.workers.values())
