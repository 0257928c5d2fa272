"""GPUs of a machine for tests of what is made of them: there as long as a test says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.capacity.machine_gpus import GpuSight, MachineGpu
from sandlot_hub.local.gpu_leases import GpuLeases
from sandlot_hub.local.gpus import MachineGpus

if TYPE_CHECKING:
    from sandlot_hub.domain.settings.local_flavor import Vendor


class StillDriver:
    """A driver that tells what a test has put here, at once."""

    vendors: tuple[Vendor, ...] = ("nvidia",)

    def __init__(self) -> None:
        self.found = GpuSight()

    def put(self, *gpus: MachineGpu) -> None:
        """Have these GPUs there."""
        self.found = GpuSight(gpus=gpus)

    def look(self) -> GpuSight:
        """Return them."""
        return self.found

    def leases(self) -> GpuLeases:
        """Return leases of them; every question looks anew."""
        gpus = MachineGpus(
            sources=(self,), changed=lambda: None, monotonic=time.monotonic, every_s=0.0
        )
        return GpuLeases(gpus=gpus)


def l4(number: int, **changes: Any) -> MachineGpu:
    """Return a GPU."""
    name = f"GPU-{number}"
    known = {"id": name, "vendor": "nvidia", "handle": name, "product": "NVIDIA L4"}
    return MachineGpu(**{**known, **changes})
