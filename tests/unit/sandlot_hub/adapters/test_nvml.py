"""Tests of NVIDIA's GPUs, through NVIDIA's own Python binding and a library in place of the driver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.nvml import Nvml
from sandlot_hub.domain.capacity.machine_gpus import GpuSight, MachineGpu
from support.fake_nvml import GIB, GPU_IS_LOST, NOT_FOUND, build_fake_nvml, gpu, part

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.fake_nvml import FakeNvml

LOOKS = """
import dataclasses, json, sys
from sandlot_hub.adapters.nvml import Nvml
nvml = None
for line in sys.stdin:
    nvml = Nvml() if line.strip() == "new" or nvml is None else nvml
    sight = nvml.look()
    gpus = [dataclasses.asdict(gpu) for gpu in sight.gpus]
    print(json.dumps({"gpus": gpus, "missing": dict(sight.missing)}), flush=True)
"""
A100 = "NVIDIA A100-SXM4-80GB"


class Looker:
    """A process that has loaded the library, as a supervisor has."""

    def __init__(self, fake: FakeNvml) -> None:
        self._fake = fake
        self._process = subprocess.Popen(
            [sys.executable, "-c", LOOKS],
            env={**os.environ, **fake.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def look(self, *lines: str, anew: bool = False) -> GpuSight:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._fake.tell(*lines)
        self._process.stdin.write("new\n" if anew else "look\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        gpus = tuple(MachineGpu(**{**each, "groups": ()}) for each in told["gpus"])
        return GpuSight(gpus=gpus, missing=told["missing"])

    def close(self) -> None:
        self._process.communicate(timeout=20)


@pytest.fixture(scope="module")
def looker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looker]:
    made = Looker(build_fake_nvml(tmp_path_factory.mktemp("nvml")))
    yield made
    made.close()


def test_gpus_are_told_with_what_they_are(looker: Looker) -> None:
    sight = looker.look(gpu("GPU-1"), gpu("GPU-2", name=A100, memory=80 * GIB), anew=True)
    first, second = sight.gpus
    assert (first.id, first.handle, first.vendor) == ("GPU-1", "GPU-1", "nvidia")
    assert (first.product, first.memory_bytes) == ("NVIDIA L4", 24 * GIB)
    assert (second.product, second.memory_bytes) == (A100, 80 * GIB)
    assert not any(each.down or each.busy or each.mig_profile for each in sight.gpus)
    assert sight.missing == {}


def test_a_gpu_in_parts_is_no_whole_one(looker: Looker) -> None:
    lines = (gpu("GPU-1", name=A100), part("MIG-1", "3g.40gb"), part("MIG-2", "1g.10gb+me"))
    sight = looker.look(*lines, gpu("GPU-2"), anew=True)
    assert [(each.id, each.product, each.mig_profile) for each in sight.gpus] == [
        ("MIG-1", A100, "3g.40gb"),
        ("MIG-2", A100, "1g.10gb+me"),
        ("GPU-2", "NVIDIA L4", None),
    ]


def test_between_parts_there_may_be_a_place_for_one(looker: Looker) -> None:
    made = (part("MIG-1", "1g.10gb"), part("none", "1g.10gb"), f"lost {NOT_FOUND}")
    sight = looker.look(gpu("GPU-1", name=A100), *made, part("MIG-3", "1g.10gb"), anew=True)
    assert [each.id for each in sight.gpus] == ["MIG-1", "MIG-3"]


def test_a_gpu_that_is_to_be_split_and_is_not_yet_is_nothing(looker: Looker) -> None:
    sight = looker.look(gpu("GPU-1", name=A100), "split 1", anew=True)
    assert sight.gpus == ()
    assert sight.missing == {}, "the driver works, and there is a GPU"


def test_parts_that_are_made_anew_take_the_place_of_those_before(looker: Looker) -> None:
    looker.look(gpu("GPU-1", name=A100), part("MIG-1", "3g.40gb"), anew=True)
    sight = looker.look(gpu("GPU-1", name=A100), part("MIG-2", "1g.10gb"))
    assert [each.id for each in sight.gpus] == ["MIG-2"]
    assert [each.id for each in looker.look(gpu("GPU-1", name=A100)).gpus] == ["GPU-1"]


def test_who_computes_on_a_gpu_keeps_it_busy(looker: Looker) -> None:
    lines = (gpu("GPU-1"), "process 4711", gpu("GPU-2"))
    assert [each.busy for each in looker.look(*lines, anew=True).gpus] == [True, False]
    crowd = (gpu("GPU-1"), *(f"process {pid}" for pid in range(12)), gpu("GPU-2"))
    assert [each.busy for each in looker.look(*crowd).gpus] == [True, False]
    assert [each.busy for each in looker.look(gpu("GPU-1"), gpu("GPU-2")).gpus] == [False, False]
    more_and_more = (gpu("GPU-1"), "crowd 1", gpu("GPU-2"))
    assert [each.busy for each in looker.look(*more_and_more).gpus] == [True, False]


def test_parts_are_busy_each_by_itself(looker: Looker) -> None:
    lines = (gpu("GPU-1", name=A100), part("MIG-1", "3g.40gb"), "process 7")
    sight = looker.look(*lines, part("MIG-2", "3g.40gb"), anew=True)
    assert [each.busy for each in sight.gpus] == [True, False]


def test_memory_that_is_shared_with_the_machine_is_not_told(looker: Looker) -> None:
    sight = looker.look(gpu("GPU-1", memory=0), anew=True)
    assert [each.memory_bytes for each in sight.gpus] == [None]


def test_a_lost_gpu_stays_and_cannot_be_used_until_it_is_back(looker: Looker) -> None:
    looker.look(gpu("GPU-1"), gpu("GPU-2"), anew=True)
    lost = looker.look(gpu("GPU-1"), f"lost {GPU_IS_LOST}", gpu("GPU-2"))
    assert [(each.id, each.down) for each in lost.gpus] == [
        ("GPU-1", "It does not answer: GPU is lost."),
        ("GPU-2", ""),
    ]
    back = looker.look(gpu("GPU-1"), gpu("GPU-2"))
    assert [each.down for each in back.gpus] == ["", ""]


def test_the_parts_of_a_lost_gpu_are_lost_with_it(looker: Looker) -> None:
    looker.look(gpu("GPU-1", name=A100), part("MIG-1", "3g.40gb"), anew=True)
    lost = looker.look(gpu("GPU-1", name=A100), f"lost {GPU_IS_LOST}", part("MIG-1", "3g.40gb"))
    assert [(each.id, bool(each.down)) for each in lost.gpus] == [("MIG-1", True)]


def test_a_gpu_that_never_answered_is_counted_and_not_given_out(looker: Looker) -> None:
    sight = looker.look(gpu("GPU-1"), f"lost {GPU_IS_LOST}", gpu("GPU-2"), anew=True)
    assert [(each.product, bool(each.down)) for each in sight.gpus] == [
        ("NVIDIA L4", False),
        ("NVIDIA GPU", True),
    ]


def test_a_gpu_that_was_taken_out_is_gone(looker: Looker) -> None:
    looker.look(gpu("GPU-1"), gpu("GPU-2"), anew=True)
    sight = looker.look(gpu("GPU-2"))
    assert [(each.id, each.down) for each in sight.gpus] == [
        ("GPU-1", "It does not answer: it is gone."),
        ("GPU-2", ""),
    ]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        pytest.param([], "NVIDIA's driver finds no GPU.", id="no GPU"),
        pytest.param(
            ["fails 4"], "no permission to use NVIDIA's devices (/dev/nvidia*)", id="mode"
        ),
        pytest.param(["fails 18"], "after an update the machine has to be restarted", id="update"),
        pytest.param(["fails 999"], "NVIDIA's driver does not work: Unknown Error.", id="else"),
    ],
)
def test_what_is_missing_is_said(looker: Looker, lines: list[str], words: str) -> None:
    sight = looker.look(*lines, anew=True)
    assert sight.gpus == ()
    assert words in sight.missing["nvidia"]


def test_a_driver_that_is_unloaded_and_loaded_again(looker: Looker) -> None:
    looker.look(gpu("GPU-1"), anew=True)
    gone = looker.look("fails 999")
    assert [each.down for each in gone.gpus] == [gone.missing["nvidia"]]
    back = looker.look(gpu("GPU-1"))
    assert [each.down for each in back.gpus] == [""]
    assert back.missing == {}


@pytest.mark.parametrize(
    ("vendor", "reason"),
    [
        pytest.param(
            "0x10de", "an NVIDIA GPU, but libnvidia-ml.so.1, which comes with", id="no driver"
        ),
        pytest.param("0x1002", "This machine has no NVIDIA GPU.", id="no GPU"),
    ],
)
def test_without_the_library(tmp_path: Path, vendor: str, reason: str) -> None:
    device = tmp_path / "bus/pci/devices/0000:01:00.0"
    device.mkdir(parents=True)
    (device / "vendor").write_text(f"{vendor}\n")
    (device / "class").write_text("0x030200\n")
    sight = Nvml(system=tmp_path, library="libnowhere.so.1").look()
    assert sight.gpus == ()
    assert reason in sight.missing["nvidia"]
