"""`a.form.p50`, `a.form.p99`, `a.form.calls`: the spawn form of a large catalogue.

Ours is everything that a view of the form costs the hub: from what is available to the HTML.
The peer is the published KubeSpawner's form of the same choices, whose `profile_list` is a
callable that only has to return a list. Thread CPU, one view each in turn, in one process.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.choices import CHOICES, GROUP, PROFILES, kubespawner_list, large_settings
from bench.harness import CONFIDENCE, Bar, Measure, Meter, Mutation, Size, busy, interval, progress
from bench.offers_service import offers_service, service_in_hub
from sandlot_contracts.supervisor import LocalImage
from support.fake_supervisor import FakeSupervisor, facilities
from support.hub_app import running_hub
from support.kubeconfig import kubeconfig_named, unreachable_kubeconfig
from support.stack import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

    from sandlot_hub.domain.settings.model import SandlotSettings

    View = Callable[[], Awaitable[Any]]

VIEWS = {Size.SMOKE: 40, Size.FULL: 1000}
WARM = 5
"""Views of each before the first one counts."""
TARGET_SECONDS = 0.002
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Views:
    """What the views cost, in seconds of thread CPU, pair by pair."""

    ours: list[float]
    peer: list[float]
    calls: int
    """Requests to the supervisor during all of our views."""


def run(size: Size, mutation: Mutation) -> Iterator[Measure]:
    """Render both forms in turn and compare."""
    for images, sizes, name in ((CHOICES, CHOICES, "a.form"), (CHOICES, 1, "a.form.one-option")):
        settings = large_settings(images=images, sizes=sizes)
        views = asyncio.run(_views(settings, VIEWS[size], mutation))
        what = f"{PROFILES} profiles x {images} images x {sizes} size{'s' if sizes > 1 else ''}"
        yield from _measures(name, what, views, size)


def _measures(name: str, what: str, views: Views, size: Size) -> Iterator[Measure]:
    count, bar = len(views.ours), Bar.at(TARGET_SECONDS, size)
    common: dict[str, Any] = {
        "peer_version": f"jupyterhub-kubespawner {version('jupyterhub-kubespawner')}",
        "ratio": statistics.median(views.ours) / statistics.median(views.peer),
        "target": f"<= the peer's + {bar.value * 1000:g} ms{bar.note}",
        "pairs": count,
        "load": os.getloadavg()[0],
    }
    added = interval([a - b for a, b in zip(views.ours, views.peer, strict=True)])
    yield Measure(
        id=f"{name}.p50",
        what=f"CPU of a view of the form, median of the paired differences, {what}",
        ours=statistics.median(views.ours),
        peer=statistics.median(views.peer),
        ok=added.high <= bar.value,
        interval=(added.low, added.high),
        **common,
    )
    low, high = p99_difference(views.ours, views.peer)
    yield Measure(
        id=f"{name}.p99",
        what=f"CPU of a view of the form, difference of the 99th percentiles, {what}",
        ours=p99(views.ours),
        peer=p99(views.peer),
        # A few views have no 99th percentile.
        ok=high <= bar.value if size is Size.FULL else None,
        interval=(low, high),
        **common,
    )
    yield Measure(
        id=f"{name}.calls",
        what=f"requests to the supervisor during {count + WARM} views",
        ours=views.calls,
        peer=0,
        ok=views.calls == 0,
        **{**common, "ratio": None, "target": "0", "unit": "requests"},
    )


def p99(sample: Sequence[float]) -> float:
    """Return the 99th percentile, by the nearest rank."""
    return sorted(sample)[min(len(sample) - 1, int(0.99 * len(sample)))]


def p99_difference(ours: Sequence[float], peer: Sequence[float]) -> tuple[float, float]:
    """Return the 90 % bootstrap interval of the difference of the 99th percentiles."""
    draw = random.Random(1)  # noqa: S311 (statistics, not secrets; seeded so that a report repeats)
    differences = sorted(
        p99(draw.choices(ours, k=len(ours))) - p99(draw.choices(peer, k=len(peer)))
        for _ in range(RESAMPLES)
    )
    edge = (1 - CONFIDENCE) / 2
    return differences[int(edge * RESAMPLES)], differences[int((1 - edge) * RESAMPLES) - 1]


async def _views(settings: SandlotSettings, count: int, mutation: Mutation) -> Views:
    with tempfile.TemporaryDirectory() as folder:
        peer = _peer_view(settings, Path(folder))
        async with _our_view(settings, Path(folder), mutation) as (ours, requests):
            for _ in range(WARM):
                await _cost(ours)
                await _cost(peer)
            mine: list[float] = []
            theirs: list[float] = []
            for number in range(count):
                first, second = (ours, peer) if number % 2 else (peer, ours)
                costs = [await _cost(first), await _cost(second)]
                mine.append(costs[0] if number % 2 else costs[1])
                theirs.append(costs[1] if number % 2 else costs[0])
                if number % 100 == 99:
                    progress(f"a.form: {number + 1} of {count} views")
            return Views(mine, theirs, len(requests))


async def _cost(view: View) -> float:
    meter = Meter()
    await meter.measure(view())
    return meter.seconds


@asynccontextmanager
async def _our_view(
    settings: SandlotSettings, folder: Path, mutation: Mutation
) -> AsyncIterator[tuple[View, list[str]]]:
    images = {slug: LocalImage(state="ready") for slug in settings.images}
    supervisor = FakeSupervisor(
        socket=folder / "supervisor.sock", facilities=facilities(images=images)
    )
    port = free_port()
    async with (
        supervisor.serve(),
        running_hub(settings, supervisor.socket, config=service_in_hub(port)) as hub,
        offers_service(
            folder,
            settings,
            socket=supervisor.socket,
            port=port,
            hub_api_url=str(hub.url / "api"),
        ),
    ):
        hub.add_user("ann", GROUP)
        spawner: Any = hub.app.users["ann"].spawners[""]

        async def view() -> None:
            html = await spawner.get_options_form()
            assert "Image 14" in html
            if mutation is Mutation.SLEEP:
                busy(0.05)
            if mutation is Mutation.EXTRA_CALL:
                await spawner.machine.supervisor.facilities()

        await view()
        supervisor.requests.clear()
        yield view, supervisor.requests


def _peer_view(settings: SandlotSettings, folder: Path) -> View:
    # The package reads a kubeconfig when a spawner is made; it is never asked to connect.
    with kubeconfig_named(unreachable_kubeconfig(folder)):
        from kubespawner import KubeSpawner  # noqa: PLC0415 (see above)

        spawner = KubeSpawner(_mock=True)
    profiles = kubespawner_list(settings)
    spawner.profile_list = lambda _spawner: profiles

    async def view() -> None:
        html = await spawner.options_form(spawner)
        assert "Image 14" in html

    return view
