"""Tests of when GPUs are looked at, and what drivers that hang or fail make of it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sandlot_hub.domain.capacity.machine_gpus import GpuSight, MachineGpu
from sandlot_hub.local.gpus import MachineGpus, in_daemon_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandlot_hub.domain.settings.local_flavor import Vendor

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(30)]

SOON_S = 10.0
GPU = MachineGpu(id="GPU-1", vendor="nvidia", handle="GPU-1", product="NVIDIA L4")


class Driver:
    """A driver that answers what a test says, when it says so."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendors: tuple[Vendor, ...] = (vendor,)
        self.found = GpuSight()
        self.error: Exception | None = None
        self.answers = threading.Event()
        self.answers.set()
        self.calls = 0

    def look(self) -> GpuSight:
        self.calls += 1
        assert self.answers.wait(SOON_S)
        if self.error is not None:
            raise self.error
        return self.found


class Site:
    """Two drivers, and a clock that a test moves."""

    def __init__(self) -> None:
        self.nvidia, self.amd = Driver("nvidia"), Driver("amd")
        self.seconds = 0.0
        self.told = asyncio.Event()
        self.gpus = self.watching()

    def watching(self, *, patience_s: float = SOON_S) -> MachineGpus:
        return MachineGpus(
            sources=(self.nvidia, self.amd),
            changed=self.told.set,
            monotonic=lambda: self.seconds,
            every_s=3.0,
            patience_s=patience_s,
        )

    async def look(self) -> GpuSight:
        await self.gpus.fresh(wait_s=SOON_S)
        sight = self.gpus.sight
        assert sight is not None
        return sight


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    yield made
    made.nvidia.answers.set()
    made.amd.answers.set()


async def test_nothing_is_known_before_everybody_has_answered(site: Site) -> None:
    assert site.gpus.sight is None
    assert (site.nvidia.calls, site.amd.calls) == (0, 0), "nobody has asked yet"
    site.amd.answers.clear()
    await site.gpus.fresh(wait_s=0.05)
    assert site.gpus.sight is None
    site.amd.answers.set()
    assert await site.look() == GpuSight()


async def test_what_all_have_found_is_one(site: Site) -> None:
    site.nvidia.found = GpuSight(gpus=(GPU,))
    site.amd.found = GpuSight(missing={"amd": "None here."})
    assert await site.look() == GpuSight(gpus=(GPU,), missing={"amd": "None here."})


async def test_they_are_looked_at_only_while_somebody_asks_and_not_too_often(site: Site) -> None:
    for seconds, calls in ((0.0, 1), (2.9, 1), (3.0, 2), (3.1, 2), (600.0, 3)):
        site.seconds = seconds
        await site.look()
        assert site.nvidia.calls == calls, seconds


async def test_a_change_is_told_and_nothing_else(site: Site) -> None:
    await site.look()
    assert site.told.is_set()
    site.told.clear()
    site.seconds = 3.0
    await site.look()
    assert not site.told.is_set(), "it is as before"
    site.seconds, site.nvidia.found = 6.0, GpuSight(gpus=(GPU,))
    site.gpus.look_soon()
    async with asyncio.timeout(SOON_S):
        await site.told.wait()
    assert site.gpus.sight == GpuSight(gpus=(GPU,))


async def test_a_driver_that_hangs_is_given_up_and_asked_once(site: Site) -> None:
    site.gpus = site.watching(patience_s=0.05)
    site.nvidia.found = GpuSight(gpus=(GPU,))
    assert (await site.look()).gpus == (GPU,)
    site.seconds = 3.0
    site.nvidia.answers.clear()
    given_up = await site.look()
    assert [each.down for each in given_up.gpus] == ["The driver of NVIDIA does not answer."]
    assert given_up.missing == {"nvidia": "The driver of NVIDIA does not answer."}
    assert site.amd.calls == 2, "the others are looked at all the same"
    for seconds in (6.0, 9.0):
        site.seconds = seconds
        assert await site.look() == given_up, "nobody waits for it any more"
    assert (site.nvidia.calls, site.amd.calls) == (2, 4)


async def test_a_driver_that_answers_late_is_believed(site: Site) -> None:
    site.gpus = site.watching(patience_s=0.05)
    site.nvidia.answers.clear()
    assert (await site.look()).missing
    site.told.clear()
    site.nvidia.found = GpuSight(gpus=(GPU,))
    site.nvidia.answers.set()
    async with asyncio.timeout(SOON_S):
        await site.told.wait()
    assert site.gpus.sight == GpuSight(gpus=(GPU,))


async def test_a_defect_is_logged_and_hides_no_other_driver(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.nvidia.error = RuntimeError("a defect of ours")
    site.amd.found = GpuSight(gpus=(GPU,))
    sight = await site.look()
    assert sight.gpus == (GPU,)
    assert sight.missing == {"nvidia": "Looking at the GPUs of this machine failed."}
    assert "a defect of ours" in caplog.text
    site.nvidia.error, site.seconds = None, 3.0
    assert (await site.look()).missing == {}


async def test_who_no_longer_waits_for_a_thread_is_left_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    go = threading.Event()
    in_daemon_thread(lambda: go.wait(SOON_S)).cancel()
    (waiting,) = [each for each in threading.enumerate() if each.name == "gpus"]
    go.set()
    # What the first one says comes before what the second one says, who waits for its end.
    await in_daemon_thread(lambda: waiting.join(SOON_S))
    assert not caplog.records
