"""`g.resolve`: how many choices a core validates in a second.

The peer is KubeSpawner's own `profile_list` handling of the same choice, where the
package is installed: it copies the whole list for every start.
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

import pytest
from kubespawner import KubeSpawner

from bench.harness import Bar, Measure, Mutation, Size, busy, interval, paired
from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.choices.plan import Plan
from sandlot_hub.domain.offers.profile_list import build_profile_list
from sandlot_hub.domain.offers.profiles import resolve, visible
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.domain.values.entitlements import Entitlements
from support.kube_spawner import use_kubeconfig
from support.kubeconfig import unreachable_kubeconfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROFILES = 20
CHOICES = 15
CALLS = {Size.SMOKE: 200, Size.FULL: 2000}
PAIRS = {Size.SMOKE: 5, Size.FULL: 20}
ANN = Entitlements(user="ann", groups=frozenset({"vision"}))
HERE = Facilities(mode=Mode.KUBERNETES)


def large_catalogue() -> SandlotSettings:
    """Return 20 profiles with 15 images and 15 sizes each."""
    images = {
        f"image-{n}": {"display_name": f"Image {n}", "reference": f"x/i:{n}"}
        for n in range(CHOICES)
    }
    sizes = {
        f"size-{n}": {"display_name": f"Size {n}", "cpus": n + 1, "memory": f"{n + 1} GiB"}
        for n in range(CHOICES)
    }
    profiles = {
        f"profile-{n}": {
            "display_name": f"Profile {n}",
            "images": list(images),
            "sizes": list(sizes),
            "allow": {"groups": ["vision", "ml"]},
        }
        for n in range(PROFILES)
    }
    return SandlotSettings.model_validate(
        {"version": 1, "images": images, "sizes": sizes, "profiles": profiles}
    )


def _ours(settings: SandlotSettings, calls: int, mutation: Mutation) -> Callable[[], float]:
    options = {"profile": "profile-19", "image": "image-14", "size": "size-14"}

    def measure() -> float:
        began = thread_time()
        for _ in range(calls):
            plan = resolve(options, entitlements=ANN, settings=settings, facilities=HERE)
            assert isinstance(plan, Plan)
            if mutation is Mutation.SLEEP:
                busy(0.05)
        return (thread_time() - began) / calls

    return measure


def _peer(settings: SandlotSettings, calls: int) -> Callable[[], float]:
    profiles = build_profile_list(visible(ANN, settings, HERE), None)
    options = {"profile": "profile-19", "image": "image-14", "size": "size-14"}

    async def load(count: int) -> None:
        spawner = KubeSpawner(_mock=True)
        spawner.profile_list = profiles
        for _ in range(count):
            spawner.user_options = dict(options)
            await spawner.load_user_options()

    def measure() -> float:
        began = thread_time()
        asyncio.run(load(calls))
        return (thread_time() - began) / calls

    return measure


def run(size: Size, mutation: Mutation) -> Iterator[Measure]:
    """Measure thread CPU per validated choice, ours and KubeSpawner's in turn."""
    settings = large_catalogue()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        # KubeSpawner wants one when it is made, and is never asked to connect.
        use_kubeconfig(unreachable_kubeconfig(Path(folder)), patch)
        ours, peer = paired(
            _ours(settings, CALLS[size] if mutation is Mutation.NONE else 2, mutation),
            _peer(settings, CALLS[size] // 10),
            pairs=PAIRS[size],
            label="g.resolve",
        )
    ratios = interval([a / b for a, b in zip(ours, peer, strict=True)])
    bar = Bar.at(1, size)
    mine, theirs = statistics.median(ours), statistics.median(peer)
    extra: dict[str, Any] = {"unit": "1/s", "pairs": PAIRS[size], "load": os.getloadavg()[0]}
    yield Measure(
        id="g.resolve",
        what=f"choices validated per second of one core, {PROFILES} profiles x {CHOICES} x {CHOICES}",
        ours=1 / mine,
        peer=1 / theirs,
        peer_version=f"jupyterhub-kubespawner {version('jupyterhub-kubespawner')}",
        ratio=theirs / mine,
        target=f">= {1 / bar.value:g}x the peer's{bar.note}",
        ok=ratios.high <= bar.value,
        interval=(1 / ratios.high, 1 / ratios.low),
        **extra,
    )
