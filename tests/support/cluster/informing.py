"""An informer as the offers service has it, for tests that look at what it knows."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from typing_extensions import override

from sandlot_hub.adapters.clock import SystemClock
from sandlot_hub.adapters.cluster_access import cluster_configuration
from sandlot_hub.adapters.cluster_informer import Informer, InformerMeans
from sandlot_hub.adapters.cluster_informer_projection import PodKind
from sandlot_hub.adapters.cluster_informer_types import InformerPace, Sink
from sandlot_hub.adapters.cluster_informer_wire import ClusterReader
from sandlot_hub.adapters.service_config import ClusterPlace
from sandlot_hub.domain.capacity.cluster_records import PodRecord
from sandlot_hub.domain.capacity.inventory import Inventory
from sandlot_hub.services.offers.cluster_watch import ClusterWatch, WatchPace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sandlot_hub.adapters.cluster_informer_types import Change, Kind
    from sandlot_hub.domain.settings.model import SandlotSettings
    from support.virtual_time import VirtualTime

Record = TypeVar("Record")

QUICK = InformerPace(watch=1, grace=0.5, between=0.05, longest_pause=0.2, patience=0.1, relist=0.05)
"""As in earnest, with less patience."""

_IN_EARNEST = InformerPace(restored=float("inf"))
"""A test makes hours pass in a moment; what takes so long is not its subject."""


class RecordingPods(PodKind):
    """Remembers which changes it read."""

    def __init__(self) -> None:
        super().__init__(trusted="", labels=())
        self.read: list[tuple[str, str, bool]] = []
        """Key and version of every change, and whether the pod was gone with it."""

    @override
    def change(self, line: bytes) -> Change[PodRecord]:
        found = super().change(line)
        if found.key:
            self.read.append((found.key, found.version, found.record is None))
        return found


@dataclass
class Known(Generic[Record]):
    """What an informer knows, in the plainest form."""

    records: dict[str, Record] = field(default_factory=dict)
    listed: int = 0
    """How often all of it was."""

    def sink(self) -> Sink[Record]:
        """Return where the informer puts it."""
        return Sink(
            put=self._put, drop=self._drop, known=lambda: [*self.records], listed=self._list
        )

    def names(self, namespace: str) -> set[str]:
        """Return the names of what is in a namespace."""
        found = (key.split("/", 1) for key in self.records)
        return {name for where, name in found if where == namespace}

    def _list(self) -> None:
        self.listed += 1

    def _put(self, record: Record) -> None:
        self.records[_key(record)] = record

    def _drop(self, key: str) -> None:
        self.records.pop(key, None)


def _key(record: object) -> str:
    return record.key if isinstance(record, PodRecord) else str(getattr(record, "name", ""))


@dataclass
class Informed:
    """An informer of pods at work."""

    informer: Informer[PodRecord]
    kind: RecordingPods
    known: Known[PodRecord]


def reader_for(kubeconfig: Path) -> ClusterReader:
    """Return what asks the API server of a kubeconfig."""
    return ClusterReader(
        configure=partial(cluster_configuration, kubeconfig, environment=dict(os.environ))
    )


@asynccontextmanager
async def informed(kubeconfig: Path, *, time: VirtualTime | None = None) -> AsyncIterator[Informed]:
    """Keep up with all pods while the block lasts.

    Parameters
    ----------
    kubeconfig
        Of whom.
    time
        Its time, in which it waits as in earnest. Without, it waits for real, and not long.
    """
    reader, kind, known = reader_for(kubeconfig), RecordingPods(), Known[PodRecord]()
    means = InformerMeans(reader=reader, clock=SystemClock(), jitter=_half, pace=QUICK)
    if time is not None:
        means = replace(means, clock=time, sleep=time.sleep, pace=_IN_EARNEST)
    informer = Informer(
        kind=kind,
        sink=known.sink(),
        means=means,
        changed=_nothing,
    )
    task = asyncio.create_task(informer.run())
    try:
        yield Informed(informer=informer, kind=kind, known=known)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await reader.close()


async def listed(reader: ClusterReader, kind: Kind[Record]) -> dict[str, Record]:
    """Return what the cluster has now, by one fresh list."""
    page = kind.page(await reader.page(kind.path, {}))
    return {_key(record): record for record in page.records}


def _half() -> float:
    return 0.5


def _nothing() -> None:
    """Hear of a change, and do nothing."""


@asynccontextmanager
async def counted(
    kubeconfig: Path, settings: SandlotSettings, *, namespace: str
) -> AsyncIterator[ClusterWatch]:
    """Keep up with what is free in a cluster, as the offers service does."""
    reader = reader_for(kubeconfig)
    watch = ClusterWatch(
        reader=reader,
        inventory=Inventory(settings=settings),
        place=ClusterPlace(credentials=kubeconfig, namespace=namespace),
        means=InformerMeans(reader=reader, clock=SystemClock(), jitter=lambda: 0.5, pace=QUICK),
        pace=WatchPace(between=0.01),
    )
    task = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
