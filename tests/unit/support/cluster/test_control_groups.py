"""Control groups of a run, on folders that stand for the kernel's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cluster import control_groups

if TYPE_CHECKING:
    from pathlib import Path


def tree(folder: Path, *files: str) -> None:
    folder.mkdir()
    for name in files:
        (folder / name).write_text("0-1")


@pytest.fixture
def version_1(tmp_path: Path) -> Path:
    tree(tmp_path / "memory", "cgroup.procs")
    tree(tmp_path / "cpuset", "cgroup.procs", "cpuset.cpus", "cpuset.mems")
    tree(tmp_path / "notes")
    (tmp_path / "other").symlink_to("memory")
    return tmp_path


def test_version_1_has_a_group_in_every_tree(version_1: Path) -> None:
    control_groups.create("run", trees=version_1)

    assert {path.parent.name for path in version_1.glob("*/run")} == {"memory", "cpuset", "other"}


def test_version_2_has_one(tmp_path: Path) -> None:
    tree(tmp_path / "system.slice", "cgroup.procs")
    (tmp_path / control_groups.UNIFIED).touch()

    control_groups.create("run", trees=tmp_path)

    assert [path.parent for path in tmp_path.glob("**/run")] == [tmp_path]


def test_all_of_it_goes(version_1: Path) -> None:
    control_groups.create("run", trees=version_1)
    (version_1 / "memory/run/kubepods/pod").mkdir(parents=True)

    control_groups.remove("run", trees=version_1)
    control_groups.remove("run", trees=version_1)

    assert not list(version_1.glob("**/run"))
    assert (version_1 / "memory").is_dir()
