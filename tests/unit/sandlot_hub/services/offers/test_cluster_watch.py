"""Tests of how the service keeps up with what is free in a cluster."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from sandlot_hub.adapters.clock import SystemClock
from sandlot_hub.adapters.cluster_access import ClusterAccessError
from sandlot_hub.adapters.cluster_informer import InformerMeans
from sandlot_hub.adapters.cluster_informer_types import InformerPace
from sandlot_hub.adapters.service_config import ClusterPlace
from sandlot_hub.domain.capacity.facilities import Mode
from sandlot_hub.domain.capacity.inventory import Inventory
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.services.offers.cluster_watch import ClusterWatch, WatchPace
from support.kube_spawner import cluster_document
from support.memory_api import NODES, PODS, MemoryApi, node, pod
from support.virtual_time import START, VirtualTime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from sandlot_contracts.capacity import CapacityState, FlavorState
    from sandlot_hub.domain.values.ports import Clock

pytestmark = pytest.mark.asyncio

AT_ONCE = InformerPace(between=0, longest_pause=0, relist=0)
PACE = WatchPace(between=0, first=60, denied=0, first_pause=0, longest_pause=0)
NOBODYS = ClusterPlace(namespace="hub")
OWN = ClusterPlace(namespace="hub", credentials=Path("/secret"))


@dataclass
class Bench:
    api: MemoryApi
    watch: ClusterWatch
    task: asyncio.Task[None]
    heard: list[int] = field(default_factory=list)
    """The version of every news."""

    async def until(self, look: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not look():  # noqa: ASYNC110 (turns of the loop are what is waited for)
                await asyncio.sleep(0)

    @property
    def capacity(self) -> CapacityState | None:
        return self.watch.latest.capacity

    @property
    def l4(self) -> FlavorState | None:
        return None if self.capacity is None else self.capacity.flavors.get("l4")

    async def free(self, number: int) -> None:
        await self.until(lambda: self.l4 is not None and self.l4.free == number)


@asynccontextmanager
async def bench(
    api: MemoryApi | None = None,
    *,
    clock: Clock | None = None,
    place: ClusterPlace = OWN,
    pace: WatchPace = PACE,
    informers: InformerPace = AT_ONCE,
) -> AsyncIterator[Bench]:
    api = api or MemoryApi()
    watch = ClusterWatch(
        reader=api,
        inventory=Inventory(settings=SandlotSettings.model_validate(cluster_document())),
        place=place,
        means=InformerMeans(
            reader=api, clock=clock or VirtualTime(), jitter=lambda: 0.0, pace=informers
        ),
        pace=pace,
    )
    made = Bench(api, watch, asyncio.create_task(watch.run()))
    watch.listen(lambda: made.heard.append(watch.latest.version))
    try:
        yield made
    finally:
        made.task.cancel()
        await asyncio.gather(made.task, return_exceptions=True)
        assert api.closed


def cluster(*pods: dict[str, Any]) -> MemoryApi:
    api = MemoryApi()
    api.put(NODES, node("n1"))
    for each in pods:
        api.put(PODS, each)
    return api


async def test_before_the_first_list_nothing_is_known_but_nothing_is_wrong() -> None:
    async with bench(cluster(pod("a", gpus="3"))) as b:
        assert not b.watch.latest.known
        assert b.watch.known()
        snapshot = await b.watch.snapshot()
        assert snapshot.facilities is not None
        assert snapshot.facilities.mode is Mode.KUBERNETES
        assert b.l4 is not None
        assert (b.l4.total, b.l4.used, b.l4.free) == (4, 3, 1)
        assert b.capacity is not None
        assert b.capacity.scope == "cluster"
        assert b.heard == [1]


async def test_a_change_is_told() -> None:
    async with bench(cluster(pod("a"))) as b:
        await b.free(3)
        b.api.put(PODS, pod("b", gpus="2", namespace="others"))
        await b.free(1)
        b.api.delete(PODS, "hub/a")
        await b.free(2)
        b.api.put(NODES, node("n1", unschedulable=True))
        await b.free(0)
        assert b.heard == [1, 2, 3, 4]


async def test_it_is_told_with_which_images_none_of_it_holds() -> None:
    place = OWN.model_copy(update={"uncounted_images": ("odd",)})
    async with bench(cluster(pod("a")), place=place) as b:
        await b.free(3)
        assert b.capacity is not None
        assert b.capacity.uncounted_images == ("odd",)


async def test_only_what_is_something_else_is_news_but_it_is_true_at_a_later_moment() -> None:
    time = VirtualTime()
    async with bench(cluster(pod("a")), clock=time) as b:
        await b.free(3)
        time.seconds = 5.0
        b.api.put(PODS, pod("cpu-only", gpus="0", on="elsewhere"))
        b.api.bookmark(NODES)
        await b.until(lambda: b.watch.latest.taken == 5.0)
        assert b.watch.latest.as_of == START + timedelta(seconds=5)
        assert b.heard == [1]


async def test_it_is_as_old_as_what_was_heard_of_the_one_that_is_silent() -> None:
    time = VirtualTime()
    async with bench(cluster(), clock=time) as b:
        await b.free(4)
        time.seconds = 5.0
        b.api.bookmark(PODS)
        await b.until(
            lambda: {each.heard.monotonic for each in b.watch.informers if each.heard} == {0, 5}
        )
        assert b.watch.latest.taken == 0.0


async def test_much_at_once_is_told_at_once() -> None:
    pods = [pod(f"p{number}", on="n2") for number in range(2000)]
    async with bench(cluster(*pods), pace=replace(PACE, between=0.05)) as b:
        await b.free(4)
        b.api.put(NODES, node("n2", gpus="2000"))
        await b.until(lambda: b.l4 is not None and b.l4.used == 2000)
        before = len(b.heard)
        for each in range(2000):
            b.api.delete(PODS, f"hub/p{each}")
        await b.free(2004)
        assert len(b.heard) - before <= 5


async def test_who_has_what_is_told_too() -> None:
    document = pod("jupyter-ann", gpus="2")
    document["metadata"]["labels"] = {"sandlot/flavor": "l4"}
    document["metadata"]["annotations"] = {"hub.jupyter.org/username": "ann"}
    elsewhere = {**document, "metadata": {**document["metadata"], "namespace": "others"}}
    async with bench(cluster(document, elsewhere)) as b:
        await b.free(0)
        assert b.watch.latest.holders == {"l4": {"ann": 2}}


def away() -> ClusterUnreachableError:
    return ClusterUnreachableError("away")


async def test_a_broken_watch_is_not_known_since_it_was_heard_of_last() -> None:
    time = VirtualTime()
    async with bench(cluster(pod("a")), clock=time) as b:
        await b.free(3)
        time.seconds = 4.0
        b.api.bookmark(PODS)
        b.api.bookmark(NODES)
        await b.until(lambda: b.watch.latest.taken == 4.0)
        # Nobody comes back in time: it is tried again at once here, and time passes meanwhile.
        b.api.fail(PODS, *[away() for _ in range(50)], watch=True)
        b.api.end(PODS, away())
        await b.until(lambda: b.watch.informers[1].counts.failures)
        assert b.watch.latest.known
        time.seconds = 7.0
        await b.until(lambda: not b.watch.latest.known)
        assert b.watch.latest.as_of == START + timedelta(seconds=4)
        assert (b.watch.latest.taken, b.capacity, b.watch.latest.holders) == (4.0, None, {})
        assert not b.watch.known()
        b.api.put(PODS, pod("b"))
        await b.free(2)
        assert b.watch.known()
        assert b.heard == [1, 2, 3]


async def test_a_cluster_that_falls_silent_is_not_known() -> None:
    silent = replace(AT_ONCE, watch=0, grace=0.1)
    async with bench(cluster(), clock=SystemClock(), informers=silent) as b:
        await b.free(4)
        began = b.watch.latest
        # No byte, no end: it is the time alone that tells.
        await b.until(lambda: not b.watch.latest.known)
        assert b.watch.latest.as_of == began.as_of
        b.api.bookmark(PODS)
        b.api.bookmark(NODES)
        await b.free(4)


async def test_without_the_role_it_says_so_and_asks_for_nothing() -> None:
    api = cluster()
    api.allowed = False
    async with bench(api) as b:
        snapshot = await b.watch.snapshot()
        assert snapshot.capacity is not None
        assert (snapshot.capacity.scope, snapshot.capacity.flavors) == ("namespace", {})
        assert b.watch.known()
        await b.until(lambda: api.reviews > 12)
        assert api.asked == []
        assert b.heard == [1]
        # Somebody gives it the role.
        api.allowed = True
        await b.free(4)


async def test_a_role_that_is_taken_away_is_noticed() -> None:
    time = VirtualTime()
    async with bench(cluster(), clock=time) as b:
        told = []
        b.watch.listen(lambda: told.append((b.watch.latest.known, b.watch.latest.taken)))
        await b.free(4)
        time.seconds = 5.0
        b.api.bookmark(PODS)
        b.api.bookmark(NODES)
        await b.until(lambda: b.watch.latest.taken == 5.0)
        b.api.allowed = False
        b.api.end(NODES)
        await b.until(lambda: not b.watch.latest.known)
        # Not since what was free was something else.
        assert told == [(True, 0.0), (False, 5.0)]
        await b.until(lambda: b.capacity is not None and b.capacity.scope == "namespace")
        asked = len(b.api.asked)
        b.api.allowed = True
        await b.free(4)
        assert b.api.lists(PODS)[-1] == {"limit": "500"}
        assert len(b.api.asked) > asked


UNANSWERED = [
    pytest.param(away(), id="away"),
    pytest.param(ClusterRefusedError(401, {}), id="401"),
    pytest.param(ClusterAccessError("no such file"), id="no-credentials-where-there-should-be"),
]


@pytest.mark.parametrize("error", UNANSWERED)
async def test_an_api_server_that_does_not_answer_is_not_known(error: Exception) -> None:
    api = cluster()
    api.review_failing.extend([error] * 4)
    async with bench(api, pace=replace(PACE, first_pause=0.01, longest_pause=0.01)) as b:
        snapshot = await b.watch.snapshot()
        assert not snapshot.known
        assert snapshot.as_of == START
        assert not b.watch.known()
        await b.free(4)
        assert b.watch.known()


async def test_where_nobody_named_credentials_it_is_no_error_that_there_are_none() -> None:
    api = cluster()
    api.review_failing.extend(ClusterAccessError("no such file") for _ in range(4))
    async with bench(api, place=NOBODYS) as b:
        snapshot = await b.watch.snapshot()
        assert snapshot.capacity is not None
        assert snapshot.capacity.scope == "namespace"


async def test_a_first_list_that_takes_long_keeps_nobody_waiting() -> None:
    api = cluster()
    api.fail(NODES, *[ClusterRefusedError(410, {}) for _ in range(10_000)])
    async with bench(api, clock=SystemClock(), pace=replace(PACE, first=0.05)) as b:
        snapshot = await b.watch.snapshot()
        assert not snapshot.known
        api.failing.clear()
        await b.free(4)


class SlowApi(MemoryApi):
    """Answers lists when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()

    @override
    async def page(
        self,
        path: str,
        query: Mapping[str, str],
        *,
        begun: Callable[[bytes], None] | None = None,
    ) -> bytes:
        await self.go_on.wait()
        return await super().page(path, query, begun=begun)


async def test_while_the_first_list_is_read_people_are_told_that_it_is_being_counted() -> None:
    api = SlowApi()
    api.put(NODES, node("n1"))
    async with bench(api, clock=SystemClock(), pace=replace(PACE, first=0.05)) as b:
        snapshot = await b.watch.snapshot()
        assert (snapshot.known, snapshot.counting) == (False, True)
        api.go_on.set()
        await b.free(4)
        assert not b.watch.latest.counting
        # What was known once is not being counted when it is not known any more.
        assert not b.watch.latest.forgotten().counting


async def test_a_first_list_that_fails_is_not_one_that_is_being_counted() -> None:
    api = SlowApi()
    api.put(NODES, node("n1"))
    api.fail(NODES, *[ClusterUnreachableError("gone") for _ in range(10_000)])
    async with bench(api, clock=SystemClock(), pace=replace(PACE, first=0.05)) as b:
        counting = await b.watch.snapshot()
        api.go_on.set()
        await b.until(lambda: not b.watch.latest.counting)
        assert not b.watch.latest.known
        assert b.watch.latest.version > counting.version
        api.failing.clear()
        await b.free(4)
