"""R24: ten thousand pods are deleted at once, as it looks on a socket."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from itertools import pairwise

import pytest

from sandlot_hub.adapters.clock import SystemClock
from sandlot_hub.adapters.cluster_informer import Informer, InformerMeans
from sandlot_hub.adapters.cluster_informer_projection import PodKind
from sandlot_hub.domain.capacity.cluster_records import PodRecord
from support.cluster.informing import Known
from support.memory_api import pod
from support.scripted_api import scripted, stream, whole

PODS = 10_000
MOST_BYTES = 16 * 2**20
"""The client's buffer, and a copy of it in lines; a third of what comes."""


def _document(number: int) -> dict[str, object]:
    made = pod(f"p{number}")
    made["metadata"]["resourceVersion"] = str(1000 + number)
    return made


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "padding", [pytest.param(0, id="thousands-a-packet"), pytest.param(4000, id="long-ones")]
)
async def test_r24_memory_is_bounded_and_others_have_their_turn(padding: int) -> None:
    listed = {"metadata": {"resourceVersion": "999"}, "items": [_document(n) for n in range(PODS)]}
    events = [
        json.dumps({"type": "DELETED", "pad": "x" * padding, "object": _document(n)}).encode()
        + b"\n"
        for n in range(PODS)
    ]
    known = Known[PodRecord]()
    chunks = [b"".join(events[n : n + 1000]) for n in range(0, PODS, 1000)]
    answers = (whole(200, json.dumps(listed).encode()), stream(*chunks, ends=False))
    async with scripted(*answers) as (_, reader):
        informer = Informer(
            kind=PodKind(trusted="", labels=()),
            sink=known.sink(),
            means=InformerMeans(reader=reader, clock=SystemClock(), jitter=lambda: 0.0),
            changed=lambda: None,
        )
        task = asyncio.create_task(informer.run())
        while not known.listed:  # noqa: ASYNC110 (turns of the loop are what is waited for)
            await asyncio.sleep(0)
        assert len(known.records) == PODS
        tracemalloc.start()
        left: list[int] = []
        while known.records:
            left.append(len(known.records))
            await asyncio.sleep(0)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert informer.counts.events == PODS
    assert peak < MOST_BYTES
    # Two slices at most between two turns of others: the end of one packet, the beginning of the next.
    assert max(earlier - later for earlier, later in pairwise(left)) <= 200
