"""R09: the hub is killed before everything that it writes for a start or a stop.

It writes to its database and, for its proxy, to the file of the routes. The kernel holds it there
(`FileGate`): before each first write of a transaction, which is also after the transaction before
it, and before each route comes or goes. The hub waits for its proxy in one place, until that has
taken up a new route; there it is killed too. The proxy is never waited for when a route goes.
"""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import TYPE_CHECKING

import pytest

from support.cluster.file_gate import FileGate
from support.cluster.hub import ROUTES
from support.cluster.killed_hub import ADOPTED, REMOVED, KilledHub
from support.cluster.nodes import NodeKind
from support.cluster.waiting import until
from support.kube_spawner import SMALL, document_at

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from support.cluster.hub import KubeHub
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes

pytestmark = [pytest.mark.asyncio, pytest.mark.slow, pytest.mark.timeout(300)]

CONFIG = {"JupyterHub": {"tornado_settings": {"slow_spawn_timeout": 0, "slow_stop_timeout": 0}}}
DATABASE, ROUTE = "database", "route"
WHAT_IT_WRITES = {
    "start": [(DATABASE, REMOVED), (DATABASE, ADOPTED), (ROUTE, ADOPTED)],
    "stop": [(ROUTE, ADOPTED), (DATABASE, REMOVED)],
}
"""In order; what follows one another and ends alike is one."""


def written(name: str) -> str:
    """Return what a file is that a hub opens, as far as it is about a server."""
    # SQLite begins to write a transaction with its journal; a file of routes is replaced.
    if name == "hub.sqlite-journal":
        return DATABASE
    return ROUTE if name.startswith(f".{ROUTES}.") else ""


class Ann(KilledHub):
    """Somebody whose server is started or stopped again and again."""

    async def start(self) -> None:
        """Start it, and wait until it is ready."""
        await self.client.started("ann", SMALL)

    async def stop(self) -> None:
        """Stop it, and wait until it is gone."""
        await self.client.stop("ann")
        await until(self.stopped("ann"), what="it is stopped")

    async def uids(self) -> set[str]:
        """Return which pods there are."""
        found = await self.namespace.core.list_namespaced_pod(self.namespace.name)
        return {each.metadata.uid for each in found.items}

    async def is_right(self) -> str:
        """Expect that hub, cluster and proxy agree; return what has become of the server."""
        await self.settled()
        has_one = await self.server("ann") is not None
        assert await self.pods() == ["ann"] * has_one
        assert self.hub.routes() == ({"/user/ann/"} if has_one else set())

        async def is_routed() -> bool:
            reply = await self.client("GET", "/user/ann/api")
            return (reply.status == 200) == has_one

        await until(is_routed, what="people get to the server, if there is one")
        return ADOPTED if has_one else REMOVED


async def killed(ann: Ann, gate: FileGate, action: str, *, after: int) -> str:
    """Do something, and kill the hub after so many writes; return before which, if there is one."""
    with gate.holding(ann.hub.pid, lambda name: bool(written(name)), after=after) as held:
        doing = asyncio.ensure_future(ann.start() if action == "start" else ann.stop())
        await until(lambda: held.has_come or doing.done(), what="it is held or done")
        if not held.has_come:
            await doing
            return ""
        ann.hub.kill()
        # Nobody answers it any more.
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)
    return written(held.name)


async def killed_before_every_write(ann: Ann) -> dict[str, list[tuple[str, str]]]:
    """Start and stop until nothing is left to be killed before; return what has become of it."""
    found: dict[str, list[tuple[str, str]]] = {"start": [], "stop": []}
    done: set[str] = set()
    with FileGate(ann.hub.folder) as gate:
        while len(done) < len(found):
            action = "start" if await ann.server("ann") is None else "stop"
            before = await ann.uids()
            what = await killed(ann, gate, action, after=len(found[action]))
            if not what:
                done.add(action)
                assert await ann.is_right() == (ADOPTED if action == "start" else REMOVED)
                continue
            ordered = await ann.uids()
            await ann.killed_and_restarted()
            found[action].append((what, await ann.is_right()))
            # The next hub orders nothing that nobody asked it for.
            assert await ann.uids() <= (before | ordered)
    return found


async def killed_while_it_waits_for_its_proxy(ann: Ann) -> None:
    """Start, and have the proxy take nothing up when the server has answered."""
    hub = ann.hub
    hub.keep_silent("ann")
    await ann.client.start("ann", SMALL)
    runs = "it runs, and the hub waits for its answer"
    await ann.namespace.pod_when("jupyter-ann", lambda it: it.status.phase == "Running", what=runs)
    before = await ann.uids()
    with hub.proxy_paused():
        hub.keep_silent()
        await until(hub.routes, what="the proxy is told of the route")
        hub.kill()
    await ann.killed_and_restarted()
    assert await ann.is_right() == ADOPTED
    assert await ann.uids() == before


async def test_r09_killed_before_everything_that_it_writes_and_while_its_proxy_takes_it_up(
    make_hub: Callable[..., Awaitable[KubeHub]], namespace: TestNamespace, nodes: FakeNodes
) -> None:
    hub = await make_hub(document_at(await nodes.add(1, NodeKind())), config=CONFIG)
    async with hub.client() as client:
        ann = Ann(hub=hub, client=client, namespace=namespace)
        await client.add_users("ann")
        found = await killed_before_every_write(ann)
        ends = {action: [point for point, _ in groupby(points)] for action, points in found.items()}
        assert ends == WHAT_IT_WRITES
        if await ann.server("ann") is not None:
            await ann.stop()

        await killed_while_it_waits_for_its_proxy(ann)
        await ann.stop()
        assert await ann.is_right() == REMOVED
