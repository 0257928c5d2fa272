"""AMD's and Intel's GPUs of this machine, as the Linux kernel tells of them (``/sys``).

No library of the vendor is needed. What is not told there is not known here: whether a GPU is
well, and, of Intel's, who computes on it.
"""

from __future__ import annotations

import contextlib
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot_hub.domain.capacity.machine_gpus import GpuSight, MachineGpu

from .pci_devices import AMD, INTEL, first_line, has_gpu

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandlot_hub.domain.settings.local_flavor import Vendor

_SYSTEM, _DEVICES = Path("/sys"), Path("/dev")
_EVERYBODY = stat.S_IROTH | stat.S_IWOTH
_GROUP = stat.S_IRGRP | stat.S_IWGRP


class AmdGpus:
    """Looks at AMD's GPUs that can compute: those of the driver's topology (KFD).

    Parameters
    ----------
    system
        Where the kernel shows its devices.
    devices
        Where their files are.
    """

    vendors: tuple[Vendor, ...] = ("amd",)

    def __init__(self, *, system: Path = _SYSTEM, devices: Path = _DEVICES) -> None:
        self._system = system
        self._devices = devices

    def look(self) -> GpuSight:
        """Return what there is now. Blocks."""
        nodes = [_properties(node / "properties") for node in self._nodes()]
        # A processor is a node, too; what this process may not look at has no properties.
        found = [(n, each) for n, each in enumerate(_of_gpus(nodes))]
        if found:
            busy = self._busy()
            return GpuSight(gpus=tuple(self._gpu(n, each, busy=busy) for n, each in found))
        if has_gpu(self._system, AMD):
            reason = "This machine has an AMD GPU, but its driver for computing (KFD) is not there."
        else:
            reason = "This machine has no AMD GPU."
        return GpuSight(missing={"amd": reason})

    def _nodes(self) -> list[Path]:
        with contextlib.suppress(OSError):
            nodes = (self._system / "class/kfd/kfd/topology/nodes").iterdir()
            return sorted((n for n in nodes if n.name.isdigit()), key=lambda node: int(node.name))
        return []

    def _gpu(self, number: int, node: Mapping[str, int], *, busy: frozenset[int]) -> MachineGpu:
        minor = node.get("drm_render_minor", 0)
        device = self._system / f"class/drm/renderD{minor}/device"
        memory = first_line(device / "mem_info_vram_total")
        ids = f"{node.get('vendor_id', 0):04x}:{node.get('device_id', 0):04x}"
        unique = node.get("unique_id", 0)
        # Its own number outlives a restart and other GPUs; those that have none are counted.
        name = f"GPU-{unique:016x}" if unique else str(number)
        return MachineGpu(
            id=f"amd-{name}",
            vendor="amd",
            handle=name,
            product=first_line(device / "product_name") or f"AMD GPU {ids}",
            memory_bytes=int(memory) if memory.isdecimal() else None,
            groups=_groups((self._devices / "kfd", self._devices / f"dri/renderD{minor}")),
            busy=node["gpu_id"] in busy,
        )

    def _busy(self) -> frozenset[int]:
        """Return the ids of the GPUs in whose memory a process has something."""
        busy = set()
        with contextlib.suppress(OSError):  # processes end while they are looked at
            for used in (self._system / "class/kfd/kfd/proc").glob("*/vram_*"):
                gpu_id = used.name.removeprefix("vram_")
                if gpu_id.isdecimal() and first_line(used) not in ("", "0"):
                    busy.add(int(gpu_id))
        return frozenset(busy)


class IntelGpus:
    """Looks at Intel's GPUs: those of the drivers ``i915`` and ``xe``.

    Parameters
    ----------
    system, devices
        As for `AmdGpus`.
    """

    vendors: tuple[Vendor, ...] = ("intel",)

    def __init__(self, *, system: Path = _SYSTEM, devices: Path = _DEVICES) -> None:
        self._system = system
        self._devices = devices

    def look(self) -> GpuSight:
        """Return what there is now. Blocks."""
        found = self._cards()
        if found:
            gpus = (self._gpu(number, address) for number, address in enumerate(sorted(found)))
            return GpuSight(gpus=tuple(gpus))
        if has_gpu(self._system, INTEL):
            reason = "This machine has an Intel GPU, but no driver (i915 or xe) that shows it."
        else:
            reason = "This machine has no Intel GPU."
        return GpuSight(missing={"intel": reason})

    def _cards(self) -> set[Path]:
        """Return the folders of the devices; their names are their addresses on the bus."""
        found = set()
        with contextlib.suppress(OSError):
            for name in (self._system / "class/drm").iterdir():  # a device has several
                if first_line(name / "device/vendor") == INTEL:
                    found.add((name / "device").resolve())
        return found

    def _gpu(self, number: int, device: Path) -> MachineGpu:
        with contextlib.suppress(OSError):
            renders = [each.name for each in (device / "drm").iterdir()]
            files = [self._devices / "dri" / name for name in renders if name.startswith("render")]
            return _intel(number, device, groups=_groups(files))
        return _intel(number, device, groups=())


def _intel(number: int, device: Path, *, groups: tuple[int, ...]) -> MachineGpu:
    product = first_line(device / "device").removeprefix("0x")
    return MachineGpu(
        id=f"intel-{device.name}",
        vendor="intel",
        handle=str(number),
        product=f"Intel GPU 8086:{product}",
        groups=groups,
    )


def _of_gpus(nodes: Iterable[Mapping[str, int]]) -> list[Mapping[str, int]]:
    return [each for each in nodes if each.get("simd_count") and each.get("gpu_id")]


def _properties(path: Path) -> dict[str, int]:
    """Return the numbers of a node, and its id, which stands in a file of its own."""
    found = {}
    with contextlib.suppress(OSError):
        for line in path.read_text(errors="replace").splitlines():
            name, _, value = line.partition(" ")
            if value.isdecimal():
                found[name] = int(value)
    gpu_id = first_line(path.with_name("gpu_id"))
    return {**found, "gpu_id": int(gpu_id)} if gpu_id.isdecimal() else found


def _groups(files: Iterable[Path]) -> tuple[int, ...]:
    """Return the groups that open device files which are closed to everybody; never that of root."""
    groups = set()
    for file in files:
        with contextlib.suppress(OSError):
            found = file.stat()
            if found.st_mode & _EVERYBODY != _EVERYBODY and found.st_mode & _GROUP == _GROUP:
                groups.add(found.st_gid)
    return tuple(sorted(groups - {0}))
