from __future__ import annotations

import asyncio
import base64
import logging
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest_asyncio
from aiohttp import web
from dask_gateway_server.backends.db_base import JobStatus  # type: ignore[import-untyped]
from traitlets.config import Config

from sandlot_contracts.supervisor import DaskState, DaskStates, LogTail, StartDask
from sandlot_hub.adapters.supervisor_client import SupervisorRefusedError
from sandlot_hub.domain.settings.dask import DaskSettings
from sandlot_hub.services.dask_gateway.backend import BackendParts, SupervisedBackend
from sandlot_hub.services.dask_gateway.database import ClusterDatabase, open_database
from sandlot_hub.services.dask_gateway.heartbeat import Heartbeat
from sandlot_hub.services.errors import build_problem
from support.fake_service import FakeService, fake_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from dask_gateway_server.backends.db_base import Cluster

NONE_FREE = "A worker needs NVIDIA L4, and none is free."
KEY = base64.urlsafe_b64encode(b"k" * 32)
DEADLINE_S = 10.0


SMALL = {"image": "base", "worker_size": "small", "cpus": 1.0, "memory": 1}
GPU = {**SMALL, "worker_size": "gpu", "flavor": "l4", "accelerators": 1}


class MemoryProcesses:
    """A supervisor whose processes are records."""

    def __init__(self) -> None:
        self.started: list[StartDask] = []
        self.ending: list[str] = []
        """Whose end was asked for."""
        self.stopped: list[str] = []
        self.refuses: str = ""
        """The sentence with which it refuses to start anything."""
        self.refusal_code = "cannot-start"
        self.gpus = 0
        """How many workers of clusters with GPUs it starts before none is free."""
        self.asked_for_gpus: list[str] = []
        """Workers that it refused for that."""
        self.gate = asyncio.Event()
        """Processes end when it is set."""
        self.gate.set()

    async def start_dask(self, request: StartDask) -> DaskState:
        if self.refuses:
            problem = build_problem(503, self.refusal_code, self.refuses)
            raise SupervisorRefusedError(problem)
        known = [each for each in self.started if each.process_id == request.process_id]
        if known:
            return state(request)
        if request.role == "worker" and request.size == "gpu":
            if not self.gpus:
                self.asked_for_gpus.append(request.process_id)
                problem = build_problem(409, "accelerators-busy", NONE_FREE)
                raise SupervisorRefusedError(problem)
            self.gpus -= 1
        self.started.append(request)
        return state(request)

    async def dask_states(self, *, after: int | None = None, wait_s: float = 0.0) -> DaskStates:
        del after, wait_s
        return DaskStates(version=1, processes=tuple(map(state, self.started)))

    async def stop_dask(self, process_id: str, *, now: bool = False) -> DaskState | None:
        del now
        self.ending.append(process_id)
        await self.gate.wait()
        self.stopped.append(process_id)
        return None

    async def dask_log(self, process_id: str) -> LogTail:
        return LogTail(lines=(f"log of {process_id}",))


def state(request: StartDask, **changes: object) -> DaskState:
    """Return the state of a process that was asked for."""
    values: dict[str, object] = {
        **request.model_dump(include={"process_id", "cluster", "owner", "role"}),
        "state": "running",
        "pid": 7,
        "uid": 8,
        **changes,
    }
    return DaskState.model_validate(values)


class World:
    """One gateway's backend on a database in a folder, with everything around it."""

    def __init__(self, folder: Path, scheduler: FakeService) -> None:
        self.folder = folder
        self.scheduler = scheduler
        self.processes = MemoryProcesses()
        self.settings = DaskSettings()
        self.database: ClusterDatabase = self.open()
        self.backend = self.make()

    def open(self) -> ClusterDatabase:
        return open_database(self.folder / "clusters.sqlite", key=KEY)

    def make(self) -> SupervisedBackend:
        return SupervisedBackend(
            BackendParts(
                supervisor=self.processes,
                database=self.database,
                settings=self.settings,
                settings_hash="h",
            ),
            config=Config({"Proxy": {"externally_managed": True, "api_token": "t"}}),
            log=logging.getLogger("dask_gateway_server"),
        )

    async def restart(self) -> None:
        """End the gateway and begin the next one."""
        await self.backend.cleanup()
        self.database = self.open()
        self.backend = self.make()
        await self.backend.setup(web.Application())

    def insert(self, name: str = "0" * 32, owner: str = "ann", config: object = SMALL) -> Cluster:
        cluster = self.database.insert(
            name=name,
            owner=owner,
            keys=(b"certificate", b"key"),
            options={},
            config=config,
        )
        self.backend.enlist(cluster)
        return cluster

    def beat(self, count: int, **workers: object) -> dict[str, object]:
        return {
            "scheduler_address": "tls://127.0.0.1:4000",
            "dashboard_address": "http://127.0.0.1:4001",
            "api_address": self.scheduler.url.rstrip("/"),
            "count": count,
            "active_workers": [],
            "closing_workers": [],
            "closed_workers": [],
            **workers,
        }

    async def until(self, done: Callable[[], object]) -> None:
        """Let the loop run until it is so."""
        async with asyncio.timeout(DEADLINE_S):
            while not done():
                await self.turns(1)

    async def turns(self, count: int) -> None:
        """Let everybody else go on for some turns of the loop."""
        for _ in range(count):
            await asyncio.sleep(0)

    async def running(self, name: str = "0" * 32, config: object = SMALL) -> Cluster:
        """Have a cluster that runs."""
        cluster = self.insert(name, config=config)
        await self.until(lambda: cluster.status == JobStatus.SUBMITTED)
        await self.backend.heartbeat(cluster, Heartbeat.model_validate(self.beat(0)))
        await self.until(lambda: cluster.status == JobStatus.RUNNING)
        return cluster


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Have somebody else hold the database of a gateway."""
    with closing(sqlite3.connect(folder / "clusters.sqlite", isolation_level=None)) as locker:
        locker.execute("BEGIN EXCLUSIVE")
        yield
        locker.execute("ROLLBACK")


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with fake_service() as scheduler:
        made = World(tmp_path, scheduler)
        await made.backend.setup(web.Application())
        try:
            yield made
        finally:
            made.processes.gate.set()
            await made.backend.cleanup()
