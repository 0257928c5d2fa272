"""`g.kube.*`: what a start on Kubernetes costs through Sandlot, beside KubeSpawner as published.

Two people of one hub start and stop their servers in turn, on one API server, in one namespace
and with the same choices. What either spawner does in a start is timed step by step, as in
`bench.hooks`; what is asked of the cluster is read from its audit log. The answers of the sockets
are parsed outside of these steps, for both alike.
"""

from __future__ import annotations

import asyncio
import os
import statistics
from dataclasses import dataclass, field
from importlib.metadata import version
from time import thread_time
from typing import TYPE_CHECKING, Any

from kubespawner import KubeSpawner

from bench.harness import Bar, Measure, Meter, Mutation, Size, busy, held_time, interval, progress
from bench.kube_place import inside, own_cluster, placed
from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.offers.profile_list import build_profile_list
from sandlot_hub.domain.offers.profiles import visible
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.domain.values.entitlements import Entitlements
from sandlot_hub.spawner.kube import SandlotKubeSpawner
from support.cluster.audit import uses
from support.cluster.waiting import until
from support.kube_spawner import SMALL, cluster_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.kube_place import Place

PAIRS = {Size.SMOKE: 24, Size.FULL: 60}
HELD_EVERY = 6
"""Pairs, of which one is followed by a pair whose steps are timed by the other clock."""
MANIFESTS = 50
CPU_SECONDS = 0.002
EXTRA_CALLS = 1
LOOP_SECONDS = 0.020
LISTS = {"list pods", "list events"}
SHARED = {*LISTS, "watch pods", "watch events"}
CREATED = 201
GONE = 204
PEER_VERSION = f"jupyterhub-kubespawner {version('jupyterhub-kubespawner')}"


class Measured:
    """Stands before a spawner: a clock around what the hub calls; nothing of it is changed."""

    mutation: Mutation = Mutation.NONE
    meter: Meter

    def __init__(self, **kwargs: Any) -> None:
        self.meter = Meter()
        super().__init__(**kwargs)

    async def _run_apply_user_options(self, user_options: Any) -> None:
        parent: Any = super()
        await self.meter.measure(parent._run_apply_user_options(user_options))
        await self.meter.measure(self._mutate())

    async def start(self) -> Any:
        return await self.meter.measure(self._whole_start())

    async def _whole_start(self) -> Any:
        # KubeSpawner makes a task when it is called, which the meter shall see.
        parent: Any = super()
        return await parent.start()

    async def _mutate(self) -> None:
        if self.mutation is Mutation.SLEEP:
            busy(0.05)


class Ours(Measured, SandlotKubeSpawner):
    """Our spawner."""

    async def _mutate(self) -> None:
        await super()._mutate()
        if self.mutation is Mutation.EXTRA_CALL:
            for _ in range(EXTRA_CALLS + 1):
                await self.objects.read_pod(self.pod_name)


class Peer(Measured, KubeSpawner):
    """KubeSpawner as published."""

    spawn_id = ""
    """What looks after servers that nobody knows asks all of a hub for theirs."""


SIDES: dict[str, type[Measured]] = {"ann": Ours, "bob": Peer}
"""Who starts by what."""


@dataclass
class Figures:
    """What was measured of one side."""

    cpu: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    manifest: list[float] = field(default_factory=list)


async def _start(place: Place, user: str, clock: Any, *, first: bool = False) -> tuple[Meter, int]:
    """Start a server; return its meter, and the requests until there was a pod, that included.

    The watches that all servers share are renewed every ten seconds, whoever happens to start
    then: only the lists of the first start of a hub count, for which it waits.
    """
    log, account = place.plane.audit_log, place.namespace.hub_user
    before = len(uses(log, account))
    spawner = place.spawner(user, SIDES[user])
    spawner.meter = meter = Meter(clock)
    rest = place.hub.rest(user)
    reply = await rest("POST", f"users/{user}/server", json={"user_options": SMALL})
    assert reply.status == CREATED, reply.text

    def asked() -> list[str]:
        made = [f"{use.verb} {use.resource}" for use in uses(log, account)[before:]]
        ours = [each for each in made if each not in SHARED]
        return [*(LISTS & set(made)), *ours] if first else ours

    await until(lambda: "create pods" in asked(), what="the log has the pod")
    return meter, asked().index("create pods") + 1


async def _stop(place: Place, user: str) -> None:
    reply = await place.hub.rest(user)("DELETE", f"users/{user}/server")
    assert reply.status == GONE, reply.text


async def _manifest(place: Place, user: str) -> float:
    """Return the thread CPU of a manifest of the server that runs."""
    spawner = place.spawner(user, SIDES[user])
    began = thread_time()
    for _ in range(MANIFESTS):
        await spawner.get_pod_manifest()
    return (thread_time() - began) / MANIFESTS


