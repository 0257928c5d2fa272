"""`a.cluster.*`: what is free in a cluster of thousands of nodes, and how soon it is known.

A control plane with 5,000 nodes and 50,000 pods. The first sync is that of the service's own parts
in this process, beside a raw read of the same pages; the rest is the real service as a process,
behind a proxy that counts what it asks the API server for.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kubespawner.clients import load_config
from kubespawner.reflector import ResourceReflector
from typing_extensions import override

from bench.form_render import p99
from bench.harness import Measure, Mutation, Size, busy, progress, ratio_measure
from bench.informer_place import (
    PODS,
    PRODUCT,
    RESTING,
    Filled,
    Writer,
    pod,
    read_to_nowhere,
)
from bench.kube_place import inside, own_cluster
from bench.offers_service import read_log
from sandlot_hub.adapters.clock import SystemClock
from sandlot_hub.adapters.cluster_access import cluster_configuration
from sandlot_hub.adapters.cluster_informer import InformerMeans
from sandlot_hub.adapters.cluster_informer_wire import ClusterReader
from sandlot_hub.adapters.service_config import ClusterPlace, write_service_config
from sandlot_hub.adapters.settings_file import write_resolved
from sandlot_hub.domain.capacity.inventory import Inventory
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.services.offers.cluster_watch import ClusterWatch, WatchPace
from support.cluster.api import connected
from support.cluster.fault_proxy import FaultProxy
from support.cluster.faults import Match
from support.cluster.namespaces import TestNamespace
from support.event_reader import reading, ticket
from support.installed_offers import OffersProcess
from support.kube_spawner import close_clients, cluster_document, use_kubeconfig
from support.service_process import service_config
from support.stack import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from support.cluster.access import Access
    from support.cluster.control_plane import ControlPlane
    from support.event_reader import EventReader

PAIRS = {Size.SMOKE: 10, Size.FULL: 6}
CHANGES = {Size.SMOKE: 30, Size.FULL: 100}
VIEWS = 100
WATCHED_S = 22.0
"""KubeSpawner's watches end after ten seconds, and a list comes before the next one."""
MOST_BYTES = 300e6
SYNC_S = 300.0
"""How long a first sync may take."""
SEEN_S = 10.0
"""A change that was not seen by then was missed."""
PEER_VERSION = f"jupyterhub-kubespawner {version('jupyterhub-kubespawner')}"
ALL_PODS = Match(path="/api/v1/pods", watch=False)
NO_WATCHES = Match(watch=False)
_SIZES = "the same pages read to nowhere"


