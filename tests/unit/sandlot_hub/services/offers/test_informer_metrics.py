"""Tests of what Prometheus is told of the informers."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from sandlot_hub.adapters.cluster_informer import Informer, InformerMeans
from sandlot_hub.adapters.cluster_informer_projection import NodeKind
from sandlot_hub.services.offers.informer_metrics import InformerCollector
from support.cluster.informing import Known
from support.memory_api import NODES, MemoryApi, node
from support.virtual_time import VirtualTime


@pytest.mark.asyncio
async def test_what_prometheus_is_told() -> None:
    api, time, registry = MemoryApi(), VirtualTime(), CollectorRegistry()
    informer = Informer(
        kind=NodeKind(labels=()),
        sink=Known().sink(),
        means=InformerMeans(reader=api, clock=time, jitter=lambda: 0.0, sleep=time.sleep),
        changed=lambda: None,
    )
    registry.register(InformerCollector(lambda: [informer], monotonic=time.monotonic))

    def told() -> dict[str, float]:
        lines = generate_latest(registry).decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {
            name.removeprefix("sandlot_offers_informer_"): float(value) for name, value in pairs
        }

    assert told()['live{kind="nodes"}'] == 0
    assert 'lag_seconds{kind="nodes"}' not in told()
    task = asyncio.create_task(informer.run())
    while not api.watching(NODES):  # noqa: ASYNC110 (turns of the loop are what is waited for)
        await asyncio.sleep(0)
    api.put(NODES, node("n1"))
    while not informer.counts.events:  # noqa: ASYNC110 (see above)
        await asyncio.sleep(0)
    time.seconds += 4
    assert told() == {
        'lag_seconds{kind="nodes"}': 4,
        'live{kind="nodes"}': 1,
        'events_total{kind="nodes"}': 1,
        'relists_total{kind="nodes"}': 0,
        'watches_total{kind="nodes"}': 1,
        'failures_total{kind="nodes"}': 0,
    }
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
