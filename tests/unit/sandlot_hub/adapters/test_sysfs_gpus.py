"""Tests of AMD's and Intel's GPUs, with trees of files as the kernel makes them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.sysfs_gpus import AmdGpus, IntelGpus

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1024**3


class Machine:
    """A machine whose kernel shows what a test adds."""

    def __init__(self, folder: Path) -> None:
        self.system, self.devices = folder / "sys", folder / "dev"
        (self.devices / "dri").mkdir(parents=True)

    def write(self, path: str, text: object) -> None:
        file = self.system / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")

    def add_node(self, number: int, *, gpu_id: int, unique: int = 0, simd: int = 304) -> None:
        """Add a node of AMD's topology; a processor has no SIMD units."""
        minor = 128 + number
        node = f"class/kfd/kfd/topology/nodes/{number}"
        lines = {
            "simd_count": simd,
            "vendor_id": 4098,
            "device_id": 29857,
            "drm_render_minor": minor,
            "unique_id": unique,
            "name": "gfx942",
        }
        self.write(f"{node}/properties", "\n".join(f"{k} {v}" for k, v in lines.items()))
        self.write(f"{node}/gpu_id", gpu_id)
        if simd:
            self.write(f"class/drm/renderD{minor}/device/mem_info_vram_total", 192 * GIB)
            self.add_file(f"dri/renderD{minor}", mode=0o660)

    def add_card(self, number: int, address: str, *, vendor: str = "0x8086") -> None:
        """Add a card of a driver; the folder of its device has its address as a name."""
        device = f"devices/pci0000:00/{address}"
        self.write(f"{device}/vendor", vendor)
        self.write(f"{device}/device", "0x56c0")
        (self.system / device / f"drm/renderD{128 + number}").mkdir(parents=True)
        drm = self.system / "class/drm"
        for name in (f"card{number}", f"renderD{128 + number}"):
            (drm / name).mkdir(parents=True)
            (drm / name / "device").symlink_to(self.system / device)
        # A socket of the card's, where a screen can be.
        (drm / f"card{number}-DP-1").mkdir()
        (drm / f"card{number}-DP-1/device").symlink_to(drm / f"card{number}")

    def add_to_bus(self, vendor: str) -> None:
        self.write("bus/pci/devices/0000:01:00.0/vendor", vendor)
        self.write("bus/pci/devices/0000:01:00.0/class", "0x030000")

    def add_file(self, name: str, *, mode: int) -> None:
        file = self.devices / name
        file.touch()
        file.chmod(mode)

    def amd(self) -> AmdGpus:
        return AmdGpus(system=self.system, devices=self.devices)

    def intel(self) -> IntelGpus:
        return IntelGpus(system=self.system, devices=self.devices)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_gpus_of_amd_are_the_nodes_that_compute(machine: Machine) -> None:
    machine.add_node(0, gpu_id=0, simd=0)
    machine.add_node(1, gpu_id=501, unique=0x1A2B)
    machine.add_node(10, gpu_id=510, unique=0x10)
    machine.add_node(2, gpu_id=502)
    machine.write("class/drm/renderD129/device/product_name", "AMD Instinct MI300X")
    found = machine.amd().look()
    assert [(each.handle, each.product, each.memory_bytes) for each in found.gpus] == [
        ("GPU-0000000000001a2b", "AMD Instinct MI300X", 192 * GIB),
        ("1", "AMD GPU 1002:74a1", 192 * GIB),
        ("GPU-0000000000000010", "AMD GPU 1002:74a1", 192 * GIB),
    ]
    assert len({each.id for each in found.gpus}) == 3
    assert {each.vendor for each in found.gpus} == {"amd"}
    assert found.missing == {}


def test_a_gpu_of_amd_is_busy_while_a_process_has_memory_of_it(machine: Machine) -> None:
    machine.add_node(1, gpu_id=501)
    machine.add_node(2, gpu_id=502)
    machine.write("class/kfd/kfd/proc/4711/vram_501", 0)
    machine.write("class/kfd/kfd/proc/4711/vram_502", 4096)
    assert [each.busy for each in machine.amd().look().gpus] == [False, True]


def test_nodes_that_cannot_be_read_are_not_there(machine: Machine) -> None:
    machine.add_node(1, gpu_id=501)
    (machine.system / "class/kfd/kfd/topology/nodes/2").mkdir()
    machine.write("class/kfd/kfd/topology/nodes/3/properties", "simd_count many\nno value\n\n")
    assert len(machine.amd().look().gpus) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to groups")
@pytest.mark.parametrize(
    ("mode", "gid", "expected"),
    [
        pytest.param(0o660, 4242, (4242,), id="of a group"),
        pytest.param(0o666, 4242, (), id="of everybody"),
        pytest.param(0o600, 4242, (), id="of its owner"),
        pytest.param(0o660, 0, (), id="of root"),
    ],
)
def test_device_files_tell_the_groups_that_open_them(
    machine: Machine, mode: int, gid: int, expected: tuple[int, ...]
) -> None:
    machine.add_node(1, gpu_id=501)
    os.chown(machine.devices / "dri/renderD129", -1, gid)
    (machine.devices / "dri/renderD129").chmod(mode)
    assert machine.amd().look().gpus[0].groups == expected


def test_gpus_of_intel_are_counted_by_their_address(machine: Machine) -> None:
    machine.add_card(0, "0000:a0:00.0")
    machine.add_card(1, "0000:03:00.0")
    machine.add_card(2, "0000:01:00.0", vendor="0x10de")
    found = machine.intel().look()
    assert [(each.id, each.handle, each.product) for each in found.gpus] == [
        ("intel-0000:03:00.0", "0", "Intel GPU 8086:56c0"),
        ("intel-0000:a0:00.0", "1", "Intel GPU 8086:56c0"),
    ]
    assert found.missing == {}


@pytest.mark.parametrize(
    ("bus", "amd", "intel"),
    [
        pytest.param(
            None, "This machine has no AMD GPU.", "This machine has no Intel GPU.", id="no"
        ),
        pytest.param("0x1002", "its driver for computing (KFD)", "no Intel GPU", id="AMD"),
        pytest.param("0x8086", "no AMD GPU", "no driver (i915 or xe)", id="Intel"),
    ],
)
def test_what_is_missing_is_said(machine: Machine, bus: str | None, amd: str, intel: str) -> None:
    if bus is not None:
        machine.add_to_bus(bus)
    assert amd in machine.amd().look().missing["amd"]
    assert intel in machine.intel().look().missing["intel"]
