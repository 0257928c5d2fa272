from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from dask_gateway_server.backends.db_base import JobStatus  # type: ignore[import-untyped]
from sqlalchemy.exc import OperationalError

from sandlot_contracts.supervisor import DaskStates
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.services.dask_gateway.fates import Fate
from sandlot_hub.services.dask_gateway.heartbeat import Heartbeat
from sandlot_hub.services.dask_gateway.schedulers import SchedulerSilentError
from sandlot_hub.services.dask_gateway.view import cluster_view
from sandlot_hub.services.dask_gateway.watch import ProcessWatch

from .conftest import MemoryProcesses, locked, state

if TYPE_CHECKING:
    from dask_gateway_server.backends.db_base import Cluster

    from sandlot_contracts.supervisor import DaskState, StartDask

    from .conftest import World

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(60)]

CATALOGUE = SandlotSettings.model_validate(
    {
        "version": 1,
        "images": {"base": {"display_name": "Base", "local": "base"}},
        "sizes": {"small": {"display_name": "Small", "cpus": 1, "memory": "1 GiB"}},
        "profiles": {"all": {"display_name": "All", "images": ["base"], "sizes": ["small"]}},
    }
)


async def hear(world: World, cluster: Cluster, count: int, **workers: object) -> None:
    beat = Heartbeat.model_validate(world.beat(count, **workers))
    await world.backend.heartbeat(cluster, beat)


async def nth_worker(world: World, cluster: Cluster, number: int) -> StartDask:
    await world.until(lambda: len(world.processes.started) == number)
    worker = world.processes.started[-1]
    record = cluster.workers[worker.process_id]
    await world.until(lambda: record.status == JobStatus.SUBMITTED)
    return worker


def detail(cluster: Cluster) -> str:
    """Return what its owner is told that it waits for."""
    return cluster_view(cluster, CATALOGUE).detail


def left(cluster: Cluster) -> list[str]:
    return [w.name for w in cluster.workers.values() if w.status < JobStatus.STOPPED]


async def test_a_cluster_is_started_and_runs(world: World) -> None:
    cluster = await world.running()

    (request,) = world.processes.started
    assert (request.role, request.owner, request.cluster) == ("scheduler", "ann", cluster.name)
    assert (request.token, request.key, request.settings_hash) == (cluster.token, "key", "h")
    assert list(world.backend.proxy.routes) == [("SNI", cluster.name)], "no page is published"


async def test_scaling_is_asked_of_the_scheduler_and_done_as_it_says(world: World) -> None:
    cluster = await world.running()
    assert await world.backend.orders.scale(cluster, 2) is None
    assert world.scheduler.asked == [("/api/comm", f"token {cluster.token}")]

    await hear(world, cluster, 2)
    await world.until(lambda: len(world.processes.started) == 3)
    workers = world.processes.started[1:]
    assert {each.scheduler_address for each in workers} == {"tls://127.0.0.1:4000"}
    assert {each.process_id for each in workers} == set(cluster.workers)


async def test_a_scheduler_that_does_not_answer_is_not_ended(world: World) -> None:
    cluster = await world.running()
    world.scheduler.breaks = True

    with pytest.raises(SchedulerSilentError) as caught:
        await world.backend.orders.scale(cluster, 30)
    assert caught.value.__suppress_context__, "what it comes from quotes the token"
    assert cluster.target == JobStatus.RUNNING
    assert world.backend.admission.uses("ann")[0].workers == 0, "nothing is promised"


async def test_a_lie_starts_no_more_than_the_limit(world: World) -> None:
    cluster = await world.running()
    limit = world.settings.limits.workers
    assert limit is not None

    await hear(world, cluster, 10_000, active_workers=["nobody"] * 50)
    await world.until(lambda: len(world.processes.started) == 1 + limit)
    assert cluster.count == limit


