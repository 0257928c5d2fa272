"""A hub process on the test cluster with many servers, which is killed and started again.

The same for both spawners: ours installed as an administrator does, or KubeSpawner as published.
Servers beyond the first hundred are not started one by one: one that was really started is copied,
its pod at the API server and its rows in the hub's database while no hub runs.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import uuid
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from jupyterhub import orm
from typing_extensions import override

from sandlot_hub.domain.pods.names import HUB, SPAWN_ID
from support.cluster import faults
from support.cluster.fates import Fate, fate_annotations
from support.cluster.hub import ADMIN, TESTER, KubeHub
from support.cluster.waiting import until
from support.kube_spawner import SMALL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from support.cluster.exchange import Exchange
    from support.cluster.fault_proxy import FaultProxy
    from support.cluster.hub_client import HubClient
    from support.cluster.namespaces import TestNamespace

RUNNING = "runs"
LATE = "late"
HELD = "held"
"""Beginnings of the names of those whose servers run, start, or start while their order is held."""
LEFT = "nobody"
START_S = 300.0
"""How long a hub with all its servers may take to start, in seconds."""
GIVEN_UP_S = 180.0
AT_ONCE = 10
PAGE = 200
OWNER = "hub.jupyter.org/username"

_SLOW = """\
def slow(spawner, pod):
    if not spawner.user.name.startswith({running!r}):
        pod.metadata.annotations.update({fate!r})
    return pod

c.KubeSpawner.modify_pod_hook = slow
c.Spawner.consecutive_failure_limit = 0
c.JupyterHub.concurrent_spawn_limit = 0
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 0}}
"""
_PLAIN = """\
import json
from pathlib import Path

c = get_config()
for section, values in json.loads(Path(__file__).with_name("hub.json").read_text()).items():
    c[section].update(values)
c.Authenticator.admin_users = {{{admin!r}}}
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"