class AllPods(ResourceReflector):
    """KubeSpawner's reflector, of the pods of all namespaces."""

    kind = "pods"
    omit_namespace = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the real service did."""

    seconds: list[float]
    missed: int
    resident: float
    calls: int
    relists: int
    peer_relists: int


def run(size: Size, mutation: Mutation) -> Iterator[Measure]:
    """Fill a cluster, sync, and let it change."""
    with own_cluster() as plane, inside(plane):
        syncs, seen = asyncio.run(_measure(plane, size, mutation))
    what = f"{PODS[size]} pods on their nodes"
    yield ratio_measure(
        id="a.cluster.sync",
        what=f"from nothing to what is free, {what}",
        ours=syncs[0],
        peer=syncs[1],
        peer_version=_SIZES,
        at_most=1.5,
        decides=size is Size.FULL,
    )
    common: dict[str, Any] = {"ratio": None, "load": os.getloadavg()[0]}
    yield Measure(
        id="a.cluster.resident",
        what=f"memory of the service, at the most, {what}",
        ours=seen.resident,
        peer=None,
        peer_version="none",
        target=f"<= {MOST_BYTES / 1e6:g} MB",
        ok=seen.resident <= MOST_BYTES,
        unit="B",
        **common,
    )
    latest = p99(seen.seconds) if seen.seconds else SEEN_S
    yield Measure(
        id="a.cluster.seen",
        what=f"from the request for a change until an open stream has it, p99, {what}",
        ours=latest,
        peer=None,
        peer_version="none",
        target="<= 1 s",
        ok=latest <= 1.0 if size is Size.FULL else None,
        pairs=len(seen.seconds),
        **common,
    )
    counted = (
        ("a.cluster.missed", "changes that an open stream did not show", seen.missed, None),
        ("a.cluster.calls", f"requests to the API server during {VIEWS} views", seen.calls, None),
        (
            "a.cluster.relists",
            f"lists of all pods in the {WATCHED_S:g} s after the first one",
            seen.relists,
            seen.peer_relists,
        ),
    )
    for id_, counts, ours, peer in counted:
        yield Measure(
            id=id_,
            what=counts,
            ours=ours,
            peer=peer,
            peer_version="none" if peer is None else PEER_VERSION,
            target="0",
            ok=ours == 0,
            unit="count",
            **common,
        )


async def _measure(
    plane: ControlPlane, size: Size, mutation: Mutation
) -> tuple[tuple[list[float], list[float]], Seen]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        client = await stack.enter_async_context(connected(plane.inside.write(folder / "admin")))
        namespace = await TestNamespace.create(
            client=client, access=plane.inside, security="privileged"
        )
        account = await namespace.offers_account()
        plane.rest(*RESTING)
        writer = Writer(plane.inside)
        stack.push_async_callback(writer.close)
        await writer.fill(size, namespace.name)
        filled = Filled(plane=plane, writer=writer, namespace=namespace.name, account=account)
        kubeconfig = account.write(folder / "offers")
        syncs = await _syncs(kubeconfig, PAIRS[size], mutation)
        return syncs, await _live(filled, folder, size, mutation)


async def _syncs(
    kubeconfig: Path, pairs: int, mutation: Mutation
) -> tuple[list[float], list[float]]:
    """Return how long both took, in turn, each as often first."""
    # As the service does: what a bench has loaded besides is no part of either.
    gc.collect()
    gc.freeze()
    taken: tuple[list[float], list[float]] = ([], [])
    sides = (
        (taken[0], partial(_sync, kubeconfig, mutation)),
        (taken[1], partial(read_to_nowhere, kubeconfig)),
    )
    for number in range(pairs):
        for into, work in sides if number % 2 else reversed(sides):
            began = time.perf_counter()
            await work()
            into.append(time.perf_counter() - began)
        ours, peer = taken[0][-1], taken[1][-1]
        progress(f"a.cluster.sync: pair {number + 1} of {pairs}: ours {ours:.4g}, peer {peer:.4g}")
    return taken


class SlowReader(ClusterReader):
    """A reader that needs more time for each page, as a mutation.

    It works meanwhile: while it waited, the page before would be taken in.
    """

    @override
    async def page(
        self,
        path: str,
        query: Mapping[str, str],
        *,
        begun: Callable[[bytes], None] | None = None,
    ) -> bytes:
        busy(0.05)
        return await super().page(path, query, begun=begun)


async def _sync(kubeconfig: Path, mutation: Mutation) -> None:
    """Come to know what is free."""
    kind = SlowReader if mutation is Mutation.SLEEP else ClusterReader
    reader = kind(configure=partial(cluster_configuration, kubeconfig, environment={}))
    watch = ClusterWatch(
        reader=reader,
        inventory=Inventory(settings=_settings()),
        place=ClusterPlace(credentials=kubeconfig),
        means=InformerMeans(reader=reader, clock=SystemClock(), jitter=random.random),
        # Without it people would be told meanwhile that nothing is known yet.
        pace=WatchPace(first=SYNC_S),
    )
    task = asyncio.create_task(watch.run())
    snapshot = await watch.snapshot()
    assert snapshot.capacity is not None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _settings() -> SandlotSettings:
    return SandlotSettings.model_validate(cluster_document(flavor={"node_selector": PRODUCT}))


async def _live(filled: Filled, folder: Path, size: Size, mutation: Mutation) -> Seen:
    """Let the real service keep up with changes."""
    with FaultProxy(filled.plane.inside) as ours, FaultProxy(filled.plane.inside) as theirs:
        async with _service(ours.through(filled.account), folder) as service:
            stream = f"{service.url}api/v1/snapshots"
            async with reading(stream, ticket("hub", kind="hub")) as reader:
                await _shows(reader, 0)
                seconds, missed = await _changes(filled, reader, CHANGES[size], mutation)
            before = ours.count(NO_WATCHES)
            await _views(service)
            if mutation is Mutation.EXTRA_CALL:
                await read_to_nowhere(folder / "counted")
            calls = ours.count(NO_WATCHES) - before
            # Last: to read a list of all pods takes the peer seconds, in which this process would
            # see no change.
            async with _peer(theirs.through(filled.plane.inside), folder):
                await asyncio.sleep(WATCHED_S)
            resident = _peak(service)
        first = -(-PODS[size] // 500)
        return Seen(
            seconds=seconds,
            missed=missed,
            resident=resident,
            calls=calls,
            relists=max(0, ours.count(ALL_PODS) - first),
            peer_relists=theirs.count(ALL_PODS) - 1,
        )


@asynccontextmanager
async def _service(account: Access, folder: Path) -> AsyncIterator[OffersProcess]:
    write_resolved(folder / "settings.json", _settings())
    port = free_port()
    config = service_config(
        port=port,
        settings_file=folder / "settings.json",
        cluster=ClusterPlace(credentials=account.write(folder / "counted")),
    )
    write_service_config(folder / "service.json", config)
    service = OffersProcess(folder / "service.json", port)
    await service.start()
    reading_log = asyncio.create_task(read_log(service))
    try:
        yield service
    finally:
        reading_log.cancel()
        await asyncio.gather(reading_log, return_exceptions=True)
        await service.end()


@asynccontextmanager
async def _peer(access: Access, folder: Path) -> AsyncIterator[None]:
    """Have KubeSpawner's reflector do the same job."""
    with pytest.MonkeyPatch.context() as patch:
        use_kubeconfig(access.write(folder / "peer"), patch)
        # As a spawner has it done. It reads the file in a thread, and nobody else runs meanwhile.
        load_config()
        reflector = AllPods(namespace="")
        await reflector.start()
        try:
            yield
        finally:
            await reflector.stop()
            await close_clients()


