"""What a server may use: CPU by affinity, memory by control group where that is possible.

No ``RLIMIT_AS``: CUDA and Arrow reserve far more addresses than they use.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

_PREFIX = "sandlot-"
_PROBE_BYTES = 64 * 1024**2


class CpuSpread:
    """Spreads servers over the processors: each gets those that the fewest others have.

    A process may widen its own affinity, so that this shares a machine among people
    of good will; it does not hold off somebody who wants more.
    """

    def __init__(self, processors: Sequence[int]) -> None:
        self._users: Counter[int] = Counter(dict.fromkeys(processors, 0))

    @property
    def count(self) -> int:
        """How many processors there are."""
        return len(self._users)

    def take(self, cpus: float) -> frozenset[int]:
        """Return the processors for a server of `cpus` cores, a fraction rounded up."""
        count = min(math.ceil(cpus), len(self._users))
        least_used = sorted(self._users, key=lambda each: (self._users[each], each))
        taken = frozenset(least_used[:count])
        self._users.update(taken)
        return taken

    def give_back(self, taken: frozenset[int]) -> None:
        """Note that a server has ended."""
        self._users.subtract(taken)


class MemoryGroup(Protocol):
    """The control group of one server."""

    def add(self, pid: int) -> None:
        """Put a process in; what it starts from now on is in, too."""
        ...

    def kills(self) -> int:
        """Return how many of its processes were ended for want of memory."""
        ...

    def remove(self) -> bool:
        """Remove the group; return whether it is gone (not while a process is in it)."""
        ...


class MemoryLimits(Protocol):
    """Makes control groups; or says why it cannot."""

    @property
    def reason(self) -> str:
        """Why memory is not limited, one sentence; empty when it is."""
        ...

    def group(self, name: str, memory_bytes: int) -> MemoryGroup | None:
        """Return a new group; None when memory is not limited."""
        ...

    def clear(self, prefix: str) -> None:
        """Remove the groups that a killed run has left, whose names begin with `prefix`."""
        ...


@dataclass(frozen=True, slots=True)
class NoMemoryLimits:
    """For machines where control groups cannot be made."""

    reason: str

    def group(self, name: str, memory_bytes: int) -> None:  # noqa: ARG002 (the protocol's)
        """Return None."""
        return

    def clear(self, prefix: str) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class _Files:
    """The names that differ between the versions of control groups."""

    limit: str
    swap: str
    events: str


_V1 = _Files("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.oom_control")
_V2 = _Files("memory.max", "memory.swap.max", "memory.events")


@dataclass(frozen=True, slots=True)
class ControlGroups:
    """Makes control groups below one folder."""

    parent: Path
    files: _Files
    reason: str = ""

    def group(self, name: str, memory_bytes: int) -> MemoryGroup:
        """Return a new group, limited to `memory_bytes`.

        Raises
        ------
        OSError
            If the kernel refuses.
        """
        folder = self.parent / f"{_PREFIX}{name}"
        folder.mkdir(exist_ok=True)
        (folder / self.files.limit).write_text(str(memory_bytes))
        # Version 1 limits memory and swap together, version 2 swap alone. A kernel
        # without swap accounting has no such file, and nothing to limit.
        with contextlib.suppress(OSError):
            swap = memory_bytes if self.files is _V1 else 0
            (folder / self.files.swap).write_text(str(swap))
        return _ControlGroup(folder, self.files)

    def clear(self, prefix: str) -> None:
        """Remove the groups that a killed run has left, whose names begin with `prefix`."""
        for folder in self.parent.glob(f"{_PREFIX}{prefix}*"):
            _ControlGroup(folder, self.files).remove()


@dataclass(frozen=True, slots=True)
class _ControlGroup:
    folder: Path
    files: _Files

    def add(self, pid: int) -> None:
        (self.folder / "cgroup.procs").write_text(str(pid))

    def kills(self) -> int:
        with contextlib.suppress(OSError):
            for line in (self.folder / self.files.events).read_text().splitlines():
                name, _, value = line.partition(" ")
                if name == "oom_kill":
                    return int(value)
        return 0

    def remove(self) -> bool:
        try:
            self.folder.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class _Mount:
    """A mounted hierarchy of control groups."""

    root: str
    """Which group appears at `point`: not ``/`` inside a container."""
    point: Path
    options: frozenset[str]

    def folder(self, group: str) -> Path:
        """Return where a group of this hierarchy appears."""
        inside = group.removeprefix(self.root) if self.root != "/" else group
        return self.point / inside.lstrip("/")


def find_memory_limits(
    *, mounts: Path = Path("/proc/self/mountinfo"), own: Path = Path("/proc/self/cgroup")
) -> MemoryLimits:
    """Return the way to limit memory on this machine, or the reason why there is none."""
    try:
        mounted, groups = mounts.read_text(), own.read_text()
    except OSError:
        return NoMemoryLimits("This system has no control groups.")
    found = _find_v2(mounted, groups) or _find_v1(mounted, groups)
    if found is None:
        return NoMemoryLimits("No control group for memory is open to Sandlot here.")
    try:
        probe = found.group("probe", _PROBE_BYTES)
    except OSError as error:
        return NoMemoryLimits(f"Control groups cannot be written here ({error.strerror}).")
    probe.remove()
    return found


def _find_v2(mounted: str, groups: str) -> ControlGroups | None:
    """Find the nearest group above ours that hands memory limits on to its children.

    A group with processes in it cannot do so, thus never our own one. A group with a
    limit of its own is not left: what we start must stay within it.
    """
    mount, own = _mount(mounted, "cgroup2", ""), _own_group(groups, "")
    if mount is None or own is None:
        return None
    folder = mount.folder(own)
    while folder != mount.point and _read(folder / _V2.limit) in ("", "max"):
        folder = folder.parent
        if "memory" in _read(folder / "cgroup.subtree_control").split():
            return ControlGroups(folder, _V2)
    return None


def _find_v1(mounted: str, groups: str) -> ControlGroups | None:
    mount, own = _mount(mounted, "cgroup", "memory"), _own_group(groups, "memory")
    if mount is None or own is None:
        return None
    return ControlGroups(mount.folder(own), _V1)


def _mount(mounted: str, kind: str, controller: str) -> _Mount | None:
    for line in mounted.splitlines():
        fields, _, rest = line.partition(" - ")
        found_kind, _, options = rest.split(" ", 2)
        _, _, _, root, point, *_ = fields.split()
        mount = _Mount(root, Path(point), frozenset(options.split(",")))
        if found_kind == kind and (not controller or controller in mount.options):
            return mount
    return None


def _own_group(groups: str, controller: str) -> str | None:
    for line in groups.splitlines():
        _, controllers, group = line.split(":", 2)
        if controller in controllers.split(","):
            return group
    return None


def _read(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text().strip()
    return ""
