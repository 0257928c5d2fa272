from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from dask_gateway_server.backends.db_base import JobStatus  # type: ignore[import-untyped]
from dask_gateway_server.utils import timestamp  # type: ignore[import-untyped]

from sandlot_hub.services.dask_gateway.heartbeat import Heartbeat

from .conftest import GPU, NONE_FREE, state

if TYPE_CHECKING:
    from dask_gateway_server.backends.db_base import Cluster, Worker

    from .conftest import World

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(60)]

OTHER = "1" * 32


async def hear(world: World, cluster: Cluster, count: int) -> None:
    active = [each.name for each in of_status(cluster, JobStatus.RUNNING)]
    beat = world.beat(count, active_workers=active)
    await world.backend.heartbeat(cluster, Heartbeat.model_validate(beat))


def of_status(cluster: Cluster, status: JobStatus) -> list[Worker]:
    return [each for each in cluster.workers.values() if each.status == status]


def waiting(cluster: Cluster) -> list[Worker]:
    return [
        each for each in of_status(cluster, JobStatus.CREATED) if each.target == JobStatus.RUNNING
    ]


def is_said(cluster: Cluster) -> bool:
    return bool(cluster.state.get("detail") == NONE_FREE)


def look(world: World) -> None:
    """Have the gateway hear of the processes, as it does after every change."""
    world.backend.compare([state(each) for each in world.processes.started], missing=frozenset())


async def test_a_worker_without_a_gpu_waits_and_the_cluster_says_why(world: World) -> None:
    world.processes.gpus = 2
    cluster = await world.running(config=GPU)
    await hear(world, cluster, 3)
    await world.until(lambda: len(of_status(cluster, JobStatus.SUBMITTED)) == 2)
    await world.until(lambda: is_said(cluster))
    for _ in range(5):  # it is asked for again, and none of that is a failure
        look(world)
        await world.turns(20)
    assert len(world.processes.asked_for_gpus) > 3
    assert (len(waiting(cluster)), cluster.worker_start_failure_count) == (1, 0)
    (waits,) = waiting(cluster)
    waits.start_time = timestamp() - 3600 * 1000

    world.processes.gpus = 1
    look(world)
    await world.until(lambda: len(of_status(cluster, JobStatus.SUBMITTED)) == 3)
    assert "detail" not in cluster.state
    await world.backend._check_timeouts()
    assert waits.target == JobStatus.RUNNING, "it waited, and did not take an hour to start"


async def test_who_came_first_is_first(world: World) -> None:
    first, second = await world.running(config=GPU), await world.running(OTHER, config=GPU)
    for cluster in (first, second):
        await hear(world, cluster, 2)
        await world.until(lambda: len(waiting(cluster)) == 2)  # noqa: B023 (awaited here)
        await world.until(lambda: is_said(cluster))  # noqa: B023 (as above)
    order = sorted((*waiting(first), *waiting(second)), key=lambda worker: int(worker.id))
    assert len(set(world.processes.asked_for_gpus)) == 1, "the others know without asking"

    world.processes.gpus = 3
    look(world)
    await world.until(lambda: len(world.processes.started) == 2 + 3)
    assert [each.process_id for each in world.processes.started[2:]] == [
        each.name for each in order[:3]
    ]
    await world.until(lambda: "detail" not in first.state)
    assert is_said(second)


async def test_who_needs_none_does_not_wait(world: World) -> None:
    gpus, cpus = await world.running(config=GPU), await world.running(OTHER)
    await hear(world, gpus, 1)
    await world.until(lambda: is_said(gpus))

    await hear(world, cpus, 1)
    await world.until(lambda: len(of_status(cpus, JobStatus.SUBMITTED)) == 1)


@pytest.mark.parametrize("how", ["scaled", "stopped"])
async def test_who_is_not_wanted_any_more_leaves_the_line(world: World, how: str) -> None:
    cluster, other = await world.running(config=GPU), await world.running(OTHER, config=GPU)
    await hear(world, cluster, 1)
    await world.until(lambda: is_said(cluster))
    await hear(world, other, 1)
    await world.until(lambda: is_said(other))

    world.processes.gpus = 1
    if how == "scaled":
        await hear(world, cluster, 0)
    else:
        world.backend.stop(cluster)
    await world.until(lambda: len(of_status(other, JobStatus.SUBMITTED)) == 1)
    assert waiting(cluster) == []
    assert "detail" not in cluster.state


async def test_the_next_gateway_goes_on_with_the_line(world: World) -> None:
    cluster = await world.running(config=GPU)
    await hear(world, cluster, 1)
    await world.until(lambda: is_said(cluster))

    await world.restart()
    again = world.database.get_cluster(cluster.name)
    assert again is not None
    await world.until(lambda: is_said(again))
    world.processes.gpus = 1
    look(world)
    await world.until(lambda: len(of_status(again, JobStatus.SUBMITTED)) == 1)
    assert "detail" not in again.state


async def test_what_was_free_meanwhile_is_not_waited_for(world: World) -> None:
    """The sentence of before the restart goes, though nobody ever stood in the new line."""
    cluster = await world.running(config=GPU)
    await hear(world, cluster, 1)
    await world.until(lambda: is_said(cluster))
    world.processes.gpus = 1

    await world.restart()
    again = world.database.get_cluster(cluster.name)
    assert again is not None
    await world.until(lambda: len(of_status(again, JobStatus.SUBMITTED)) == 1)
    assert "detail" not in again.state


async def test_what_is_refused_for_good_is_a_failure(world: World) -> None:
    cluster = await world.running(config=GPU)
    world.processes.refuses = "A worker needs 3 × NVIDIA L4, and this machine has 2."
    await hear(world, cluster, 1)

    await world.until(lambda: cluster.status == JobStatus.FAILED)
    assert cluster.state["code"] == "workers-failed"
    assert cluster.state["reason"].endswith(world.processes.refuses)


async def test_a_lie_gets_no_more_gpus_than_the_limit(world: World) -> None:
    world.processes.gpus = 100
    cluster = await world.running(config=GPU)
    limit = world.settings.limits.accelerators
    assert limit is not None

    for _ in range(3):
        await hear(world, cluster, 50)
    await world.until(lambda: len(world.processes.started) == 1 + limit)
    assert cluster.count == limit


async def test_a_worker_that_ended_makes_room_for_its_successor(world: World) -> None:
    world.processes.gpus = 1
    cluster = await world.running(config=GPU)
    await hear(world, cluster, 1)
    await world.until(lambda: len(of_status(cluster, JobStatus.SUBMITTED)) == 1)
    await world.until(lambda: len(world.processes.started) == 2)
    scheduler, worker = world.processes.started

    ended = state(worker, state="exited", exit_code=137, reason="It was ended by SIGKILL.")
    world.backend.compare([state(scheduler), ended], missing=frozenset())
    await world.until(lambda: is_said(cluster))
    world.processes.gpus = 1
    look(world)
    await world.until(lambda: len(of_status(cluster, JobStatus.SUBMITTED)) == 1)
