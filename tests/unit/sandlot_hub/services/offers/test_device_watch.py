from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.adapters.cluster_informer import InformerMeans
from sandlot_hub.domain.capacity.device_book import DeviceBook, DeviceWish
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError
from sandlot_hub.services.offers.device_watch import DeviceWatch
from support.memory_api import CLAIMS, SLICES, MemoryApi
from support.virtual_time import VirtualTime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

DRIVER = "gpu.example.com"
AGAIN_S = 180.0


@dataclass
class Bench:
    api: MemoryApi
    time: VirtualTime = field(default_factory=VirtualTime)
    there: int = 0
    held: int = 0
    watch: DeviceWatch = field(init=False)
    task: asyncio.Task[None] = field(init=False)

    def start(self, *, counts: bool) -> None:
        book = DeviceBook([DeviceWish("claim:gpu", DRIVER, {})], self.changed)
        self.watch = DeviceWatch(
            book=book if counts else None,
            rights=self.api,
            means=InformerMeans(
                reader=self.api, clock=self.time, jitter=lambda: 0.0, sleep=self.time.sleep
            ),
            changed=lambda: None,
            again_s=AGAIN_S,
        )
        self.task = asyncio.create_task(self.watch.run())

    def changed(self, node: str, resource: str, *, there: int, held: int) -> None:
        assert (node, resource) == ("n1", "claim:gpu")
        self.there += there
        self.held += held

    @property
    def trusted(self) -> bool:
        return self.watch.trusted_until > self.time.monotonic()

    async def until(self, look: Callable[[], object]) -> None:
        for _ in range(10_000):
            if look():
                return
            await asyncio.sleep(0)
        pytest.fail("it did not happen")


@asynccontextmanager
async def bench(api: MemoryApi, *, counts: bool = True) -> AsyncIterator[Bench]:
    found = Bench(api)
    found.start(counts=counts)
    try:
        yield found
    finally:
        found.task.cancel()
        await asyncio.gather(found.task, return_exceptions=True)


def _slice(*devices: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "s1"},
        "spec": {
            "driver": DRIVER,
            "pool": {"name": "n1", "generation": 1, "resourceSliceCount": 1},
            "nodeName": "n1",
            "devices": [{"name": name} for name in devices],
        },
    }


def _claim(device: str) -> dict[str, Any]:
    result = {"driver": DRIVER, "pool": "n1", "device": device}
    return {
        "metadata": {"name": "c", "namespace": "ns"},
        "status": {"allocation": {"devices": {"results": [result]}}},
    }


@pytest.mark.asyncio
async def test_devices_and_claims_are_kept_up_with() -> None:
    api = MemoryApi()
    api.put(SLICES, _slice("a", "b"))
    async with bench(api) as b:
        await b.until(lambda: b.there == 2)
        await b.until(lambda: b.trusted and api.watching(CLAIMS) and api.watching(SLICES))
        assert {each.resource for each in b.watch.informers} == {"resourceslices", "resourceclaims"}
        api.put(CLAIMS, _claim("a"))
        await b.until(lambda: b.held == 1)
        api.delete(CLAIMS, "ns/c")
        api.put(SLICES, _slice("b"))
        await b.until(lambda: (b.there, b.held) == (1, 0))


@pytest.mark.asyncio
async def test_nothing_is_asked_where_no_flavor_has_such_devices() -> None:
    api = MemoryApi()
    async with bench(api, counts=False) as b:
        await b.task
        assert api.asked == []
        assert not b.trusted


@pytest.mark.asyncio
async def test_an_account_that_may_not_look_is_asked_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    api = MemoryApi()
    api.devices_allowed = False
    async with bench(api) as b:
        await b.until(lambda: b.time.pauses.count(AGAIN_S) > 1)
        assert api.asked == []
        assert not b.trusted
        api.devices_allowed = True
        await b.until(lambda: b.trusted)
    assert [each.message for each in caplog.records] == [
        "claimed devices are not counted: the account of this service may not look at them"
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "error",
    [ClusterUnreachableError("away"), ClusterRefusedError(500, {"reason": "InternalError"})],
    ids=["away", "error"],
)
async def test_whatever_is_wrong_ends_nothing(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    api = MemoryApi()
    api.review_failing.append(error)
    async with bench(api) as b:
        await b.until(lambda: b.trusted)
        assert AGAIN_S in b.time.pauses
    assert caplog.records[0].message.startswith("claimed devices are not counted: Cluster")


@pytest.mark.asyncio
async def test_who_may_look_no_longer_knows_nothing() -> None:
    api = MemoryApi()
    async with bench(api) as b:
        await b.until(lambda: b.trusted and api.watching(CLAIMS) and api.watching(SLICES))
        api.allowed = False
        api.end(CLAIMS)
        await b.until(lambda: not b.watch.informers)
        assert not b.trusted
        assert not b.task.done()
        api.allowed = True
        await b.until(lambda: b.trusted)
