"""Which graphics cards and accelerators stand on the PCI bus, driver or not (Linux)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NVIDIA, AMD, INTEL = "0x10de", "0x1002", "0x8086"
_DISPLAY, _ACCELERATOR = "0x03", "0x12"


def has_gpu(system: Path, vendor: str) -> bool:
    """Return whether the bus has a graphics card or an accelerator of a vendor.

    Parameters
    ----------
    system
        Where the kernel shows its devices: ``/sys``.
    vendor
        One of `NVIDIA`, `AMD`, `INTEL`.
    """
    with contextlib.suppress(OSError):
        for device in (system / "bus/pci/devices").iterdir():
            if first_line(device / "vendor") == vendor and first_line(device / "class").startswith(
                (_DISPLAY, _ACCELERATOR)
            ):
                return True
    return False


def first_line(path: Path) -> str:
    """Return the first line of a file of the kernel; empty when it cannot be read."""
    with contextlib.suppress(OSError):
        lines = path.read_text(errors="replace").splitlines()
        return lines[0].strip() if lines else ""
    return ""
