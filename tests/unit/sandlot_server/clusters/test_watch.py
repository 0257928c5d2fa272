from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.clusters import ClusterLimits, ClusterList, ClusterUsage
from sandlot_server.clusters.watch import ClusterWatch
from sandlot_server.errors import ProblemError, ServiceUnreachableError

if TYPE_CHECKING:
    from sandlot_contracts.clusters import ClustersChanged

pytestmark = pytest.mark.asyncio


def found(version: str) -> ClusterList:
    usage = ClusterUsage(clusters=0, workers=0, cpus=0, memory_bytes=0)
    return ClusterList(version=version, clusters=(), limits=ClusterLimits(), used=usage)


class Gateway:
    """Answers from a script; then it keeps everybody waiting."""

    def __init__(self, *answers: ClusterList | ProblemError) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []
        self.waiting = asyncio.Event()

    async def __call__(self, after: str) -> ClusterList:
        self.asked.append(after)
        if not self._answers:
            self.waiting.set()
            await asyncio.Event().wait()
        answer = self._answers.pop(0)
        if isinstance(answer, ProblemError):
            raise answer
        return answer


class Clock:
    """Time that passes only when somebody sleeps, or waits at the gateway."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def watch(
    gateway: Gateway, heard: list[ClustersChanged], clock: Clock | None = None
) -> ClusterWatch:
    return ClusterWatch(ask=gateway, emit=heard.append, lease=90.0, clock=clock or Clock())


async def test_each_question_names_the_version_that_is_known() -> None:
    gateway = Gateway(found("1"), found("1"), found("2"))
    heard: list[ClustersChanged] = []
    watched = watch(gateway, heard)

    assert (await watched.latest()).version == "1"
    await gateway.waiting.wait()
    assert (await watched.latest()).version == "2"
    await watched.close()

    assert gateway.asked == ["", "1", "1", "2"]
    assert [(each.revision, each.reachable) for each in heard] == [(1, True)]


async def test_a_gateway_that_is_away_is_said_once_and_so_is_its_return() -> None:
    away = ServiceUnreachableError("It is away.")
    gateway, clock = Gateway(found("1"), away, away, found("1")), Clock()
    heard: list[ClustersChanged] = []
    watched = watch(gateway, heard, clock)

    await watched.latest()
    await gateway.waiting.wait()
    await watched.close()

    assert [(each.revision, each.reachable) for each in heard] == [(1, False), (2, True)]
    assert gateway.asked == ["", "1", "", "", "1"]
    assert clock.slept == [0.1, 0.5, 0.5]


async def test_who_asks_while_it_is_away_hears_why() -> None:
    gateway = Gateway(ServiceUnreachableError("It is away."))
    heard: list[ClustersChanged] = []
    watched = watch(gateway, heard)

    with pytest.raises(ProblemError) as refused:
        await watched.latest()
    await watched.close()

    assert refused.value.problem().code == "service-unreachable"
    assert heard == []


async def test_two_pages_share_one_watch() -> None:
    gateway = Gateway(found("1"))
    watched = watch(gateway, [])

    await asyncio.gather(watched.latest(), watched.latest())
    await gateway.waiting.wait()
    await watched.close()

    assert gateway.asked == ["", "1"]


async def test_nobody_who_looks_nobody_who_asks() -> None:
    clock = Clock()
    answers = [ServiceUnreachableError("It is away.")] * 181
    gateway = Gateway(*answers, found("1"))
    watched = watch(gateway, [], clock)

    with pytest.raises(ProblemError):
        await watched.latest()
    assert watched._task is not None
    await watched._task
    assert clock.time == 90.0
    assert (await watched.latest()).version == "1"
    await watched.close()


async def test_a_refresh_is_heard() -> None:
    gateway = Gateway(found("1"), found("2"))
    heard: list[ClustersChanged] = []
    watched = watch(gateway, heard)

    await watched.refresh()
    await watched.refresh()

    assert [each.revision for each in heard] == [1]
    await watched.close()
