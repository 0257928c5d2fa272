"""An informer of pods at an API server in memory, in a time that nobody has to wait for."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.cluster_informer import Informer, InformerMeans
from sandlot_hub.adapters.cluster_informer_projection import PodKind
from sandlot_hub.adapters.cluster_informer_types import InformerPace
from sandlot_hub.domain.pods.ports import ClusterUnreachableError
from support.cluster.informing import Known
from support.memory_api import PODS, MemoryApi, pod
from support.virtual_time import VirtualTime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sandlot_hub.domain.capacity.cluster_records import PodRecord

PACE = InformerPace()


def away(times: int = 1) -> list[ClusterUnreachableError]:
    """Return so many errors of an API server that does not answer."""
    return [ClusterUnreachableError("away") for _ in range(times)]


@dataclass
class Bench:
    """Everything that is at work."""

    api: MemoryApi
    time: VirtualTime
    informer: Informer[PodRecord]
    known: Known[PodRecord]
    task: asyncio.Task[None]

    async def until(self, look: Callable[[], object]) -> None:
        """Let everything go on until something is so; nothing here takes time."""
        for _ in range(10_000):
            if look():
                return
            await asyncio.sleep(0)
        pytest.fail("it did not happen")

    async def knows(self, *names: str) -> None:
        """Return when the informer knows these pods and no others."""
        await self.until(lambda: self.known.names("hub") == set(names))

    async def watches(self) -> None:
        """Return when there is a watch."""
        await self.until(lambda: self.api.watching(PODS))

    def has_asked(self, watches: int) -> bool:
        """Return whether so many watches were asked for."""
        return len(self.api.watches(PODS)) == watches

    async def bookmarked(self, version: int | None = None) -> None:
        """Return when a bookmark has arrived."""
        heard = self.informer.heard
        self.api.bookmark(PODS, version)
        await self.until(lambda: self.informer.heard is not heard)

    async def broken_off(self, error: Exception | None) -> None:
        """End the watch, and return when the informer has begun to wait."""
        await self.watches()
        self.time.pauses.clear()
        self.api.end(PODS, error)
        await self.until(lambda: self.time.pauses)


@asynccontextmanager
async def bench(
    *pods: str, api: MemoryApi | None = None, pace: InformerPace = PACE, jitter: float = 0.5
) -> AsyncIterator[Bench]:
    """Keep up with these pods while the block lasts."""
    api, time, known = api or MemoryApi(), VirtualTime(), Known["PodRecord"]()
    for name in pods:
        api.put(PODS, pod(name))
    informer = Informer(
        kind=PodKind(trusted="", labels=()),
        sink=known.sink(),
        means=InformerMeans(
            reader=api, clock=time, jitter=lambda: jitter, pace=pace, sleep=time.sleep
        ),
        changed=lambda: None,
    )
    task = asyncio.create_task(informer.run())
    try:
        yield Bench(api, time, informer, known, task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
