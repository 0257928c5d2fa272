"""`g.kube.reason.*`: from when the cluster knows why a server cannot start until a person reads it.

A watch beside the hub's sees the cluster's objects when they change; the hub's own progress stream
says what the page of the start shows. KubeSpawner as published shows the cluster's events as they
are, and gives up at its timeout: its figure is when the page says that the start has failed. It is
given a short one, and told so in each line.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time
from typing import TYPE_CHECKING, Any

from kubernetes_asyncio.watch import Watch
from kubespawner import KubeSpawner

from bench.harness import Measure, Mutation, Size, interval, progress
from bench.kube_place import SILENT, inside, own_cluster, placed
from bench.kube_start import PEER_VERSION
from sandlot_hub.spawner.kube import SandlotKubeSpawner
from support.cluster.fates import Fate, fate_annotations
from support.cluster.objects import GPU, quota
from support.kube_spawner import L4, SMALL, cluster_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bench.kube_place import Place
    from support.cluster.control_plane import ControlPlane

STARTS = {Size.SMOKE: 2, Size.FULL: 20}
PEER_STARTS = {Size.SMOKE: 1, Size.FULL: 3}
AT_ONCE = 4
PEER_TIMEOUT_S = 6
NEVER_S = 30.0
"""After which a page counts as one that never says it."""
TARGET_S = 2.0
LATE_S = 3.0
"""How much later a mutation lets people read."""
ACCEPTED = 202

RATIONED = "nvidia.com/mig-1g.10gb"
"""Of which nobody may have any; nodes have none of the other kind either."""

Known = Callable[["dict[str, Any]"], bool]


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why a server cannot start."""

    name: str
    known: Known | None
    """Whether a pod says it; None when there is no pod: then the refused order does."""
    words: str
    """Some of what people read."""
    options: Mapping[str, str]
    asks: str = ""
    """Resource that goes with the options."""
    fate: Fate | None = None
    answers: bool = True


def _waits_for(*reasons: str) -> Known:
    def known(pod: dict[str, Any]) -> bool:
        states = [each["state"] for each in pod["status"].get("containerStatuses", ())]
        return any(state.get("waiting", {}).get("reason") in reasons for state in states)

    return known


