from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING

from support.cluster.runs import LOCK, sweep

if TYPE_CHECKING:
    from pathlib import Path


def test_what_nobody_holds_is_removed_and_what_somebody_holds_stays(tmp_path: Path) -> None:
    for name in ("sandlot-dead", "sandlot-lives", "somebody-else"):
        (tmp_path / name / "etcd").mkdir(parents=True)
        (tmp_path / name / LOCK).touch()
    with (tmp_path / "sandlot-lives" / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        removed = sweep(tmp_path)

    assert removed == ["sandlot-dead"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["sandlot-lives", "somebody-else"]
