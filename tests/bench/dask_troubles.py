"""`e.trouble`: from a fault until the panel of Dask clusters says so.

Faults of the gateway are told by the push itself (`ClustersChanged.reachable`), those of a cluster
by the list that the panel asks for when it is pushed.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from bench.harness import Measure, Mutation, Size, progress
from support.dask_user import dask_processes
from support.processes import find_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    import websocket

    from bench.dask_clusters import Panel
    from support.stack import Stack

    Fault = Callable[[], AbstractContextManager[None]]
    """Makes a fault, and takes it back at the end of the context."""

ROUNDS = {Size.SMOKE: 1, Size.FULL: 5}
SAID_S = 2.0
SCHEMA = "urn:sandlot:event:clusters:v1"
_PATIENCE_S = 25.0
"""Less than the pause between two pings, which a blocked read answers by itself."""


class Troubles:
    """What can go wrong with a gateway and its clusters, and how long until the panel knows.

    Parameters
    ----------
    stack
        Where the gateway runs.
    panel
        Of a person who has no clusters.
    mutation
        What is slower than it should be.
    """

    def __init__(self, stack: Stack, panel: Panel, mutation: Mutation) -> None:
        self._stack = stack
        self._panel = panel
        self._mutation = mutation

    def seconds(self) -> Iterator[tuple[str, float]]:
        """Make each fault once; give its name, and the seconds until it was said."""
        for name, gateway_fault in (
            ("gateway killed", self._killed),
            ("gateway hangs", self._hung),
            ("database locked", self._locked),
        ):
            yield name, self._gateway_is_away(gateway_fault)
        for name, cluster_fault in (
            ("scheduler killed", self._scheduler_killed),
            ("stopped elsewhere", self._stopped),
        ):
            yield name, self._cluster_is_lost(cluster_fault)

    def _gateway_is_away(self, fault: Fault) -> float:
        with self._panel.pushes() as pushes:
            with fault():
                took = self._said(lambda: not _reachable(pushes))
            while not _reachable(pushes):
                continue
        return took

    def _cluster_is_lost(self, fault: Callable[[str], None]) -> float:
        user = self._panel.user
        cluster = user.create()
        user.wait(lambda found: any(each.status == "RUNNING" for each in found.clusters))
        with self._panel.pushes() as pushes:
            while not self._panel.runs():
                _reachable(pushes)
            fault(cluster)

            def is_told() -> bool:
                _reachable(pushes)
                return not self._panel.runs()

            took = self._said(is_told)
        user.stop_all()
        return took

    def _said(self, is_told: Callable[[], bool]) -> float:
        began = time.perf_counter()
        while not is_told():
            continue
        if self._mutation is Mutation.SLOW_START:
            time.sleep(1)
        return time.perf_counter() - began

    @property
    def _gateway(self) -> int:
        return find_below(self._stack.process.pid, "sandlot_hub.services.dask_gateway")

    @contextmanager
    def _killed(self) -> Iterator[None]:
        os.kill(self._gateway, signal.SIGKILL)
        yield

    @contextmanager
    def _hung(self) -> Iterator[None]:
        gateway = self._gateway
        os.kill(gateway, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(gateway, signal.SIGCONT)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        database = self._stack.data_dir / "services" / "dask-gateway" / "clusters.sqlite"
        with closing(sqlite3.connect(database, isolation_level=None)) as locker:
            locker.execute("BEGIN EXCLUSIVE")
            yield

    def _scheduler_killed(self, cluster: str) -> None:
        (scheduler,) = dask_processes(self._stack.process.pid, cluster, "scheduler")
        os.kill(scheduler.pid, signal.SIGKILL)

    def _stopped(self, cluster: str) -> None:
        self._panel.user.ask("DELETE", f"clusters/{cluster}")


def _reachable(pushes: websocket.WebSocket) -> bool:
    """Wait for the next push about clusters; return whether the gateway answers."""
    pushes.settimeout(_PATIENCE_S)
    while (push := json.loads(pushes.recv()))["schema_id"] != SCHEMA:
        continue
    reachable: bool = push["reachable"]
    return reachable


def trouble(stack: Stack, panel: Panel, size: Size, mutation: Mutation) -> Measure:
    """Return the longest that it took until a fault was said."""
    took: list[float] = []
    troubles = Troubles(stack, panel, mutation)
    for number in range(ROUNDS[size]):
        for name, seconds in troubles.seconds():
            progress(f"e.trouble: round {number + 1} of {ROUNDS[size]}: {name}: {seconds:.2f} s")
            took.append(seconds)
    return Measure(
        id="e.trouble",
        what="from a fault of the gateway or of a cluster until the panel says so, the longest",
        ours=max(took),
        peer=None,
        peer_version="",
        ratio=None,
        target=f"<= {SAID_S:g} s",
        ok=max(took) <= SAID_S if size is Size.FULL else None,
        pairs=len(took),
        load=os.getloadavg()[0],
    )
