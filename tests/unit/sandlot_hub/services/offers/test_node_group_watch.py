from __future__ import annotations

import asyncio
import json
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.cluster_access import ClusterAccessError
from sandlot_hub.adapters.cluster_informer import InformerMeans
from sandlot_hub.adapters.cluster_informer_wire import PageTooLargeError
from sandlot_hub.domain.capacity.node_groups import NodeGroup
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError
from sandlot_hub.services.offers.node_group_watch import NodeGroupWatch
from support.memory_api import MemoryApi
from support.virtual_time import VirtualTime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping

L4 = NodeGroup("l4", 1, 4, grows=True)


def config_map(most: int = 4) -> bytes:
    status = (
        "Cluster-autoscaler status at 2026-11-21 10:00:00.0 +0000 UTC:\nNodeGroups:\n"
        f"  Name: l4\n  Health: Healthy (registered=1 (minSize=0, maxSize={most}))\n"
    )
    return json.dumps({"data": {"status": status}}).encode()


class StatusApi(MemoryApi):
    """An API server with one ConfigMap."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: bytes | Exception = config_map()

    async def page(
        self,
        path: str,
        query: Mapping[str, str],
        *,
        begun: Callable[[bytes], None] | None = None,  # noqa: ARG002 (of the port)
    ) -> bytes:
        """Return the ConfigMap."""
        self.asked.append((path, dict(query)))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class Bench:
    api: StatusApi
    time: VirtualTime = field(default_factory=VirtualTime)
    taken: list[Collection[NodeGroup] | None] = field(default_factory=list)
    told: int = 0

    def changed(self) -> None:
        self.told += 1

    async def takes(self, *expected: Collection[NodeGroup] | None) -> None:
        async with asyncio.timeout(10):
            while self.taken != [*expected]:  # noqa: ASYNC110 (turns of the loop and a thread)
                await asyncio.sleep(0)
        assert self.told == len(expected)

    async def asks_again(self) -> None:
        before = len(self.api.asked)
        async with asyncio.timeout(10):
            while len(self.api.asked) < before + 3:  # noqa: ASYNC110 (turns of the loop)
                await asyncio.sleep(0)


@asynccontextmanager
async def bench(
    answer: bytes | Exception, *, where: str | None = "tools/status"
) -> AsyncIterator[Bench]:
    made = Bench(StatusApi())
    made.api.answer = answer
    watch = NodeGroupWatch(
        config_map=where,
        take=made.taken.append,
        means=InformerMeans(
            reader=made.api, clock=made.time, jitter=lambda: 0.5, sleep=made.time.sleep
        ),
        changed=made.changed,
    )
    task = asyncio.create_task(watch.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.asyncio
async def test_it_is_asked_now_and_then_and_told_when_it_is_something_else() -> None:
    async with bench(config_map()) as b:
        await b.takes((L4,))
        assert b.api.asked[0] == ("/api/v1/namespaces/tools/configmaps/status", {})
        await b.asks_again()
        assert set(b.time.pauses) == {37.5}
        # The same again is no news.
        assert b.told == 1
        b.time.seconds = 0.0
        b.api.answer = config_map(7)
        await b.takes((L4,), (L4._replace(most=7),))


WRONG = [
    pytest.param(ClusterRefusedError(403, {}), id="not-allowed"),
    pytest.param(ClusterRefusedError(404, {}), id="not-there"),
    pytest.param(ClusterUnreachableError("away"), id="away"),
    pytest.param(ClusterAccessError("no file"), id="no-credentials"),
    pytest.param(PageTooLargeError("much"), id="too-large"),
    pytest.param(b"{}", id="empty"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize("wrong", WRONG)
async def test_whatever_is_wrong_is_no_hint_and_said_once(
    wrong: bytes | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with bench(config_map()) as b:
        await b.takes((L4,))
        b.time.seconds = 0.0
        b.api.answer = wrong
        await b.takes((L4,), None)
        await b.asks_again()
        assert [each.levelname for each in caplog.records] == ["WARNING"]
        b.time.seconds = 0.0
        b.api.answer = config_map()
        await b.takes((L4,), None, (L4,))


@pytest.mark.asyncio
async def test_what_is_not_written_any_more_ends_to_count() -> None:
    async with bench(config_map()) as b:
        await b.takes((L4,), None)
        assert b.time.seconds > 900


@pytest.mark.asyncio
async def test_where_it_does_not_matter_nobody_is_asked() -> None:
    async with bench(config_map(), where=None) as b:
        for _ in range(5):
            await asyncio.sleep(0)
        assert b.api.asked == []
