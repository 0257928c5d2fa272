"""`a.cluster.events`: how many changes of pods a second one core takes in, from the socket on.

A process of its own plays the API server: a list of 5,000 nodes and as many pods, then changes as
fast as they are read. Every one of them takes GPUs or gives them back.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import sys
from contextlib import closing
from pathlib import Path
from time import thread_time
from typing import TYPE_CHECKING, Any

from kubernetes_asyncio.client import Configuration
from typing_extensions import override

from bench.harness import Bar, Measure, Mutation, Size, busy, interval, progress
from bench.informer_place import PRODUCT, node, pod
from sandlot_hub.adapters.clock import SystemClock
from sandlot_hub.adapters.cluster_informer import Informer, InformerMeans
from sandlot_hub.adapters.cluster_informer_projection import NodeKind, PodKind
from sandlot_hub.adapters.cluster_informer_types import Sink
from sandlot_hub.adapters.cluster_informer_wire import ClusterReader
from sandlot_hub.domain.capacity.inventory import Inventory
from sandlot_hub.domain.settings.model import SandlotSettings
from support.kube_spawner import cluster_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandlot_hub.adapters.cluster_informer_types import Change
    from sandlot_hub.domain.capacity.cluster_records import PodRecord

ROUNDS = {Size.SMOKE: 3, Size.FULL: 10}
EVENTS = {Size.SMOKE: 10_000, Size.FULL: 50_000}
NODES = 5000
LEAST = 10_000
_PATIENCE_S = 60.0


class SlowPods(PodKind):
    """Reads pods, and takes its time now and then, as a mutation."""

    _read = 0

    @override
    def change(self, line: bytes) -> Change[PodRecord]:
        self._read += 1
        if self._read % 100 == 0:
            busy(0.05)
        return super().change(line)


def run(size: Size, mutation: Mutation) -> Iterator[Measure]:
    """Let many pods change at once."""
    rates = []
    for number in range(ROUNDS[size]):
        rates.append(asyncio.run(_rate(EVENTS[size], mutation)))
        progress(f"a.cluster.events: round {number + 1}: {rates[-1]:.0f} a second")
    found, bar = interval(rates), Bar.at(1 / LEAST, size)
    yield Measure(
        id="a.cluster.events",
        what=f"changes of pods a second of one core, {EVENTS[size]} at once, {NODES} nodes",
        ours=statistics.median(rates),
        peer=None,
        peer_version="none",
        ratio=None,
        target=f">= {1 / bar.value:g}/s{bar.note}",
        ok=found.low >= 1 / bar.value,
        unit="1/s",
        pairs=len(rates),
        interval=(found.low, found.high),
        load=os.getloadavg()[0],
    )


async def _rate(number: int, mutation: Mutation) -> float:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        listener.set_inheritable(True)
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, str(listener.fileno()), str(number)),
            pass_fds=(listener.fileno(),),
            cwd=Path(__file__).parents[1],
        )
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await _take(f"http://127.0.0.1:{port}", number, mutation)
    finally:
        server.kill()
        await server.wait()


async def _take(url: str, number: int, mutation: Mutation) -> float:
    """Return how many changes a second of this thread were taken in."""
    document = cluster_document(flavor={"node_selector": PRODUCT})
    inventory = Inventory(settings=SandlotSettings.model_validate(document))
    nodes = NodeKind(labels=inventory.label_keys)
    for each in range(NODES):
        made = nodes.change(json.dumps({"type": "ADDED", "object": node(each)}).encode()).record
        assert made is not None
        inventory.put_node(made)
    inventory.settle()

    async def configure() -> Configuration:
        return Configuration(host=url)

    reader = ClusterReader(configure=configure)
    kind = SlowPods if mutation is Mutation.SLEEP else PodKind
    done = asyncio.Event()
    informer: Informer[PodRecord]

    def changed() -> None:
        if informer.counts.events >= number:
            done.set()

    informer = Informer(
        kind=kind(trusted="", labels=inventory.label_keys),
        sink=Sink(put=inventory.put_pod, drop=inventory.drop_pod, known=inventory.pod_keys),
        means=InformerMeans(reader=reader, clock=SystemClock(), jitter=lambda: 0.0),
        changed=changed,
    )
    began = thread_time()
    task = asyncio.create_task(informer.run())
    await done.wait()
    # What was put off until somebody looks belongs to it.
    state = inventory.state(0.0)
    seconds = thread_time() - began
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await reader.close()
    assert state.flavors["l4"].used == 2 * NODES
    return number / seconds


def _serve(descriptor: int, number: int) -> None:
    """Be the API server, of one connection."""
    empty = json.dumps({"metadata": {"resourceVersion": "1"}, "items": []}).encode()
    events = b"".join(_event(each) for each in range(number))
    with socket.socket(fileno=descriptor) as listener:
        connection, _ = listener.accept()
        with connection:
            _read_head(connection)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(empty)}\r\n\r\n"
            connection.sendall(head.encode() + empty)
            _read_head(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.sendall(b"%x\r\n%b\r\n" % (len(events), events))
            connection.recv(1)  # until the other side has seen enough


def _event(number: int) -> bytes:
    on = number % NODES
    # Each time round every pod holds as many as it did not.
    document: dict[str, Any] = pod(f"p{on}", on, gpus=1 + number // NODES % 2)
    document["metadata"]["namespace"] = "people"
    document["metadata"]["resourceVersion"] = str(number + 2)
    document["status"] = {"phase": "Running"}
    return json.dumps({"type": "MODIFIED", "object": document}).encode() + b"\n"


def _read_head(connection: socket.socket) -> None:
    read = b""
    while b"\r\n\r\n" not in read:
        read += connection.recv(65536)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]))
