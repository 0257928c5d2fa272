"""Tests of what is counted of the GPUs of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.domain.capacity.machine_gpus import (
    GpuSight,
    MachineGpu,
    free_gpus,
    gpus_by_flavor,
    machine_capacity,
    missing_flavors,
)
from sandlot_hub.domain.settings.model import SandlotSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandlot_contracts.capacity import CapacityState
    from sandlot_hub.domain.settings.local_flavor import Vendor

GIB = 1024**3


def gpu(number: int, product: str = "NVIDIA L4", **changes: Any) -> MachineGpu:
    known = {"id": f"GPU-{number}", "vendor": "nvidia", "handle": f"GPU-{number}"}
    return MachineGpu(**{**known, "product": product, **changes})


def settings(
    flavors: dict[str, dict[str, Any]], sizes: dict[str, dict[str, Any]] | None = None
) -> SandlotSettings:
    return SandlotSettings.model_validate(
        {
            "version": 1,
            "images": {"base": {"display_name": "Base", "local": "base"}},
            "sizes": {
                "cpu": {"display_name": "No GPU", "cpus": 1, "memory": "1 GiB"},
                **{
                    slug: {"display_name": slug, "cpus": 1, "memory": "1 GiB", **size}
                    for slug, size in (sizes or {}).items()
                },
            },
            "accelerators": {
                slug: {"display_name": slug.upper(), **flavor} for slug, flavor in flavors.items()
            },
            "profiles": {"all": {"display_name": "All", "images": ["base"], "sizes": ["cpu"]}},
        }
    )


L4 = gpu(1)
A100 = gpu(2, "NVIDIA A100-SXM4-80GB")
PART = gpu(3, "NVIDIA A100-SXM4-80GB", mig_profile="1g.10gb")
MEDIA = gpu(4, "NVIDIA A100-SXM4-80GB", mig_profile="1g.10gb+me")
AMD = gpu(5, "AMD Instinct MI300X", vendor="amd")
INTEL = gpu(6, "Intel GPU 8086:56c0", vendor="intel")
ALL = (L4, A100, PART, MEDIA, AMD, INTEL)


@pytest.mark.parametrize(
    ("flavor", "expected"),
    [
        pytest.param({}, [L4, A100], id="whole GPUs of NVIDIA"),
        pytest.param({"local": {"product": "NVIDIA L4"}}, [L4], id="product"),
        pytest.param({"local": {"product": "*a100*80gb"}}, [A100], id="product, lower case"),
        pytest.param({"local": {"product": "A100"}}, [], id="part of a name"),
        pytest.param({"resource": "nvidia.com/mig-1g.10gb"}, [PART], id="profile of the resource"),
        pytest.param({"resource": "nvidia.com/mig-1g.10gb.me"}, [MEDIA], id="profile with media"),
        pytest.param({"local": {"mig_profile": "1g.10gb+me"}}, [MEDIA], id="profile as set"),
        pytest.param({"resource": "amd.com/gpu"}, [AMD], id="AMD"),
        pytest.param({"resource": "gpu.intel.com/xe"}, [INTEL], id="Intel"),
        pytest.param(
            {"resource": "example.org/gpu", "local": {"vendor": "amd"}}, [AMD], id="vendor as set"
        ),
        pytest.param({"resource": "example.org/gpu"}, [], id="nobody's"),
    ],
)
def test_which_accelerators_are_of_a_flavor(
    flavor: dict[str, Any], expected: list[MachineGpu]
) -> None:
    found = gpus_by_flavor(settings({"one": flavor}).accelerators, ALL)
    assert found == {"one": tuple(expected)}


def test_each_accelerator_counts_for_the_first_flavor_that_it_fits() -> None:
    flavors = settings({"l4": {"local": {"product": "*L4"}}, "any": {}}).accelerators
    assert gpus_by_flavor(flavors, ALL) == {"l4": (L4,), "any": (A100,)}


def counted(
    gpus: Sequence[MachineGpu], held: set[str], sizes: dict[str, dict[str, Any]] | None = None
) -> CapacityState:
    return machine_capacity(
        settings({"l4": {}}, sizes), gpus, held=held, cpus=8, memory_bytes=32 * GIB
    )


@pytest.mark.parametrize(
    ("gpus", "held", "expected"),
    [
        pytest.param([], set(), (0, 0, 0, 0), id="none"),
        pytest.param([gpu(1), gpu(2)], set(), (2, 0, 0, 2), id="free"),
        pytest.param([gpu(1), gpu(2)], {"GPU-2"}, (2, 0, 1, 1), id="given out"),
        pytest.param([gpu(1, busy=True), gpu(2)], set(), (2, 0, 1, 1), id="used by others"),
        pytest.param([gpu(1, busy=True)], {"GPU-1"}, (1, 0, 1, 0), id="used by its holder"),
        pytest.param([gpu(1, down="Lost."), gpu(2)], set(), (2, 1, 0, 1), id="lost"),
        pytest.param([gpu(1, down="Lost.")], {"GPU-1"}, (1, 0, 1, 0), id="lost, given out"),
        pytest.param([gpu(1)], {"GPU-9"}, (1, 0, 0, 1), id="given out, and gone since"),
    ],
)
def test_a_flavor_is_counted(
    gpus: list[MachineGpu], held: set[str], expected: tuple[int, int, int, int]
) -> None:
    capacity = counted(gpus, held)
    state = capacity.flavors["l4"]
    assert (state.total, state.down, state.used, state.free) == expected
    assert (state.largest_block, state.waiting, state.may_grow) == (state.free, 0, 0)
    assert capacity.scope == "machine"
    assert len(free_gpus(gpus, held)) == state.free


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        pytest.param({"count": 1}, (3, True, (), None), id="fits"),
        pytest.param({"count": 2}, (1, True, (), None), id="fits once"),
        pytest.param({"count": 4}, (0, True, ("accelerator",), 3), id="one is in use"),
        pytest.param({"count": 5}, (0, False, ("accelerator",), 3), id="never"),
        pytest.param({"count": 1, "cpus": 16}, (0, False, ("cpus",), 0), id="CPUs"),
        pytest.param({"count": 1, "memory": "64 GiB"}, (0, False, ("memory",), 0), id="memory"),
    ],
)
def test_a_size_is_counted(size: dict[str, Any], expected: tuple[Any, ...]) -> None:
    count = size.pop("count")
    sizes = {"gpu": {"accelerator": {"flavor": "l4", "count": count}, **size}}
    found = counted([gpu(n) for n in range(4)], {"GPU-0"}, sizes).sizes
    assert set(found) == {"gpu"}, "nothing is used up that a size without accelerators needs"
    state = found["gpu"]
    assert (state.fits, state.fits_ever, state.lacking, state.fits_smaller) == expected


def test_what_belongs_to_no_flavor_is_named_as_a_cluster_would() -> None:
    capacity = machine_capacity(
        settings({"l4": {"local": {"product": "*L4"}}}), ALL, held=(), cpus=8, memory_bytes=GIB
    )
    assert capacity.unknown_flavor == {
        "nvidia.com/gpu": 1,
        "nvidia.com/mig-1g.10gb": 1,
        "nvidia.com/mig-1g.10gb.me": 1,
        "amd.com/gpu": 1,
        "gpu.intel.com/i915": 1,
    }


NO_DRIVER: dict[Vendor, str] = {"nvidia": "NVIDIA's driver is not loaded."}


@pytest.mark.parametrize(
    ("flavor", "sight", "expected"),
    [
        pytest.param({}, GpuSight(gpus=(L4,)), None, id="there"),
        pytest.param({}, GpuSight(gpus=(gpu(1, down="Lost."),)), None, id="there, and lost"),
        pytest.param({}, GpuSight(missing=NO_DRIVER), NO_DRIVER["nvidia"], id="driver"),
        pytest.param({}, GpuSight(), "This machine has no NVIDIA GPU.", id="nothing"),
        pytest.param(
            {"local": {"product": "*H100*"}},
            GpuSight(gpus=(L4, gpu(9), A100)),
            "This machine has 2 × NVIDIA L4, 1 × NVIDIA A100-SXM4-80GB, and none that counts as "
            "this kind.",
            id="others",
        ),
        pytest.param(
            {"resource": "example.org/gpu"},
            GpuSight(gpus=(L4,)),
            "The settings do not say which GPUs of this machine example.org/gpu means "
            "(`local.vendor`).",
            id="nobody's",
        ),
    ],
)
def test_why_a_flavor_is_not_there(
    flavor: dict[str, Any], sight: GpuSight, expected: str | None
) -> None:
    found = missing_flavors(settings({"one": flavor}), sight)
    assert found == ({} if expected is None else {"one": expected})
