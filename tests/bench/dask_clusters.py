"""`e.*`: a Dask cluster by one click, beside the plain client of dask-gateway on the same gateway.

One stack, one person, one server. Ours is what a click on *New cluster* sends, and the pushes that
the panel hears; the peer is `Gateway().new_cluster()` in a notebook of the same server.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from bench.dask_troubles import SCHEMA, trouble
from bench.harness import Bar, Measure, Meter, Mutation, Size, held_time, interval, progress
from sandlot_server.clients.clusters import ClustersClient
from sandlot_server.clients.service import ServiceClient, new_http
from sandlot_server.clock import SystemClock
from sandlot_server.clusters.view import build_page
from sandlot_server.clusters.watch import ClusterWatch
from support.dask_user import DaskUser, said
from support.hub_user import HubUser
from support.stack import Launch, open_folder, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    import websocket

    from support.hub_user import Channel
    from support.stack import Stack

PAIRS = {Size.SMOKE: 2, Size.FULL: 20}
LISTS = {Size.SMOKE: 100, Size.FULL: 1000}
TASKS = {Size.SMOKE: 200, Size.FULL: 2000}
ADDED_S = 0.150
LAG_S = 1.0
LIST_S = 0.005
BLOCKED_S = 0.020
API = "sandlot/api/v1/"
SETTINGS = """\
version: 1
images:
  base: {display_name: JupyterLab, local: base}
sizes:
  small: {display_name: Small, cpus: 1, memory: 2 GiB}
profiles:
  everyday: {display_name: Everyday work, images: [base], sizes: [small]}
dask: {enabled: true}
"""
WARM = "import json, time; from dask_gateway import Gateway; import distributed"
NEW = """\
began = time.perf_counter()
cluster = Gateway().new_cluster()
runs = time.perf_counter() - began
cluster.scale(1)
client = cluster.get_client()
assert client.submit(sum, [1, 2]).result() == 3
print(json.dumps([runs, time.perf_counter() - began]))
client.close()
cluster.shutdown()
"""
CONNECT = """\
cluster = Gateway().connect("{name}")
client = cluster.get_client()
assert client.submit(sum, [1, 2]).result() == 3
print(json.dumps(0))
"""
DISCONNECT = "client.close(); cluster.close()"
RATE = """\
def rate(client):
    client.gather(client.map(abs, range(20), pure=False))
    began = time.perf_counter()
    client.gather(client.map(abs, range({tasks}), pure=False))
    return {tasks} / (time.perf_counter() - began)