{extra}
"""


def slow_starts(seconds: float) -> str:
    """Return configuration by which all starts take so long, but those of `RUNNING`."""
    fate = fate_annotations(Fate.SLOW, after=f"{seconds:g}s")
    return _SLOW.format(running=RUNNING, fate=fate)


class PlainKubeHub(KubeHub):
    """The same process without Sandlot: KubeSpawner as published."""

    @override
    def _write_files(self) -> None:
        super()._write_files()
        text = _PLAIN.format(admin=ADMIN, extra=self.spec.extra)
        (self.folder / "jupyterhub_config.py").write_text(text)

    @override
    def _config(self) -> dict[str, dict[str, Any]]:
        config = super()._config()
        # Scopes of ours are unknown to it.
        scopes = ["admin:users", "admin:servers", "access:servers"]
        role = {"name": TESTER, "services": [TESTER], "scopes": scopes}
        config["JupyterHub"]["load_roles"] = [role]
        return config


@dataclass(frozen=True)
class LateOrder:
    """A request that arrives although who sent it is gone by then."""

    _released: concurrent.futures.Future[None] = field(default_factory=concurrent.futures.Future)

    def release(self) -> None:
        """Let it arrive."""
        self._released.set_result(None)

    async def act(self, exchange: Exchange) -> None:
        """Wait, then pass it on."""
        await asyncio.wrap_future(self._released)
        await exchange.relay(await exchange.forward())


@dataclass(frozen=True, kw_only=True)
class State:
    """What hub and cluster have at one moment."""

    orphans: tuple[str, ...]
    """Owners of pods that no server of the hub has."""
    doubles: tuple[str, ...]
    """Owners of more than one pod."""
    lost: tuple[str, ...]
    """Those whose server ran, and which the hub does not have as ready."""

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.orphans or self.doubles or self.lost)


class Crowd:
    """The people of one hub.

    Parameters
    ----------
    hub
        Which runs.
    namespace
        Where its servers are.
    proxy
        Between it and the API server.
    """

    def __init__(self, *, hub: KubeHub, namespace: TestNamespace, proxy: FaultProxy) -> None:
        self._hub = hub
        self._namespace = namespace
        self._proxy = proxy
        self._order = LateOrder()
        self._running: list[str] = []
        self._late: list[str] = []
        self._held: list[str] = []

    @property
    def running(self) -> tuple[str, ...]:
        """Whose servers run."""
        return tuple(self._running)

    async def start_running(self, count: int) -> None:
        """Start servers, all of them really."""
        names = [f"{RUNNING}{number:04}" for number in range(count)]
        turns = asyncio.Semaphore(AT_ONCE)
        async with self._hub.client() as client:
            await client.add_users(*names)

            async def one(name: str) -> None:
                async with turns:
                    await client.started(name, self._options)

            await asyncio.gather(*(one(name) for name in names))
        self._running += names

    async def copy_running(self, count: int) -> None:
        """Add copies of the first one that runs; the hub is killed for it and runs again after."""
        original = self._running[0]
        names = [f"{RUNNING}{len(self._running) + number:04}" for number in range(count)]
        async with self._hub.client() as client:
            for first in range(0, count, PAGE):
                await client.add_users(*names[first : first + PAGE])
        self._hub.kill()
        pod = _bare(await self._pod_of(original))
        spawn_ids = {name: uuid.uuid4().hex for name in names}
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> None:
            async with turns:
                await self._namespace.create_pod(_renamed(pod, original, name, spawn_ids[name]))

        await asyncio.gather(*(one(name) for name in names))
        addresses = await self._addresses(names)
        await asyncio.to_thread(self._copy_rows, original, spawn_ids, addresses)
        self._running += names
        await asyncio.to_thread(self._hub.start, within_s=START_S)

        async def has_all() -> bool:
            return not (await self.look()).lost

        async def reaches_all() -> bool:
            return not await self.unreachable(len(self._running))

        await until(has_all, what="the hub has all servers", timeout_s=START_S)
        # A hub that finds a thousand servers tells its proxy of one after the other.
        await until(reaches_all, what="the proxy has all servers", timeout_s=START_S)

    async def begin(self, *, late: int, held: int) -> None:
        """Have servers start; the orders of some are held back until `let_go`."""
        self._late = [f"{LATE}{number:04}" for number in range(late)]
        self._held = [f"{HELD}{number:04}" for number in range(held)]
        self._proxy.inject(self._order, faults.CREATE_POD, times=held)
        async with self._hub.client() as client:
            await client.add_users(*self._held, *self._late)
            await self._ask_for(client, self._held)
            # Else the order of somebody else could be the one that is held.
            await until(
                lambda: self._proxy.under_way(faults.CREATE_POD) == held, what="orders are held"
            )
            await self._ask_for(client, self._late)

    async def _ask_for(self, client: HubClient, names: Sequence[str]) -> None:
        for name in names:
            reply = await client.start(name, self._options)
            assert reply.status == 202, reply.text

    async def start_again(self) -> None:
        """Have those start again whose servers the hub does not have; the held ones have left."""
        async with self._hub.client() as client:
            known = await _servers(client)
            for name in self._late:
                if name not in known:
                    await client.start(name, self._options)

    async def let_go(self) -> None:
        """Let the orders that are held arrive, once the hub that runs has given those servers up."""
        async with self._hub.client() as client:
            await until(
                partial(_none_of, client, self._held), what="given up", timeout_s=GIVEN_UP_S
            )
        self._order.release()
        await until(
            lambda: not self._proxy.under_way(faults.CREATE_POD), what="the orders have arrived"
        )

    async def leave_one(self) -> None:
        """Leave a pod behind that the hub cannot know for its own."""
        original = self._running[0]
        pod = _renamed(_bare(await self._pod_of(original)), original, LEFT, uuid.uuid4().hex)
        pod["metadata"]["labels"].pop(HUB, None)
        await self._namespace.create_pod(pod)

    async def look(self) -> State:
        """Compare what the hub has with what is in the cluster."""
        owners = Counter(await self.owners())
        async with self._hub.client() as client:
            known = await _servers(client)
        return State(
            orphans=tuple(owners.keys() - known.keys()),
            doubles=tuple(name for name, pods in owners.items() if pods > 1),
            lost=tuple(name for name in self._running if not known.get(name)),
        )

    async def unreachable(self, count: int) -> list[str]:
        """Return which of so many servers do not answer through the proxy."""
        chosen = self._running[:: max(1, len(self._running) // count)]
        async with self._hub.client() as client:
            answers = [(await client("GET", f"/user/{name}/api")).status for name in chosen]
        return [name for name, status in zip(chosen, answers, strict=True) if status != 200]

    async def owners(self) -> list[str]:
        """Return the owner of each pod that is not being removed."""
        found = await self._pods()
        return [
            pod["metadata"]["annotations"][OWNER]
            for pod in found
            if not pod["metadata"].get("deletionTimestamp")
        ]

    @property
    def _options(self) -> Mapping[str, str] | None:
        return None if isinstance(self._hub, PlainKubeHub) else SMALL

    async def _pods(self) -> list[dict[str, Any]]:
        # The client's models would take longer than the hub's start.
        listed: Any = await self._namespace.core.list_namespaced_pod(
            self._namespace.name, _preload_content=False
        )
        found: list[dict[str, Any]] = json.loads(await listed.read())["items"]
        return found

    async def _pod_of(self, name: str) -> dict[str, Any]:
        pods = await self._pods()
        return next(pod for pod in pods if pod["metadata"]["annotations"][OWNER] == name)

    async def _addresses(self, names: Sequence[str]) -> dict[str, str]:
        while True:
            found = {
                pod["metadata"]["annotations"][OWNER]: pod["status"]["podIP"]
                for pod in await self._pods()
                if pod["status"].get("podIP")
            }
            if found.keys() >= set(names):
                return found
            await asyncio.sleep(1)

    def _copy_rows(
        self, original: str, spawn_ids: Mapping[str, str], addresses: Mapping[str, str]
    ) -> None:
        session = orm.new_session_factory(f"sqlite:///{self._hub.folder}/hub.sqlite")()
        try:
            users = {user.name: user for user in session.query(orm.User)}
            source = users[original].orm_spawners[""]
            for name, spawn_id in spawn_ids.items():
                state = _renamed(source.state, original, name, spawn_id)
                server = orm.Server(
                    proto=source.server.proto,
                    ip=addresses[name],
                    port=source.server.port,
                    base_url=source.server.base_url.replace(original, name),
                    cookie_name=source.server.cookie_name,
                )
                copy = orm.Spawner(
                    name="",
                    user=users[name],
                    server=server,
                    state=state,
                    user_options=source.user_options,
                    started=source.started,
                    last_activity=source.last_activity,
                )
                session.add(copy)
            session.commit()
        finally:
            session.close()


async def _servers(client: HubClient) -> dict[str, bool]:
    """Return whose servers the hub has, and whether they are ready."""
    known: dict[str, bool] = {}
    while True:
        path = f"users?state=active&limit={PAGE}&offset={len(known)}"
        page = (await client("GET", path)).json
        known |= {user["name"]: bool(user["servers"][""]["ready"]) for user in page}
        if len(page) < PAGE:
            return known


async def _none_of(client: HubClient, names: Sequence[str]) -> bool:
    return not (await _servers(client)).keys() & set(names)


def _bare(pod: dict[str, Any]) -> dict[str, Any]:
    """Return a pod as it was ordered, without what the cluster has added."""
    kept = {key: pod["metadata"][key] for key in ("name", "labels", "annotations")}
    spec = {key: value for key, value in pod["spec"].items() if key != "nodeName"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": kept, "spec": spec}


def _renamed(document: Any, original: str, name: str, spawn_id: str) -> Any:
    """Return the same document of somebody else's start."""
    text = json.dumps(document).replace(original, name)
    labels = document.get("metadata", {}).get("labels", {})
    before = labels.get(SPAWN_ID) or document.get("sandlot", {}).get("spawn_id")
    return json.loads(text.replace(before, spawn_id) if before else text)
