"""`g.hooks` and `g.calls`: what a start costs the hub through Sandlot.

A real hub starts servers of a supervisor that stands at its protocol boundary; each of
our hooks is timed step by step in thread CPU, so that what other tasks do while a hook
waits is not charged to it. What JupyterHub's own base class costs in the same call is
measured too and reported beside.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
from importlib.metadata import version
from pathlib import Path
from time import thread_time
from typing import TYPE_CHECKING, Any

from jupyterhub.spawner import Spawner
from typing_extensions import override

from bench.harness import Bar, Measure, Meter, Mutation, Size, busy, interval, progress
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.spawner.local import SandlotLocalSpawner
from support.fake_supervisor import FakeSupervisor
from support.hub_app import running_hub
from support.local_catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTS = {Size.SMOKE: 20, Size.FULL: 200}
TARGET_SECONDS = 0.002
TARGET_EXTRA_CALLS = 1
CREATED = 201
GONE = 204
OPTIONS = {"profile": "everyday", "image": "base", "size": "small"}


class MeasuredSpawner(SandlotLocalSpawner):
    """Our spawner, with a clock around what the hub calls; nothing of it is changed."""

    base: float = 0.0
    mutation: Mutation = Mutation.NONE

    def __init__(self, **kwargs: Any) -> None:
        self.meter = Meter()
        super().__init__(**kwargs)

    @override
    async def _run_apply_user_options(self, user_options: Any) -> None:
        await self.meter.measure(super()._run_apply_user_options(user_options))
        if self.mutation is Mutation.SLEEP:
            await self.meter.measure(_busy())
        if self.mutation is Mutation.EXTRA_CALL:
            await self.machine.supervisor.account(self.user.name)

    @override
    async def start(self) -> Any:
        return await self.meter.measure(super().start())

    @override
    def get_env(self) -> dict[str, str]:
        began = thread_time()
        Spawner.get_env(self)
        self.base += thread_time() - began
        return super().get_env()


async def _busy() -> None:
    busy(0.05)


async def _measure(starts: int, mutation: Mutation) -> tuple[list[float], list[float], list[int]]:
    settings = SandlotSettings.model_validate(CATALOGUE)
    spent: list[float] = []
    base: list[float] = []
    calls: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "supervisor.sock"
        fake = FakeSupervisor(socket=socket)
        spawner_class = {"JupyterHub": {"spawner_class": MeasuredSpawner}}
        local = {"MeasuredSpawner": {"supervisor_socket": str(socket)}}
        MeasuredSpawner.mutation = mutation
        async with (
            fake.serve(),
            running_hub(settings, socket, config={**spawner_class, **local}) as hub,
        ):
            Meter.count_tasks(asyncio.get_running_loop())
            hub.add_user("ann")
            rest = hub.rest("ann")
            for number in range(starts):
                before = len(fake.requests)
                reply = await rest("POST", "users/ann/server", json={"user_options": OPTIONS})
                assert reply.status == CREATED, reply.text  # the server answers by then
                spawner: Any = hub.spawner("ann")
                requests = fake.requests[before:]
                calls.append(requests.index("PUT /v1/servers"))
                # `base` was spent a second time by the clock around the base class.
                spent.append(spawner.meter.seconds - spawner.base)
                base.append(spawner.base)
                spawner.meter, spawner.base = Meter(), 0.0
                assert (await rest("DELETE", "users/ann/server")).status == GONE
                if number % 20 == 19:
                    progress(f"g.hooks: {number + 1} of {starts} starts")
    return spent, base, calls


def run(size: Size, mutation: Mutation) -> Iterator[Measure]:
    """Start servers one after another and report CPU and round trips of our part."""
    starts = STARTS[size]
    spent, base, calls = asyncio.run(_measure(starts, mutation))
    added = [mine - floor for mine, floor in zip(spent, base, strict=True)]
    figure, bar = interval(added), Bar.at(TARGET_SECONDS, size)
    hub_version = f"jupyterhub {version('jupyterhub')}"
    yield Measure(
        id="g.hooks",
        what=f"thread CPU inside our hooks a start, beyond the base class, {starts} starts",
        ours=figure.median,
        peer=statistics.median(base),
        peer_version=f"{hub_version} Spawner.get_env",
        ratio=None,
        target=f"<= {bar.value * 1000:g} ms{bar.note}",
        ok=figure.high <= bar.value,
        pairs=starts,
        interval=(figure.low, figure.high),
        load=os.getloadavg()[0],
    )
    extra = max(calls)
    yield Measure(
        id="g.calls",
        what="round trips to the supervisor before it is told to create the server, the most seen",
        ours=extra,
        peer=0,
        peer_version=hub_version,
        ratio=None,
        target=f"<= {TARGET_EXTRA_CALLS}",
        ok=extra <= TARGET_EXTRA_CALLS,
        unit="requests",
        pairs=starts,
        load=os.getloadavg()[0],
    )