cluster = Gateway().new_cluster()
cluster.scale(1)
client = cluster.get_client()
client.wait_for_workers(1)
local = distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)
here = distributed.Client(local, set_as_default=False)
print(json.dumps([[rate(client), rate(here)] for _ in range(3)]))
here.close()
local.close()
client.close()
cluster.shutdown()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds since a click, or since the call of the plain client."""

    runs: float
    result: float
    lag: float = 0.0
    """Between what the gateway says and what the panel shows."""


class Panel:
    """The panel's part of a page: one login, one event socket.

    Parameters
    ----------
    user
        Whose it is.
    channel
        Of a notebook of the same server.
    mutation
        What is slower than it should be.
    """

    def __init__(self, user: DaskUser, channel: Channel, mutation: Mutation) -> None:
        self.user = user
        self._channel = channel
        self._mutation = mutation
        person = user.person
        self._session, self._root = person.session, urljoin(person.url, f"user/{person.name}/")
        person.lab("lab")
        path = urlsplit(self._root).path
        xsrf = [c for c in self._session.cookies if c.name == "_xsrf" and c.path == path]
        self._headers = {"X-XSRFToken": xsrf[0].value or ""}

    def click(self) -> Times:
        """Press the button, wait until the card says so, and compute something."""
        with self.pushes() as pushes, self._gateway_sees() as seen:
            began = time.perf_counter()
            if self._mutation is Mutation.SLOW_START:
                time.sleep(1)
            name = self._ask("POST", json={"workers": 1})["name"]
            shown = self._until_it_runs(pushes)
            runs = shown - began
        assert said(self._channel.run(CONNECT.format(name=name))) == 0
        result = time.perf_counter() - began
        self._channel.run(DISCONNECT)
        self.user.stop_all()
        return Times(runs=runs, result=result, lag=max(0.0, shown - seen[0]))

    def plain(self) -> Times:
        """Do the same with the plain client."""
        runs, result = said(self._channel.run(NEW))
        self.user.stop_all()
        return Times(runs=runs, result=result)

    @contextmanager
    def pushes(self) -> Iterator[websocket.WebSocket]:
        """Hear what the server pushes; a page that listens asks for the list once, too."""
        path = f"user/{self.user.name}/api/events/subscribe"
        with self.user.person.socket(path) as pushes:
            self._clusters()
            yield pushes

    def runs(self) -> bool:
        """Return whether a card says that its cluster runs."""
        return any(each["status"] == "RUNNING" for each in self._clusters())

    @contextmanager
    def _gateway_sees(self) -> Iterator[list[float]]:
        """Note when the gateway itself says that a cluster runs."""
        seen: list[float] = []

        def look() -> None:
            self.user.wait(lambda found: any(c.status == "RUNNING" for c in found.clusters))
            seen.append(time.perf_counter())

        looking = threading.Thread(target=look)
        looking.start()
        yield seen
        looking.join()

    def _until_it_runs(self, pushes: websocket.WebSocket) -> float:
        while True:
            if self.runs():
                return time.perf_counter()
            while json.loads(pushes.recv())["schema_id"] != SCHEMA:
                continue

    def _clusters(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask("GET")["clusters"]
        return found

    def _ask(self, method: str, **options: Any) -> dict[str, Any]:
        url = f"{self._root}{API}clusters"
        reply = self._session.request(method, url, headers=self._headers, timeout=60, **options)
        assert reply.ok, reply.text
        answer: dict[str, Any] = reply.json()
        return answer


def _pairs(panel: Panel, pairs: int) -> tuple[list[Times], list[Times]]:
    ours: list[Times] = []
    plain: list[Times] = []
    for number in range(pairs):
        for side in (panel.click, panel.plain) if number % 2 else (panel.plain, panel.click):
            (ours if side == panel.click else plain).append(side())
        a, b = ours[-1], plain[-1]
        progress(
            f"e: pair {number + 1} of {pairs}: runs {a.runs:.2f} s, plain {b.runs:.2f} s; "
            f"result {a.result:.2f} s, plain {b.result:.2f} s; lag {a.lag * 1000:.0f} ms"
        )
    return ours, plain


def _added(id_: str, what: str, ours: list[float], plain: list[float], size: Size) -> Measure:
    added = interval([a - b for a, b in zip(ours, plain, strict=True)])
    # Two pairs of wall time decide nothing.
    ok = added.high <= ADDED_S if size is Size.FULL else None
    return Measure(
        id=id_,
        what=what,
        ours=statistics.median(ours),
        peer=statistics.median(plain),
        peer_version=_peer(),
        ratio=statistics.median(ours) / statistics.median(plain),
        target=f"<= {ADDED_S * 1000:g} ms more than the peer (median of paired differences)",
        ok=ok,
        pairs=len(ours),
        interval=(added.low, added.high),
        load=os.getloadavg()[0],
    )


async def _lists(stack: Stack, user: DaskUser, count: int, mutation: Mutation) -> list[Meter]:
    """Ask the real gateway for the list, as the server of the owner does; each time anew."""
    http = new_http()
    services = urljoin(stack.url, "services/dask-gateway/api/v1/")
    service = ServiceClient(
        name="clusters", url=services, token=user.token, timeout_s=10, http=http
    )
    client = ClustersClient(service=service)
    watch = ClusterWatch(
        ask=partial(client.list_clusters, wait_s=1.0, timeout_s=10.0),
        emit=lambda _: None,
        lease=1.0,
        clock=SystemClock(),
    )

    async def one() -> None:
        await watch.refresh()
        if mutation is Mutation.SLEEP:
            time.sleep(0.05)  # noqa: ASYNC251 (the fault)
        build_page(await watch.latest(), refusal=lambda _: None).model_dump_json()

    Meter.count_tasks(asyncio.get_running_loop())
    meters = []
    for _ in range(count):
        meter = Meter(held_time)
        await meter.measure(one())
        meters.append(meter)
    await watch.close()
    http.close()
    return meters


def _list_measures(meters: list[Meter], clusters: int, size: Size) -> Iterator[Measure]:
    spent, bar = interval([meter.seconds for meter in meters]), Bar.at(LIST_S, size)
    yield Measure(
        id="e.list",
        what=f"time in the event loop of the owner's server for a list of {clusters} clusters",
        ours=spent.median,
        peer=None,
        peer_version="",
        ratio=None,
        target=f"<= {bar.value * 1000:g} ms (median){bar.note}",
        ok=spent.high <= bar.value,
        interval=(spent.low, spent.high),
        pairs=len(meters),
        load=os.getloadavg()[0],
    )
    longest, bar = max(meter.longest for meter in meters), Bar.at(BLOCKED_S, size)
    yield Measure(
        id="e.loop",
        what="the longest that one list held the event loop",
        ours=longest,
        peer=None,
        peer_version="",
        ratio=None,
        target=f"<= {bar.value * 1000:g} ms{bar.note}",
        ok=longest <= bar.value,
        pairs=len(meters),
        load=os.getloadavg()[0],
    )


def _rate(channel: Channel, tasks: int) -> Measure:
    rates = said(channel.run(RATE.replace("{tasks}", str(tasks))))
    ratios = interval([ours / local for ours, local in rates])
    return Measure(
        id="e.tasks",
        what=f"trivial tasks a second, {tasks} on one worker; peer: LocalCluster in the notebook",
        ours=statistics.median(each[0] for each in rates),
        peer=statistics.median(each[1] for each in rates),
        peer_version=f"distributed {version('distributed')}",
        ratio=ratios.median,
        target="for reading",
        ok=None,
        unit="1/s",
        pairs=len(rates),
        interval=(ratios.low, ratios.high),
        load=os.getloadavg()[0],
    )


def _peer() -> str:
    return f"dask-gateway {version('dask-gateway-server')}"


def _lag(ours: list[Times], size: Size) -> Measure:
    lags = [each.lag for each in ours]
    return Measure(
        id="e.lag",
        what="from when the gateway says that a cluster runs until the panel has it, the longest",
        ours=max(lags),
        peer=None,
        peer_version="",
        ratio=None,
        target=f"<= {LAG_S:g} s",
        ok=max(lags) <= LAG_S if size is Size.FULL else None,
        pairs=len(lags),
        load=os.getloadavg()[0],
    )


def run(size: Size, mutation: Mutation) -> Iterator[Measure]:
    """Start clusters by click and by the plain client, in turn."""
    with open_folder() as folder:
        settings = folder / "settings.yaml"
        settings.write_text(SETTINGS)
        settings.chmod(0o644)
        launch = Launch(config=None, settings=settings)
        with running(launch, data_dir=folder / "data") as stack:
            stack.wait_image("base")
            yield from _measured(stack, size, mutation)


def _measured(stack: Stack, size: Size, mutation: Mutation) -> Iterator[Measure]:
    person = HubUser(stack.url, "ann")
    person.log_in(stack.add_user("ann"))
    person.start()
    user = DaskUser(person)
    with user.notebook() as channel:
        channel.run(WARM)
        panel = Panel(user, channel, mutation)
        panel.plain()  # both are warm before the first pair counts
        ours, plain = _pairs(panel, PAIRS[size])
        yield _added(
            "e.runs",
            "a click until the card says that the cluster runs",
            [each.runs for each in ours],
            [each.runs for each in plain],
            size,
        )
        yield _added(
            "e.result",
            "a click until the first result",
            [each.result for each in ours],
            [each.result for each in plain],
            size,
        )
        yield _lag(ours, size)
        for _ in range(3):
            user.create()
        user.wait(lambda found: all(each.status == "RUNNING" for each in found.clusters))
        clusters = len(user.overview().clusters)
        meters = asyncio.run(_lists(stack, user, LISTS[size], mutation))
        yield from _list_measures(meters, clusters, size)
        user.stop_all()
        yield trouble(stack, panel, size, mutation)
        yield _rate(channel, TASKS[size])
