"""Control groups for the pods of one run, by its name in every hierarchy there is.

Version 1 has a tree for each controller, version 2 has one for all. A run's pods lie below a
group of its own, so that two runs do not share one, and that what a killed run has left is known.
"""

from __future__ import annotations

import errno
from functools import partial
from pathlib import Path

from support.cluster.errors import CannotRunHereError
from support.cluster.waiting import wait_until

TREES = Path("/sys/fs/cgroup")
UNIFIED = "cgroup.controllers"
"""A file that only version 2 has."""
COPIED = ("cpuset.cpus", "cpuset.mems")
"""Empty in a new group of version 1, which then can hold nothing."""
END_S = 20.0


def create(name: str, *, trees: Path = TREES) -> None:
    """Make a run's group in every tree.

    Raises
    ------
    CannotRunHereError
        If this machine does not let us.
    """
    for tree in _trees(trees):
        group = tree / name
        try:
            group.mkdir(exist_ok=True)
            for file in COPIED:
                if (group / file).exists() and not (tree / UNIFIED).exists():
                    (group / file).write_text((tree / file).read_text())
        except OSError as error:
            message = f"the test node needs control groups of its own, and has none here: {error}"
            raise CannotRunHereError(message) from error


def remove(name: str, *, trees: Path = TREES) -> None:
    """Remove a run's groups, whose processes have been killed. None there is no error."""
    for tree in _trees(trees):
        group = tree / name
        if group.is_dir():
            wait_until(partial(_emptied, group), what=f"{group} is gone", timeout_s=END_S)


def _trees(trees: Path) -> list[Path]:
    if (trees / UNIFIED).exists():
        return [trees]
    # A tree with two controllers has a link for each.
    found = [path for path in trees.glob("*") if path.is_dir() and not path.is_symlink()]
    return [path for path in found if (path / "cgroup.procs").exists()]


def _emptied(group: Path) -> bool:
    """Remove a group with those below it; false while a process that was killed is in one."""
    below = [path for path in group.rglob("*") if path.is_dir()]
    for path in (*sorted(below, reverse=True), group):
        try:
            path.rmdir()
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            return False
    return True