async def _pair(place: Place, figures: dict[str, Figures], number: int) -> None:
    for user in sorted(SIDES, reverse=bool(number % 2)):
        meter, calls = await _start(place, user, thread_time)
        figures[user].cpu.append(meter.seconds)
        figures[user].calls.append(calls)
        figures[user].manifest.append(await _manifest(place, user))
        await _stop(place, user)
        if number % HELD_EVERY == 0:
            meter, _ = await _start(place, user, held_time)
            figures[user].held.append(meter.longest)
            await _stop(place, user)


async def _measure(pairs: int, mutation: Mutation, plane: Any) -> dict[str, Figures]:
    document = cluster_document()
    settings = SandlotSettings.model_validate(document)
    shown = visible(Entitlements(user="bob"), settings, Facilities(mode=Mode.KUBERNETES))
    config = {"Peer": {"profile_list": build_profile_list(shown, None)}}
    Ours.mutation = mutation
    figures = {user: Figures() for user in SIDES}
    async with placed(plane, document, config=config) as place:
        Meter.count_tasks(asyncio.get_running_loop())
        for user in SIDES:
            place.hub.add_user(user)
            # The first start of a hub begins the watches, which all later ones share.
            await KubeSpawner._stop_all_reflectors()
            _, calls = await _start(place, user, thread_time, first=True)
            figures[user].calls.append(calls)
            await _stop(place, user)
        for number in range(pairs):
            await _pair(place, figures, number)
            told = ", ".join(
                f"{user} {each.cpu[-1] * 1e3:.2f} ms, {each.calls[-1]} calls, "
                f"held {each.held[-1] * 1e3:.2f} ms"
                for user, each in figures.items()
            )
            progress(f"g.kube: pair {number + 1} of {pairs}: {told}")
    return figures


def run(size: Size, mutation: Mutation) -> Iterator[Measure]:
    """Start servers of both spawners in turn, and report what ours adds."""
    with own_cluster() as plane, inside(plane):
        figures = asyncio.run(_measure(PAIRS[size], mutation, plane))
    ours, peer = figures["ann"], figures["bob"]
    yield _cpu(ours, peer, size)
    yield _calls(ours, peer)
    yield _loop(ours, peer, size)
    yield _manifests(ours, peer)


def _cpu(ours: Figures, peer: Figures, size: Size) -> Measure:
    bar = Bar.at(CPU_SECONDS, size)
    added = interval([mine - theirs for mine, theirs in zip(ours.cpu, peer.cpu, strict=True)])
    return Measure(
        id="g.kube.cpu",
        what="thread CPU of a start, options to pod that runs; the interval is of what ours adds",
        ours=statistics.median(ours.cpu),
        peer=statistics.median(peer.cpu),
        peer_version=PEER_VERSION,
        ratio=statistics.median(ours.cpu) / statistics.median(peer.cpu),
        target=f"<= {bar.value * 1000:g} ms more{bar.note}",
        ok=added.high <= bar.value,
        pairs=len(ours.cpu),
        interval=(added.low, added.high),
        load=os.getloadavg()[0],
    )


def _calls(ours: Figures, peer: Figures) -> Measure:
    # Pairs, the first of which are the first starts of a hub.
    extra = max(mine - theirs for mine, theirs in zip(ours.calls, peer.calls, strict=True))
    return Measure(
        id="g.kube.calls",
        what="requests to the cluster until there is a pod, the most in a start",
        ours=max(ours.calls),
        peer=max(peer.calls),
        peer_version=PEER_VERSION,
        ratio=None,
        target=f"<= {EXTRA_CALLS} more",
        ok=extra <= EXTRA_CALLS,
        unit="requests",
        pairs=len(ours.calls),
        load=os.getloadavg()[0],
    )


def _loop(ours: Figures, peer: Figures, size: Size) -> Measure:
    bar = Bar.at(LOOP_SECONDS, size)
    return Measure(
        id="g.kube.loop",
        what="the longest that a start held the event loop, of all starts",
        ours=max(ours.held),
        peer=max(peer.held),
        peer_version=PEER_VERSION,
        ratio=None,
        target=f"<= {bar.value * 1000:g} ms{bar.note}",
        ok=max(ours.held) <= bar.value,
        pairs=len(ours.held),
        load=os.getloadavg()[0],
    )


def _manifests(ours: Figures, peer: Figures) -> Measure:
    return Measure(
        id="g.kube.manifest",
        what="thread CPU of making and checking a pod's manifest, a part of g.kube.cpu",
        ours=statistics.median(ours.manifest),
        peer=statistics.median(peer.manifest),
        peer_version=PEER_VERSION,
        ratio=statistics.median(ours.manifest) / statistics.median(peer.manifest),
        target="for reading",
        ok=None,
        pairs=len(ours.manifest),
        load=os.getloadavg()[0],
    )