async def test_a_worker_gives_way_when_it_is_gone(world: World) -> None:
    """A scheduler that calls its workers closed does not get twice as many."""
    cluster = await world.running()
    await hear(world, cluster, 2)
    await world.until(lambda: len(world.processes.started) == 3)
    first = left(cluster)
    await hear(world, cluster, 2, active_workers=first)

    world.processes.gate.clear()
    await hear(world, cluster, 2, closed_workers=first)
    await world.until(lambda: len(world.processes.ending) == 2)
    world.backend.enlist(cluster)
    await world.turns(50)
    assert left(cluster) == first
    assert len(world.processes.started) == 3

    world.processes.gate.set()
    await world.until(lambda: len(world.processes.started) == 5)
    assert not set(first) & set(left(cluster))


async def test_the_next_gateway_finds_everything(world: World) -> None:
    cluster = await world.running()
    await hear(world, cluster, 1)
    await world.until(lambda: len(world.processes.started) == 2)
    started = list(world.processes.started)

    await world.restart()
    again = world.database.get_cluster(cluster.name)
    assert again is not cluster
    assert (again.token, again.tls_key) == (cluster.token, b"key")
    await world.until(lambda: ("SNI", cluster.name) in world.backend.proxy.routes)
    missing = world.backend.compare([state(each) for each in started], missing=frozenset())
    assert (missing, world.processes.stopped) == (frozenset(), [])
    assert world.processes.started == started


async def test_what_nobody_knows_is_ended(world: World) -> None:
    cluster = await world.running()
    (request,) = world.processes.started
    stranger = request.model_copy(update={"process_id": "a" * 32, "cluster": "a" * 32})
    worker = request.model_copy(update={"process_id": "b" * 32, "role": "worker"})

    world.backend.compare(
        [state(each) for each in (request, stranger, worker)], missing=frozenset()
    )
    await world.until(lambda: len(world.processes.stopped) == 2)
    assert set(world.processes.stopped) == {"a" * 32, "b" * 32}
    assert cluster.target == JobStatus.RUNNING


async def test_a_scheduler_that_ended_ends_its_cluster(world: World) -> None:
    cluster = await world.running()
    (request,) = world.processes.started
    ended = state(request, state="exited", exit_code=137, reason="It needed more memory.")

    world.backend.compare([ended], missing=frozenset())
    await world.until(lambda: cluster.status == JobStatus.FAILED)
    assert cluster.state["code"] == "scheduler-ended"
    assert cluster.state["reason"] == "Its scheduler ended with code 137. It needed more memory."


async def test_a_process_is_lost_when_it_is_missing_twice(world: World) -> None:
    cluster = await world.running()

    missing = world.backend.compare([], missing=frozenset())
    assert missing == {cluster.name}
    assert cluster.target == JobStatus.RUNNING, "it may have been started meanwhile"
    world.backend.compare([], missing=missing)
    await world.until(lambda: cluster.status == JobStatus.FAILED)
    assert cluster.state["code"] == "cluster-lost"


async def test_workers_that_do_not_come_up_end_the_cluster_with_the_reason(world: World) -> None:
    cluster = await world.running()
    await hear(world, cluster, 1)
    for number in range(2, 5):
        worker = await nth_worker(world, cluster, number)
        ended = state(worker, state="exited", exit_code=1, reason="It ended by itself.")
        world.backend.compare([state(world.processes.started[0]), ended], missing=frozenset())

    await world.until(lambda: cluster.status == JobStatus.FAILED)
    assert cluster.state["code"] == "workers-failed"
    assert cluster.state["reason"].endswith("The last one: code 1. It ended by itself.")
    assert cluster.state["next"] == Fate.WORKERS.next


async def test_a_supervisor_that_ends_is_no_fault_of_workers(world: World) -> None:
    cluster = await world.running()
    world.processes.refuses = "The supervisor starts no clusters at the moment."
    world.processes.refusal_code = "not-serving"

    await hear(world, cluster, 1)
    await world.until(lambda: cluster.status == JobStatus.FAILED)
    assert cluster.state["code"] == "cluster-lost"


