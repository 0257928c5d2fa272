"""Tests of who gets which GPU, with leases that are read off what runs."""

from __future__ import annotations

import threading
import time

import pytest

from sandlot_hub.domain.capacity.machine_gpus import GpuSight
from sandlot_hub.domain.settings.model import AcceleratorRequest, SandlotSettings
from sandlot_hub.local.gpu_leases import GpuFacts, GpuLeases, Lease
from sandlot_hub.local.gpus import MachineGpus
from sandlot_hub.local.refusals import RefusedRequestError
from support.still_gpus import StillDriver, l4

pytestmark = pytest.mark.asyncio

SETTINGS = SandlotSettings.model_validate(
    {
        "version": 1,
        "images": {"base": {"display_name": "Base", "local": "base"}},
        "sizes": {"cpu": {"display_name": "No GPU", "cpus": 1, "memory": "1 GiB"}},
        "accelerators": {
            "l4": {"display_name": "NVIDIA L4", "local": {"product": "*L4"}},
            "part": {"display_name": "A part", "resource": "nvidia.com/mig-1g.10gb"},
        },
        "profiles": {"all": {"display_name": "All", "images": ["base"], "sizes": ["cpu"]}},
    }
)


class Site:
    """A machine with GPUs, and what runs there."""

    def __init__(self) -> None:
        self.driver = StillDriver()
        self.leases = self.driver.leases()
        self.servers: list[Lease] = []
        self.workers: list[Lease] = []
        self.leases.read_from(lambda: self.servers)
        self.leases.read_from(lambda: self.workers)

    async def take(self, flavor: str = "l4", count: int = 1, holder: str = "new") -> list[str]:
        await self.leases.fresh()
        request = AcceleratorRequest(flavor=flavor, count=count)
        return [each.id for each in self.leases.take(request, SETTINGS, holder=holder)]

    def facts(self) -> GpuFacts:
        return self.leases.facts(SETTINGS, cpus=8, memory_bytes=1 << 35)


@pytest.fixture
def site() -> Site:
    made = Site()
    made.driver.put(l4(1), l4(2), l4(3, mig_profile="1g.10gb"), l4(4))
    return made


async def test_the_first_that_are_free_are_given(site: Site) -> None:
    assert await site.take(count=2) == ["GPU-1", "GPU-2"]
    assert await site.take(count=2) == ["GPU-1", "GPU-2"], "nothing is held before it runs"
    assert await site.take("part") == ["GPU-3"]


async def test_what_servers_and_other_workloads_hold_is_not_given(site: Site) -> None:
    site.servers = [Lease(holder="a", owner="ann", gpus=(l4(1),))]
    site.workers = [Lease(holder="b", owner="bob", gpus=(l4(4),))]
    assert await site.take() == ["GPU-2"]
    assert await site.take(count=2, holder="a") == ["GPU-1", "GPU-2"], "its own are free for it"


REFUSED = {
    "all": (1, [l4(1), l4(2)], "accelerators-busy", "NVIDIA L4, and none is free of the 2"),
    "too few": (2, [l4(1)], "accelerators-busy", "2 × NVIDIA L4, and 1 is free of the 2"),
    "never": (3, [], "size-never-fits", "needs 3 × NVIDIA L4, and this machine has 2."),
}


@pytest.mark.parametrize("row", REFUSED)
async def test_what_cannot_be_given_is_refused_with_the_reason(site: Site, row: str) -> None:
    count, held, code, words = REFUSED[row]
    site.driver.put(l4(1), l4(2))
    site.servers = [Lease(holder="a", owner="ann", gpus=tuple(held))]
    with pytest.raises(RefusedRequestError) as caught:
        await site.take(count=count)
    problem = caught.value.problem
    assert (problem.code, problem.status, problem.field) == (code, 409, "size")
    assert words in problem.detail


@pytest.mark.parametrize("changes", [{"busy": True}, {"down": "Lost."}], ids=["busy", "lost"])
async def test_what_others_use_and_what_is_lost_is_not_given(
    site: Site, changes: dict[str, object]
) -> None:
    site.driver.put(l4(1, **changes), l4(2))
    assert await site.take() == ["GPU-2"]


async def test_a_flavor_that_is_not_there_is_refused_with_what_is_missing(site: Site) -> None:
    site.driver.found = GpuSight(missing={"nvidia": "NVIDIA's driver is not loaded."})
    with pytest.raises(RefusedRequestError) as caught:
        await site.take()
    assert caught.value.problem.code == "size-unavailable"
    assert caught.value.problem.detail == "NVIDIA's driver is not loaded."


async def test_before_the_driver_has_answered_nothing_is_given_and_nothing_told(
    site: Site,
) -> None:
    answers = threading.Event()

    class Slow(StillDriver):
        def look(self) -> GpuSight:
            answers.wait(10)
            return self.found

    gpus = MachineGpus(sources=(Slow(),), changed=lambda: None, monotonic=time.monotonic)
    leases = GpuLeases(gpus=gpus)
    await leases.fresh(wait_s=0.02)
    assert leases.facts(SETTINGS, cpus=8, memory_bytes=1) == GpuFacts()
    with pytest.raises(RefusedRequestError) as caught:
        leases.take(AcceleratorRequest(flavor="l4"), SETTINGS, holder="new")
    answers.set()
    assert (caught.value.problem.code, caught.value.problem.status) == ("accelerators-unknown", 503)


async def test_what_is_told_of_them(site: Site) -> None:
    site.driver.put(l4(1), l4(2), l4(4))
    await site.leases.fresh()
    site.servers = [
        Lease(holder="a", owner="ann", gpus=(l4(1),)),
        Lease(holder="b", owner="ann", gpus=(l4(2),)),
    ]
    facts = site.facts()
    assert facts.capacity is not None
    states = {slug: (s.total, s.used, s.free) for slug, s in facts.capacity.flavors.items()}
    assert states == {"l4": (3, 2, 1), "part": (0, 0, 0)}
    assert facts.holders == {"l4": {"ann": 2}}
    assert facts.missing == {
        "part": "This machine has 3 × NVIDIA L4, and none that counts as this kind."
    }
    assert site.leases.facts(None, cpus=8, memory_bytes=1) == GpuFacts(), "no settings yet"