async def _changes(
    filled: Filled, reader: EventReader, number: int, mutation: Mutation
) -> tuple[list[float], int]:
    """Take GPUs, one after the other; return how long each took to be seen, and who was not."""
    pods = f"/api/v1/namespaces/{filled.namespace}/pods"
    extra_s = 1.0 if mutation is Mutation.SLOW_START else 0.0
    seconds: list[float] = []
    missed = 0
    for each in range(number):
        began = time.monotonic()
        await filled.writer.make(pods, pod(f"gpu-{each}", each % 100, gpus=1))
        if mutation is Mutation.DROP_EVENT and each == number // 2:
            await reader.until("snapshot")
        try:
            async with asyncio.timeout(SEEN_S):
                await _shows(reader, each + 1)
        except TimeoutError:
            missed += 1
        else:
            seconds.append(time.monotonic() - began + extra_s)
    progress(f"a.cluster: {len(seconds)} changes seen, {missed} missed")
    return seconds, missed


async def _shows(reader: EventReader, used: int) -> None:
    """Wait until the stream shows that so many GPUs are used."""
    while True:
        event = await reader.next()
        capacity = event.data.get("capacity") if event.name == "snapshot" else None
        if capacity is not None and capacity["flavors"]["l4"]["used"] == used:
            return


async def _views(service: OffersProcess) -> None:
    """Open the page's stream many times, and read what it shows."""
    for number in range(VIEWS):
        async with reading(f"{service.url}api/v1/stream", ticket(f"user-{number}")) as reader:
            await reader.until("offers")


def _peak(service: OffersProcess) -> float:
    """Return the most memory that the service had, in bytes."""
    assert service.process is not None
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024.0
