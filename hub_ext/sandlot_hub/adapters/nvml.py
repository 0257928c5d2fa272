"""NVIDIA's GPUs of this machine, as the driver's management library (NVML) tells of them.

Its calls may block for as long as the driver likes: whoever calls `Nvml.look` does so in a
thread, and never twice at once.
"""

from __future__ import annotations

import contextlib
import ctypes
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.capacity.machine_gpus import GpuSight, MachineGpu

from .pci_devices import NVIDIA, has_gpu

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandlot_hub.domain.settings.local_flavor import Vendor

LIBRARY = "libnvidia-ml.so.1"
_SYSTEM = Path("/sys")
_MIG = " MIG "
"""Stands before the profile in the name of a part of a GPU."""
_NONE_HERE = "This machine has no NVIDIA GPU."
_NOT_LOADED = "This machine has an NVIDIA GPU, but NVIDIA's driver is not loaded."
_NO_LIBRARY = (
    f"This machine has an NVIDIA GPU, but {LIBRARY}, which comes with NVIDIA's driver, is missing."
)
_NO_ANSWER = "It does not answer: {error}."


class Nvml:
    """Looks at NVIDIA's GPUs.

    Parameters
    ----------
    system
        Where the kernel shows its devices.
    library
        Without it there is no driver.
    """

    vendors: tuple[Vendor, ...] = ("nvidia",)

    def __init__(self, *, system: Path = _SYSTEM, library: str = LIBRARY) -> None:
        self._system = system
        self._name = library
        self._library: Any = None
        """The module ``pynvml``, while NVML is open."""
        self._known: dict[str, tuple[MachineGpu, ...]] = {}
        """What every GPU was when it last answered: itself, or its parts, by its UUID."""

    def look(self) -> GpuSight:
        """Return what there is now. Blocks; never raises for what the driver does.

        A GPU that answered before and no longer does stays, as one that cannot be used.
        """
        if self._library is None and not _can_be_loaded(self._name):
            return self._without(_NO_LIBRARY if has_gpu(self._system, NVIDIA) else _NONE_HERE)
        # Only now, and only where there is a driver: it takes a tenth of a second.
        import pynvml  # noqa: PLC0415 (see above)

        try:
            if self._library is None:
                pynvml.nvmlInit()
                self._library = pynvml
            return self._look(pynvml)
        except pynvml.NVMLError as error:
            self._close(pynvml)
            return self._without(self._reason(pynvml, error))

    def _look(self, library: Any) -> GpuSight:
        silent: list[str] = []
        answered: set[str] = set()
        count = library.nvmlDeviceGetCount()
        for index in range(count):
            try:
                device = library.nvmlDeviceGetHandleByIndex(index)
                uuid = library.nvmlDeviceGetUUID(device)
                self._known[uuid] = tuple(_accelerators(library, device, uuid))
                answered.add(uuid)
            except library.NVMLError as error:
                silent.append(_NO_ANSWER.format(error=error))
        reason = silent[0] if silent else _NO_ANSWER.format(error="it is gone")
        gpus = [
            gpu if uuid in answered else replace(gpu, down=reason, busy=False)
            for uuid, its in self._known.items()
            for gpu in its
        ]
        # Those that have never answered since the start: they are there, and nobody can use them.
        strangers = max(0, len(silent) - len(self._known.keys() - answered))
        gpus += [_stranger(number, reason) for number in range(strangers)]
        if not gpus and not count:
            return GpuSight(missing={"nvidia": "NVIDIA's driver finds no GPU."})
        return GpuSight(gpus=tuple(gpus))

    def _without(self, reason: str) -> GpuSight:
        gpus = [
            replace(gpu, down=reason, busy=False) for its in self._known.values() for gpu in its
        ]
        return GpuSight(gpus=tuple(gpus), missing={"nvidia": reason})

    def _reason(self, library: Any, error: Any) -> str:
        match error.value:
            case library.NVML_ERROR_LIBRARY_NOT_FOUND:
                return _NO_LIBRARY
            case library.NVML_ERROR_DRIVER_NOT_LOADED:
                return _NOT_LOADED if has_gpu(self._system, NVIDIA) else _NONE_HERE
            case library.NVML_ERROR_NO_PERMISSION:
                return "Sandlot has no permission to use NVIDIA's devices (/dev/nvidia*)."
            case library.NVML_ERROR_LIB_RM_VERSION_MISMATCH:
                return (
                    "NVIDIA's driver and its libraries have different versions: after an update "
                    "the machine has to be restarted."
                )
            case _:
                return f"NVIDIA's driver does not work: {error}."

    def _close(self, library: Any) -> None:
        """Begin anew the next time: the driver may have been loaded, or another one."""
        if self._library is not None:
            self._library = None
            with contextlib.suppress(library.NVMLError):
                library.nvmlShutdown()


def _can_be_loaded(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _accelerators(library: Any, device: Any, uuid: str) -> Iterator[MachineGpu]:
    """Yield a GPU, or its parts where it is split into such: then it is no whole one."""
    if not _is_split(library, device):
        yield _gpu(library, device, uuid)
        return
    for index in range(library.nvmlDeviceGetMaxMigDeviceCount(device)):
        try:
            part = library.nvmlDeviceGetMigDeviceHandleByIndex(device, index)
        except library.NVMLError_NotFound:
            continue  # a place for a part that was not made
        yield _gpu(library, part, library.nvmlDeviceGetUUID(part))


def _is_split(library: Any, device: Any) -> bool:
    try:
        current, _ = library.nvmlDeviceGetMigMode(device)
    except (library.NVMLError_NotSupported, library.NVMLError_FunctionNotFound):
        return False  # a GPU, or a driver, that knows nothing of parts
    return bool(current == library.NVML_DEVICE_MIG_ENABLE)


def _gpu(library: Any, device: Any, uuid: str) -> MachineGpu:
    product, _, profile = library.nvmlDeviceGetName(device).partition(_MIG)
    return MachineGpu(
        id=uuid,
        vendor="nvidia",
        handle=uuid,
        product=product,
        memory_bytes=_memory(library, device),
        mig_profile=profile or None,
        busy=_is_busy(library, device),
    )


def _memory(library: Any, device: Any) -> int | None:
    try:
        return int(library.nvmlDeviceGetMemoryInfo(device).total)
    except library.NVMLError_NotSupported:
        return None  # it shares the memory of the machine


def _is_busy(library: Any, device: Any) -> bool:
    try:
        return bool(library.nvmlDeviceGetComputeRunningProcesses(device))
    except library.NVMLError_InsufficientSize:
        return True  # more than a moment before, when their number was asked for
    except (library.NVMLError_NotSupported, library.NVMLError_FunctionNotFound):
        return False


def _stranger(number: int, reason: str) -> MachineGpu:
    name = f"nvidia-silent-{number}"
    return MachineGpu(id=name, vendor="nvidia", handle=name, product="NVIDIA GPU", down=reason)
