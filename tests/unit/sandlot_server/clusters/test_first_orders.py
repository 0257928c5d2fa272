from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.clusters import (
    ClusterInfo,
    ClusterLimits,
    ClusterList,
    ClusterRange,
    ClusterUsage,
    ClusterWish,
)
from sandlot_contracts.problem import Problem
from sandlot_server.clusters.first_orders import FirstOrders
from sandlot_server.errors import ProblemError, ServiceRefusedError, ServiceUnreachableError
from support.fake_gateway import cluster

if TYPE_CHECKING:
    from sandlot_contracts.clusters import AdaptiveWish, ClusterStatus, WorkersWish

pytestmark = pytest.mark.asyncio

NAME = "a" * 32
TWO = ClusterWish(workers=2)
AWAY = ServiceUnreachableError("It is away.")


def refused(status: int) -> ServiceRefusedError:
    detail = "You may have 3 workers."
    return ServiceRefusedError(
        Problem(title="No", status=status, detail=detail, message=detail, code="dask-workers")
    )


def state(status: ClusterStatus) -> ClusterInfo:
    return cluster(NAME).model_copy(update={"status": status})


@dataclass
class Gateway:
    """Answers from a script, and remembers what was ordered."""

    answers: list[ClusterInfo | ProblemError | None]
    refusals: list[ProblemError] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    ordered: list[str] = field(default_factory=list)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, after: str) -> ClusterList:
        self.asked.append(after)
        if not self.answers:
            self.waiting.set()
            await asyncio.Event().wait()
        answer = self.answers.pop(0)
        if isinstance(answer, ProblemError):
            raise answer
        return ClusterList(
            version=str(len(self.asked)),
            clusters=() if answer is None else (answer,),
            limits=ClusterLimits(),
            used=ClusterUsage(clusters=1, workers=0, cpus=0, memory_bytes=0),
        )

    async def scale(self, name: str, wish: WorkersWish) -> None:
        self._order(f"{name[0]} scale {wish.count}")

    async def adapt(self, name: str, wish: AdaptiveWish) -> None:
        self._order(f"{name[0]} adapt {wish.minimum}-{wish.maximum}")

    def _order(self, order: str) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.ordered.append(order)


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)


@dataclass
class World:
    gateway: Gateway
    clock: Clock = field(default_factory=Clock)
    told: list[None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.orders = FirstOrders(
            ask=self.gateway.ask,
            client=self.gateway,
            clock=self.clock,
            tell=lambda: self.told.append(None),
            patience_s=3.0,
        )

    async def follow(self, wish: ClusterWish) -> None:
        """Follow a cluster until there is nothing more to do for it."""
        self.orders.follow(NAME, wish)
        for _ in range(100):
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("wish", "ordered"),
    [
        pytest.param(TWO, ["a scale 2"], id="a-number"),
        pytest.param(
            ClusterWish(adaptive=ClusterRange(minimum=1, maximum=4)), ["a adapt 1-4"], id="adaptive"
        ),
        pytest.param(
            ClusterWish(workers=2, adaptive=ClusterRange()), ["a adapt None-None"], id="both"
        ),
        pytest.param(ClusterWish(workers=0), [], id="none"),
        pytest.param(ClusterWish(), [], id="nothing-said"),
    ],
)
async def test_workers_are_ordered_once_the_cluster_runs(
    wish: ClusterWish, ordered: list[str]
) -> None:
    world = World(Gateway([state("PENDING"), state("PENDING"), state("RUNNING")]))

    await world.follow(wish)

    assert world.gateway.ordered == ordered
    assert world.gateway.asked == (["", "1", "2"] if ordered else [])


@pytest.mark.parametrize(
    "end", [pytest.param(state("FAILED"), id="failed"), pytest.param(None, id="gone")]
)
async def test_nothing_is_ordered_for_one_that_never_runs(end: ClusterInfo | None) -> None:
    world = World(Gateway([state("PENDING"), end, state("RUNNING")]))

    await world.follow(TWO)

    assert world.gateway.ordered == []
    assert len(world.gateway.asked) == 2


async def test_an_order_outlives_a_gateway_that_is_away() -> None:
    gateway = Gateway([AWAY, refused(503), state("RUNNING"), state("RUNNING")], [refused(503)])
    world = World(gateway)

    await world.follow(TWO)

    assert gateway.ordered == ["a scale 2"]
    assert world.orders.refusal(NAME) is None


async def test_it_is_given_up_when_the_gateway_stays_away() -> None:
    world = World(Gateway([AWAY] * 100))

    await world.follow(TWO)

    assert world.clock.time == 3.0
    assert len(world.gateway.answers) == 94


async def test_a_refusal_is_kept_for_the_page_until_something_else_is_ordered() -> None:
    world = World(Gateway([state("RUNNING")], [refused(409)]))

    await world.follow(TWO)

    kept = world.orders.refusal(NAME)
    assert (kept and kept.code, len(world.told)) == ("dask-workers", 1)
    world.orders.forget(NAME)
    assert world.orders.refusal(NAME) is None


async def test_what_is_ordered_by_hand_ends_the_first_order() -> None:
    world = World(Gateway([state("PENDING")]))

    world.orders.follow(NAME, TWO)
    await world.gateway.waiting.wait()
    world.orders.forget(NAME)
    world.gateway.answers.append(state("RUNNING"))
    for _ in range(10):
        await asyncio.sleep(0)

    assert world.gateway.ordered == []


async def test_closing_leaves_nothing_behind() -> None:
    world = World(Gateway([]))

    world.orders.follow(NAME, TWO)
    await world.gateway.waiting.wait()
    await world.orders.close()

    assert asyncio.all_tasks() == {asyncio.current_task()}
