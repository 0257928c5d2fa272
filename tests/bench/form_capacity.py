"""`a.form.capacity`: what a view of the spawn form costs more where what is free is known.

The same form of the same large catalogue in one hub, once with how many accelerators are free, in
use and waited for, and once without. Thread CPU, one view each in turn. Where half of everything is
full the form says more, why and what fits instead, 160 times: that is measured for reading.
"""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from bench.choices import CHOICES, GROUP, PROFILES, large_settings
from bench.form_render import TARGET_SECONDS, VIEWS, WARM, p99, p99_difference
from bench.harness import Measure, Meter, Mutation, Size, busy, progress
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.spawner.availability import Availability, cluster_availability
from sandlot_hub.spawner.local import SandlotLocalSpawner
from support.capacities import capacity, flavor, size
from support.hub_app import running_hub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandlot_contracts.capacity import CapacityState

FLAVORS = 4


class GivenSpawner(SandlotLocalSpawner):
    """Our spawner, told what is available instead of hearing it from the offers service."""

    given: ClassVar[Availability]

    @override
    async def availability(self) -> Availability:
        return self.given


def run(size: Size, mutation: Mutation) -> Iterator[Measure]:
    """Render the form with and without capacity in turn and compare."""
    for name, is_half_full in (("a.form.capacity", False), ("a.form.capacity.full", True)):
        known, unknown = asyncio.run(_views(VIEWS[size], mutation, is_half_full=is_half_full))
        yield _measure(name, known, unknown, decides=size is Size.FULL and not is_half_full)


def _measure(name: str, known: list[float], unknown: list[float], *, decides: bool) -> Measure:
    low, high = p99_difference(known, unknown)
    return Measure(
        id=name,
        what="CPU of a view of the form that knows what is free, difference of the 99th "
        f"percentiles, {PROFILES} profiles x {CHOICES} images x {CHOICES} sizes with accelerators",
        ours=p99(known),
        peer=p99(unknown),
        peer_version="the same form without",
        ratio=p99(known) / p99(unknown),
        target=f"<= the peer's + {TARGET_SECONDS * 1000:g} ms",
        # A few views have no 99th percentile.
        ok=high <= TARGET_SECONDS if decides else None,
        pairs=len(known),
        interval=(low, high),
        load=os.getloadavg()[0],
    )


def _settings() -> SandlotSettings:
    document = large_settings().model_dump(mode="json")
    document["accelerators"] = {
        f"flavor-{n}": {"display_name": f"Accelerator {n}"} for n in range(FLAVORS)
    }
    for number, entry in enumerate(document["sizes"].values()):
        wanted = {"flavor": f"flavor-{number % FLAVORS}", "count": 1 + number // FLAVORS}
        entry["accelerator"] = wanted
    return SandlotSettings.model_validate(document)


def _capacity(settings: SandlotSettings, *, is_half_full: bool) -> CapacityState:
    """Return that there are some of all kinds, or of every second kind none."""
    waited: dict[str, Any] = {"waiting": 3, "oldest_waiting": "2026-11-21T11:47:30Z"}
    flavors = {
        f"flavor-{n}": flavor(total=8, **waited)
        if is_half_full and n % 2
        else flavor(free=5, total=12)
        for n in range(FLAVORS)
    }
    sizes = {
        slug: size(0, "accelerator") if is_half_full and number % FLAVORS % 2 else size(2)
        for number, slug in enumerate(settings.sizes)
    }
    return capacity(flavors, sizes)


async def _views(
    count: int, mutation: Mutation, *, is_half_full: bool
) -> tuple[list[float], list[float]]:
    settings = _settings()
    given = {
        True: cluster_availability(_capacity(settings, is_half_full=is_half_full), live=True),
        False: cluster_availability(None, live=True),
    }
    costs: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder:
        config = {"JupyterHub": {"spawner_class": GivenSpawner}}
        socket = Path(folder) / "supervisor.sock"
        async with running_hub(settings, socket, config=config) as hub:
            hub.add_user("ann", GROUP)
            spawner: Any = hub.app.users["ann"].spawners[""]

            async def view(*, is_known: bool) -> None:
                html = await spawner.get_options_form()
                assert ("5 of 12 free" in html) is is_known
                if is_known and mutation is Mutation.SLEEP:
                    busy(0.05)

            # What the bench itself has loaded is no part of a hub: going through all of that
            # would be most of the slowest views.
            gc.collect()
            gc.freeze()
            for number in range(WARM + count):
                for is_known in (True, False) if number % 2 else (False, True):
                    GivenSpawner.given = given[is_known]
                    meter = Meter()
                    await meter.measure(view(is_known=is_known))
                    if number >= WARM:
                        costs[is_known].append(meter.seconds)
                if number % 100 == 99:
                    progress(f"a.form.capacity: {number + 1} of {WARM + count} views")
            gc.unfreeze()
    return costs[True], costs[False]
