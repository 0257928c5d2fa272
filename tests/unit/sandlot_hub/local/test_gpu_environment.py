from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandlot_hub.domain.capacity.machine_gpus import MachineGpu
from sandlot_hub.local.gpu_environment import gpu_environment

if TYPE_CHECKING:
    from sandlot_hub.domain.settings.local_flavor import Vendor

HIDDEN = {
    "CUDA_VISIBLE_DEVICES": "",
    "ROCR_VISIBLE_DEVICES": "",
    "HIP_VISIBLE_DEVICES": "-1",
    "ONEAPI_DEVICE_SELECTOR": "!*:gpu",
}


def test_who_has_none_sees_none() -> None:
    assert gpu_environment(()) == HIDDEN


@pytest.mark.parametrize(
    ("vendor", "handles", "expected"),
    [
        pytest.param("nvidia", ["GPU-1"], {"CUDA_VISIBLE_DEVICES": "GPU-1"}, id="nvidia"),
        pytest.param(
            "nvidia", ["MIG-1", "MIG-2"], {"CUDA_VISIBLE_DEVICES": "MIG-1,MIG-2"}, id="parts"
        ),
        pytest.param(
            "amd",
            ["GPU-0000000000001a2b", "3"],
            {"ROCR_VISIBLE_DEVICES": "GPU-0000000000001a2b,3", "HIP_VISIBLE_DEVICES": "0,1"},
            id="amd",
        ),
    ],
)
def test_who_has_some_sees_these(
    vendor: Vendor, handles: list[str], expected: dict[str, str]
) -> None:
    gpus = [MachineGpu(id=each, vendor=vendor, handle=each, product="X") for each in handles]
    assert gpu_environment(gpus) == {**HIDDEN, **expected}


def test_who_has_some_of_intel_counts_cards() -> None:
    gpus = [MachineGpu(id=each, vendor="intel", handle=each, product="X") for each in ("0", "2")]
    found = gpu_environment(gpus)
    assert "ONEAPI_DEVICE_SELECTOR" not in found, "it would hide them"
    assert found["ZE_AFFINITY_MASK"] == "0,2"
    assert found["ZE_FLAT_DEVICE_HIERARCHY"] == "COMPOSITE"
    assert (found["CUDA_VISIBLE_DEVICES"], found["ROCR_VISIBLE_DEVICES"]) == ("", "")
