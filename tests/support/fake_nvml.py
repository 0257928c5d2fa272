"""NVIDIA's driver for machines without its GPUs, fake at the boundary of its library.

A small program in C is built as ``libnvidia-ml.so.1``; whoever starts with its folder first in
``LD_LIBRARY_PATH`` loads it through NVIDIA's own Python binding, and finds the GPUs that a file
describes at that moment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

_SOURCE = Path(__file__).with_suffix(".c")
GIB = 1024**3
NOT_FOUND = 6
GPU_IS_LOST = 15


@dataclass(frozen=True, kw_only=True)
class FakeNvml:
    """The built library, and what it tells.

    Of the lines of the file, `gpu MEMORY UUID NAME` and `part MEMORY UUID NAME` (of the GPU before
    it) make a device; `process PID`, `crowd 1`, `split 1` and `lost ERROR` are about the device before
    them; `fails ERROR` is about all.
    """

    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs to find it."""
        before = os.environ.get("LD_LIBRARY_PATH", "")
        path = f"{self.folder}:{before}" if before else str(self.folder)
        return {"LD_LIBRARY_PATH": path, "FAKE_NVML": str(self.folder / "gpus")}

    def tell(self, *lines: str) -> None:
        """Have these devices there from now on."""
        new = self.folder / "gpus.new"
        new.write_text("".join(f"{line}\n" for line in lines))
        new.replace(self.folder / "gpus")  # whole: it may be read at this moment


def gpu(uuid: str, *, name: str = "NVIDIA L4", memory: int = 24 * GIB) -> str:
    """Return the line of a GPU."""
    return f"gpu {memory} {uuid} {name}"


def part(uuid: str, profile: str, *, name: str = "NVIDIA A100-SXM4-80GB") -> str:
    """Return the line of a part of the GPU before it."""
    return f"part {10 * GIB} {uuid} {name} MIG {profile}"


def build_fake_nvml(folder: Path) -> FakeNvml:
    """Return the library, built in `folder`; it has no GPU yet."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("this machine has no C compiler")
    library = folder / "libnvidia-ml.so.1"
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, "-o", str(library), str(_SOURCE)], check=True, timeout=60)
    fake = FakeNvml(folder=folder)
    fake.tell()
    return fake