def _unplaced(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", ())
    return any(each.get("reason") == "Unschedulable" for each in conditions)


CAUSES = (
    Cause(
        name="image-missing",
        known=_waits_for("ErrImagePull", "ImagePullBackOff"),
        words="does not exist",
        options=SMALL,
        fate=Fate.IMAGE,
    ),
    Cause(name="unschedulable", known=_unplaced, words="of the cluster", options=L4, asks=GPU),
    Cause(
        name="quota",
        known=None,
        words="1 asked for, 0 of 0 in use",
        options={**SMALL, "size": "rationed"},
        asks=RATIONED,
    ),
    Cause(
        name="crash-loop",
        known=_waits_for("CrashLoopBackOff"),
        words="It is started again.",
        options=SMALL,
        fate=Fate.CRASH,
        answers=False,
    ),
)


class Ours(SandlotKubeSpawner):
    """Our spawner."""

    mutation = Mutation.NONE

    async def progress(self) -> Any:
        async for event in super().progress():
            if self.mutation is Mutation.SLOW_START and "progress" in event:
                await asyncio.sleep(LATE_S)
            yield event


class Peer(KubeSpawner):
    """KubeSpawner as published."""

    spawn_id = ""
    """What looks after servers that nobody knows asks all of a hub for theirs."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """One start that will fail."""

    cause: Cause
    ours: bool
    number: int

    @property
    def kind(self) -> str:
        """The cause, and the side."""
        return f"{'ours' if self.ours else 'peer'}-{self.cause.name}"

    @property
    def user(self) -> str:
        """Who starts."""
        return f"{'person' if self.cause.answers else SILENT}-{self.kind}-{self.number}"

    def tells(self, event: Mapping[str, Any]) -> bool:
        """Return whether an event of the progress stream tells the reason, or only the failure."""
        said = self.cause.words in event.get("message", "")
        return said if self.ours else bool(event.get("failed"))


class Knowledge:
    """When the cluster first knew, by user, in seconds since the epoch."""

    def __init__(self, place: Place, starts: tuple[Start, ...]) -> None:
        self._place = place
        self._causes = {start.user: start.cause for start in starts}
        self._since: dict[str, float] = {}

    async def watch(self) -> None:
        """Look on for ever."""
        namespace = self._place.namespace
        async with Watch() as watch:
            async for event in watch.stream(namespace.core.list_namespaced_pod, namespace.name):
                pod = event["raw_object"]
                user = pod["metadata"]["annotations"].get("hub.jupyter.org/username", "")
                cause = self._causes.get(user)
                if cause is not None and cause.known is not None and cause.known(pod):
                    self._since.setdefault(user, time())

    def since(self, start: Start) -> float:
        """Return when it was known."""
        if start.cause.known is not None:
            return self._since[start.user]
        return _refused_at(self._place.plane.audit_log, start.user)


def _refused_at(log: Path, user: str) -> float:
    """Return when the order for somebody's pod was refused."""
    with log.open() as lines:
        for line in lines:
            if not line.endswith("\n"):
                continue
            event = json.loads(line)
            made = event["verb"] == "create" and event.get("objectRef", {}).get("name", "")
            if made and event["responseStatus"].get("code") == 403 and user in made:
                stamp = datetime.fromisoformat(event["stageTimestamp"]).astimezone(UTC)
                return stamp.timestamp()
    message = f"no order for a server of {user} was refused"
    raise AssertionError(message)


async def _shown(place: Place, start: Start) -> float:
    """Start a server; return when a person reads why it cannot start."""
    rest = place.hub.rest(start.user)
    body = {"user_options": dict(start.cause.options)} if start.ours else {}
    reply = await rest("POST", f"users/{start.user}/server", json=body)
    assert reply.status == ACCEPTED, reply.text
    told = []
    try:
        async with asyncio.timeout(NEVER_S):
            async for event in rest.events(f"users/{start.user}/server/progress"):
                if start.tells(event):
                    return time()
                told.append(event.get("message"))
    except TimeoutError:
        # Of KubeSpawner's failures some never reach an open page.
        if not start.ours:
            return time()
        raise
    message = f"{start.user} was never told why: {told}"
    raise AssertionError(message)


def _document() -> dict[str, Any]:
    document = cluster_document(patience={"container": "5 s", "never_fits": "5 s", "busy": "5 s"})
    flavor = {"display_name": "Rationed GPU", "resource": RATIONED}
    size = {"cpus": 1, "memory": "1 GiB", "accelerator": {"flavor": "rationed"}}
    document["accelerators"]["rationed"] = flavor
    document["sizes"]["rationed"] = {"display_name": "One rationed GPU", **size}
    document["profiles"]["work"]["sizes"].append("rationed")
    return document


def _starts(size: Size) -> tuple[Start, ...]:
    """Return all starts; those of a cause and a side follow each other."""
    counts = {True: STARTS[size], False: PEER_STARTS[size]}
    return tuple(
        Start(cause=cause, ours=ours, number=number)
        for ours, count in counts.items()
        for number in range(count)
        for cause in CAUSES
    )


def _config(starts: tuple[Start, ...]) -> dict[str, dict[str, Any]]:
    known = {start.user: start for start in starts}

    def fated(spawner: Any, pod: Any) -> Any:
        start = known[spawner.user.name]
        if start.cause.fate is not None:
            pod.metadata.annotations.update(fate_annotations(start.cause.fate))
        if start.cause.asks and not start.ours:
            pod.spec.containers[0].resources.limits = {start.cause.asks: "1"}
        return pod

    return {
        "JupyterHub": {
            # An order is answered at once: its progress is what people see.
            "tornado_settings": {"slow_spawn_timeout": 0},
            "spawner_class": Ours,
            # KubeSpawner's failures come with their stacks and whole pods.
            "log_level": "CRITICAL",
        },
        "Spawner": {"consecutive_failure_limit": 0},
        "KubeSpawner": {"modify_pod_hook": fated},
        "Peer": {"start_timeout": PEER_TIMEOUT_S, "http_timeout": PEER_TIMEOUT_S},
    }


async def _measure(size: Size, mutation: Mutation, plane: ControlPlane) -> dict[str, list[float]]:
    starts = _starts(size)
    Ours.mutation = mutation
    seconds: dict[str, list[float]] = {}
    async with placed(plane, _document(), config=_config(starts)) as place:
        hard = quota("rationed", {f"requests.{RATIONED}": "0"})
        await place.namespace.core.create_namespaced_resource_quota(place.namespace.name, hard)
        for start in starts:
            place.hub.add_user(start.user)
        knowledge = Knowledge(place, starts)
        watching = asyncio.create_task(knowledge.watch())
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(start: Start) -> None:
            async with turns:
                place.spawner(start.user, Ours if start.ours else Peer)
                shown = await _shown(place, start)
                took = shown - knowledge.since(start)
                seconds.setdefault(start.kind, []).append(took)
                progress(f"g.kube.reason: {start.user} after {took:.2f} s")

        try:
            async with asyncio.TaskGroup() as group:
                for start in starts:
                    group.create_task(one(start))
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    return seconds


def run(size: Size, mutation: Mutation) -> Iterator[Measure]:
    """Start servers that cannot work, and report when people read why."""
    with own_cluster() as plane, inside(plane):
        seconds = asyncio.run(_measure(size, mutation, plane))
    for cause in CAUSES:
        ours, peer = seconds[f"ours-{cause.name}"], seconds[f"peer-{cause.name}"]
        found = interval(ours)
        yield Measure(
            id=f"g.kube.reason.{cause.name}",
            what=f"from when the cluster knows it until a person reads why; KubeSpawner: that it failed, at a timeout of {PEER_TIMEOUT_S} s",
            ours=found.median,
            peer=statistics.median(peer),
            peer_version=PEER_VERSION,
            ratio=None,
            target=f"<= {TARGET_S:g} s",
            ok=found.high <= TARGET_S if size is Size.FULL else None,
            pairs=len(ours),
            interval=(found.low, found.high),
            load=os.getloadavg()[0],
        )
