from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from dask_gateway_server.backends.db_base import JobStatus  # type: ignore[import-untyped]

from sandlot_hub.domain.settings.dask import DaskLimits
from sandlot_hub.services.dask_gateway.orders import WorkerOrders
from sandlot_hub.services.dask_gateway.schedulers import SchedulerSilentError
from support.fake_service import FakeService, fake_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(30)]


@dataclass(eq=False)
class Cluster:
    api_address: str
    name: str = "one"
    username: str = "ann"
    token: str = "t"
    count: int = 0
    status: JobStatus = JobStatus.RUNNING
    workers: dict[str, object] = field(default_factory=dict)
    config: dict[str, object] = field(default_factory=lambda: {"cpus": 1.0, "memory": 1})


class World:
    """One cluster, its scheduler, and what is kept of its bounds."""

    def __init__(self, scheduler: FakeService) -> None:
        self.scheduler = scheduler
        self.cluster = Cluster(scheduler.url.rstrip("/"))
        self.kept: list[Mapping[str, int | None] | None] = []
        self.orders = WorkerOrders(
            limits=DaskLimits(workers=3), of_owner=lambda _: [self.cluster], keep=self._keep
        )

    async def _keep(self, cluster: Cluster, bounds: Mapping[str, int | None] | None) -> None:
        assert cluster is self.cluster
        self.kept.append(bounds)


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    async with fake_service() as scheduler:
        made = World(scheduler)
        made.orders.open()
        yield made
        await made.orders.close()


async def test_an_order_reaches_the_scheduler_with_its_clusters_token(world: World) -> None:
    assert await world.orders.scale(world.cluster, 3) is None

    assert world.scheduler.asked == [("/api/comm", "token t")]
    assert world.kept == [None], "whoever is scaled does not scale by itself any more"
    assert world.orders.admission.uses("ann")[0].workers == 3, "promised"


async def test_what_is_refused_no_scheduler_hears_of(world: World) -> None:
    for refusal in (
        await world.orders.scale(world.cluster, 4),
        await world.orders.adapt(world.cluster, minimum=4, maximum=None, active=True),
    ):
        assert refusal is not None
        assert refusal.params["allowed"] == 3
    assert (world.scheduler.asked, world.kept) == ([], [])


async def test_bounds_are_kept_as_long_as_they_hold(world: World) -> None:
    await world.orders.adapt(world.cluster, minimum=1, maximum=9, active=True)
    await world.orders.adapt(world.cluster, minimum=None, maximum=None, active=False)

    assert world.kept == [{"minimum": 1, "maximum": 9}, None]


async def test_a_scheduler_that_does_not_answer_gets_nothing(world: World) -> None:
    world.scheduler.status = 500
    with pytest.raises(SchedulerSilentError) as silent:
        await world.orders.scale(world.cluster, 2)

    assert silent.value.__cause__ is None, "the error quotes the token"
    assert world.kept == []
    assert world.orders.admission.uses("ann")[0].workers == 0, "nothing is promised"


async def test_what_has_ended_uses_nothing(world: World) -> None:
    world.cluster.status = JobStatus.STOPPED

    assert world.orders.admission.uses("ann") == []
