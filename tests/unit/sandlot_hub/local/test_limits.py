from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandlot_hub.local import limits
from sandlot_hub.local.limits import (
    ControlGroups,
    CpuSpread,
    NoMemoryLimits,
    find_memory_limits,
)

if TYPE_CHECKING:
    from pathlib import Path

V2_MOUNT = "31 23 0:28 / {point} rw,relatime - cgroup2 cgroup2 rw\n"
V1_MOUNT = "35 31 0:32 / {point}/memory rw,relatime - cgroup cgroup rw,memory\n"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param([1, 1, 1], [{0}, {1}, {2}], id="one-each"),
        pytest.param([0.5, 0.5], [{0}, {1}], id="fractions-are-rounded-up"),
        pytest.param([2, 1, 2], [{0, 1}, {2}, {3, 0}], id="least-used-first"),
        pytest.param([99], [{0, 1, 2, 3}], id="no-more-than-there-are"),
    ],
)
def test_servers_are_spread(wanted: list[float], expected: list[set[int]]) -> None:
    spread = CpuSpread((0, 1, 2, 3))
    assert [spread.take(cpus) for cpus in wanted] == expected


def test_processors_are_given_back() -> None:
    spread = CpuSpread((0, 1))
    first = spread.take(1)
    spread.take(1)
    spread.give_back(first)
    assert spread.take(1) == first
    assert spread.count == 2


def machine(tmp_path: Path, mounts: str, own: str) -> tuple[Path, Path]:
    """Write what the kernel would say."""
    (tmp_path / "mountinfo").write_text(mounts.format(point=tmp_path / "cg"))
    (tmp_path / "cgroup").write_text(own)
    return tmp_path / "mountinfo", tmp_path / "cgroup"


def group(tmp_path: Path, path: str, **files: str) -> Path:
    folder = tmp_path / "cg" / path
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_version_2_uses_the_nearest_group_that_hands_memory_on(tmp_path: Path) -> None:
    group(tmp_path, "", cgroup__subtree_control="memory")
    parent = group(tmp_path, "user.slice", cgroup__subtree_control="cpu memory", memory__max="max")
    group(tmp_path, "user.slice/session", cgroup__subtree_control="", memory__max="max")
    mounts, own = machine(tmp_path, V2_MOUNT, "0::/user.slice/session\n")
    found = find_memory_limits(mounts=mounts, own=own)
    assert isinstance(found, ControlGroups)
    assert found.parent == parent
    assert found.reason == ""


@pytest.mark.parametrize(
    ("own_limit", "controllers"),
    [
        pytest.param("1073741824", "memory", id="own-limit-is-not-left"),
        pytest.param("max", "cpu", id="memory-is-not-handed-on"),
    ],
)
def test_version_2_without_a_way(tmp_path: Path, own_limit: str, controllers: str) -> None:
    group(tmp_path, "", cgroup__subtree_control=controllers)
    group(tmp_path, "session", cgroup__subtree_control="", memory__max=own_limit)
    mounts, own = machine(tmp_path, V2_MOUNT, "0::/session\n")
    found = find_memory_limits(mounts=mounts, own=own)
    assert isinstance(found, NoMemoryLimits)
    assert "open to Sandlot" in found.reason


def test_version_1_uses_our_own_group(tmp_path: Path) -> None:
    ours = group(tmp_path, "memory/ours")
    mounts, own = machine(tmp_path, V1_MOUNT, "4:memory:/ours\n")
    found = find_memory_limits(mounts=mounts, own=own)
    assert isinstance(found, ControlGroups)
    assert found.parent == ours


def test_inside_a_container_the_mount_begins_at_its_own_group(tmp_path: Path) -> None:
    inside = group(tmp_path, "memory/below")
    mounted = "35 31 0:32 /docker/1 {point}/memory rw - cgroup cgroup rw,memory\n"
    mounts, own = machine(tmp_path, mounted, "4:memory:/docker/1/below\n")
    found = find_memory_limits(mounts=mounts, own=own)
    assert isinstance(found, ControlGroups)
    assert found.parent == inside


@pytest.mark.parametrize(
    ("mounts", "own", "words"),
    [
        pytest.param("", "", "open to Sandlot", id="none-mounted"),
        pytest.param(V1_MOUNT, "4:memory:/gone\n", "No such file", id="not-writable"),
    ],
)
def test_the_reason_is_told(tmp_path: Path, mounts: str, own: str, words: str) -> None:
    found = find_memory_limits(
        **dict(zip(("mounts", "own"), machine(tmp_path, mounts, own), strict=True))
    )
    assert isinstance(found, NoMemoryLimits)
    assert words in found.reason


def test_a_system_without_them(tmp_path: Path) -> None:
    found = find_memory_limits(mounts=tmp_path / "nothing", own=tmp_path / "nothing")
    assert found.reason == "This system has no control groups."


def test_a_group_is_limited_and_its_kills_are_counted(tmp_path: Path) -> None:
    groups = ControlGroups(group(tmp_path, "memory"), limits._V1)
    made = groups.group("a-1", 4096)
    folder = tmp_path / "cg" / "memory" / "sandlot-a-1"
    assert (folder / "memory.limit_in_bytes").read_text() == "4096"
    assert (folder / "memory.memsw.limit_in_bytes").read_text() == "4096"
    made.add(7)
    assert (folder / "cgroup.procs").read_text() == "7"
    assert made.kills() == 0
    (folder / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    assert made.kills() == 2
    assert made.remove() is False, "a folder with files, like a group with processes"


def test_only_groups_of_this_stack_are_cleared(tmp_path: Path) -> None:
    parent = group(tmp_path, "memory")
    for name in ("sandlot-a-1", "sandlot-a-2", "sandlot-b-1", "other"):
        (parent / name).mkdir()
    ControlGroups(parent, limits._V1).clear("a-")
    assert {path.name for path in parent.iterdir()} == {"sandlot-b-1", "other"}


def test_a_group_that_is_gone_is_removed(tmp_path: Path) -> None:
    made = ControlGroups(group(tmp_path, "memory"), limits._V1).group("a-1", 1)
    folder = tmp_path / "cg" / "memory" / "sandlot-a-1"
    for path in folder.iterdir():
        path.unlink()
    assert made.remove() is True
    assert made.remove() is True
