"""What Sandlot finds on a machine with NVIDIA's driver is what NVIDIA's own tool finds."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from sandlot_hub.adapters.nvml import Nvml

MIB = 1024**2
NO_DRIVER = "this machine has no driver of NVIDIA"


def test_the_same_gpus_as_nvidia_smi() -> None:
    command = shutil.which("nvidia-smi")
    if command is None:
        pytest.skip(NO_DRIVER)
    asked = [command, "--query-gpu=uuid,name,memory.total,mig.mode.current"]
    told = subprocess.run(
        [*asked, "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    rows = [[field.strip() for field in line.split(",")] for line in told.splitlines()]
    sight = Nvml().look()
    assert sight.missing == {}
    whole = {gpu.id: gpu for gpu in sight.gpus if gpu.mig_profile is None}
    assert set(whole) == {uuid for uuid, _, _, split in rows if split != "Enabled"}
    for uuid, name, memory, _ in rows:
        if uuid in whole and memory.isdecimal():
            assert whole[uuid].product == name
            assert (whole[uuid].memory_bytes or 0) // MIB == int(memory)
            assert not whole[uuid].down