async def test_it_says_why_a_worker_is_missing_until_all_are_there(world: World) -> None:
    cluster = await world.running()
    await hear(world, cluster, 1)
    worker = await nth_worker(world, cluster, 2)
    ended = state(worker, state="exited", exit_code=1, reason="It ended by itself.")
    world.backend.compare([state(world.processes.started[0]), ended], missing=frozenset())
    assert detail(cluster).startswith("A worker is missing: code 1. It ended by itself. Another")

    another = await nth_worker(world, cluster, 3)
    await hear(world, cluster, 1, active_workers=[another.process_id])
    assert detail(cluster) == ""
    await hear(world, cluster, 2, active_workers=[another.process_id])
    assert detail(cluster) == "", "that was about another time"


async def test_it_says_why_a_cluster_gets_fewer_workers_than_its_work_asks_for(
    world: World,
) -> None:
    cluster = await world.running()
    limit = world.settings.limits.workers
    assert limit is not None

    await hear(world, cluster, limit + 1)
    await world.until(lambda: len(world.processes.started) == 1 + limit)
    workers = [each.process_id for each in world.processes.started[1:]]
    await hear(world, cluster, limit + 1, active_workers=workers)
    assert detail(cluster).startswith("There is work for more workers. This cluster may have")

    await hear(world, cluster, limit, active_workers=workers)
    assert detail(cluster) == ""


async def test_what_the_supervisor_refuses_is_the_reason(world: World) -> None:
    world.processes.refuses = "The image base is not ready on this machine."
    cluster = world.insert()

    await world.until(lambda: cluster.status == JobStatus.FAILED)
    assert cluster.state["code"] == "scheduler-not-started"
    assert cluster.state["reason"] == "The image base is not ready on this machine."


# --- a database that cannot be written --------------------------------------------------------


async def test_an_idle_cluster_ends_later_when_that_cannot_be_kept_at_once(world: World) -> None:
    cluster = await world.running()
    with locked(world.folder), pytest.raises(OperationalError, match="locked"):
        await world.backend.idle(cluster)
    assert cluster.target == JobStatus.RUNNING

    await hear(world, cluster, 0)
    assert (cluster.target, cluster.state["code"]) == (JobStatus.STOPPED, "idle")


async def test_what_ended_meanwhile_is_noted_later(world: World) -> None:
    cluster = await world.running()
    (request,) = world.processes.started
    ended = state(request, state="exited", exit_code=1, reason="It ended.")
    supervisor = ScriptedProcesses(ended)
    watching = asyncio.create_task(ProcessWatch(supervisor=supervisor, backend=world.backend).run())
    with locked(world.folder):
        await world.until(supervisor.asked.is_set)
        await world.turns(20)
        assert not watching.done(), "a gateway that ends would not come back while it is locked"
    await world.until(lambda: cluster.target == JobStatus.FAILED)
    watching.cancel()


async def test_who_is_late_is_ended_later(world: World) -> None:
    cluster = world.insert()
    await world.until(lambda: cluster.status == JobStatus.SUBMITTED)
    world.backend.check_timeouts_period = 0.001
    world.backend.cluster_start_timeout = 0
    with locked(world.folder):
        looking = asyncio.create_task(world.backend.check_timeouts_loop())
        await asyncio.wait([looking], timeout=1)
        assert not looking.done()
    await world.until(lambda: cluster.target == JobStatus.FAILED)
    looking.cancel()


class ScriptedProcesses(MemoryProcesses):
    """A supervisor that says how one process is, and how often it was asked."""

    def __init__(self, said: DaskState) -> None:
        super().__init__()
        self._said = said
        self.asked = asyncio.Event()

    async def dask_states(self, *, after: int | None = None, wait_s: float = 0.0) -> DaskStates:
        del after, wait_s
        self.asked.set()
        return DaskStates(version=1, processes=(self._said,))
