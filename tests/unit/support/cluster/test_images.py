"""Which archives of images are kept."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from support.cluster.images import KEPT, UNUSED_S, remove_unused

if TYPE_CHECKING:
    from pathlib import Path


def archive(folder: Path, name: str, *, age_s: float) -> None:
    path = folder / name
    path.touch()
    used = time.time() - age_s
    os.utime(path, (used, used))


def test_the_last_few_of_each_image_stay(tmp_path: Path) -> None:
    for number in range(KEPT + 2):
        archive(tmp_path, f"base-{number}.tar", age_s=60 * number)
    archive(tmp_path, "scipy-1.tar", age_s=3600)
    archive(tmp_path, "my-base-1.tar", age_s=UNUSED_S + 60)
    (tmp_path / "lock").touch()

    remove_unused(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(f"base-{number}.tar" for number in range(KEPT)),
        "lock",
        "scipy-1.tar",
    ]
