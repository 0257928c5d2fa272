from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.pci_devices import AMD, NVIDIA, first_line, has_gpu

if TYPE_CHECKING:
    from pathlib import Path


def add_device(system: Path, *, vendor: str, kind: str) -> None:
    device = system / "bus/pci/devices/0000:01:00.0"
    device.mkdir(parents=True)
    (device / "vendor").write_text(f"{vendor}\n")
    (device / "class").write_text(f"{kind}\n")


@pytest.mark.parametrize(
    ("vendor", "kind", "expected"),
    [
        pytest.param(NVIDIA, "0x030200", True, id="3D controller"),
        pytest.param(NVIDIA, "0x030000", True, id="graphics card"),
        pytest.param(NVIDIA, "0x120000", True, id="accelerator"),
        pytest.param(NVIDIA, "0x040300", False, id="sound of a graphics card"),
        pytest.param(AMD, "0x030000", False, id="of another vendor"),
    ],
)
def test_a_gpu_is_found_without_its_driver(
    tmp_path: Path, vendor: str, kind: str, expected: bool
) -> None:
    add_device(tmp_path, vendor=vendor, kind=kind)
    assert has_gpu(tmp_path, NVIDIA) is expected


def test_a_system_without_a_bus_has_none(tmp_path: Path) -> None:
    assert not has_gpu(tmp_path, NVIDIA)
    assert first_line(tmp_path / "nothing") == ""
