from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from dask_gateway_server.backends.db_base import JobStatus  # type: ignore[import-untyped]

from sandlot_hub.services.dask_gateway.heartbeat import Heartbeat
from sandlot_hub.services.dask_gateway.schedulers import SchedulerSilentError

from .conftest import state

if TYPE_CHECKING:
    from dask_gateway_server.backends.db_base import Cluster

    from sandlot_contracts.supervisor import StartDask

    from .conftest import World

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(60)]


async def hear(world: World, cluster: Cluster, count: int, **workers: object) -> None:
    beat = Heartbeat.model_validate(world.beat(count, **workers))
    await world.backend.heartbeat(cluster, beat)


async def nth_worker(world: World, cluster: Cluster, number: int) -> StartDask:
    await world.until(lambda: len(world.processes.started) == number)
    worker = world.processes.started[-1]
    record = cluster.workers[worker.process_id]
    await world.until(lambda: record.status == JobStatus.SUBMITTED)
    return worker


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
    assert await world.backend.scale(cluster, 2) is None
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
        await world.backend.scale(cluster, 30)
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


async def test_what_the_supervisor_refuses_is_the_reason(world: World) -> None:
    world.processes.refuses = "The image base is not ready on this machine."
    cluster = world.insert()

    await world.until(lambda: cluster.status == JobStatus.FAILED)
    assert cluster.state["code"] == "scheduler-not-started"
    assert cluster.state["reason"] == "The image base is not ready on this machine."
