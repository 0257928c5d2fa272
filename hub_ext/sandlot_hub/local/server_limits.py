"""The limits of a server, from before its process starts until nothing is left of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from .limits import CpuSpread, MemoryGroup, MemoryLimits

_REMOVE_ATTEMPTS = 100
_REMOVE_PAUSE_S = 0.02


class Resources(Protocol):
    """What something may use, such as a size of the settings."""

    @property
    def cpus(self) -> float:
        """CPU cores."""
        ...

    @property
    def memory(self) -> int:
        """Memory, in bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one server holds."""

    memory_bytes: int
    group: MemoryGroup | None
    processors: frozenset[int]

    def memory_kills(self) -> int:
        """Return how many of its processes were ended for want of memory."""
        return 0 if self.group is None else self.group.kills()


class ServerLimits:
    """Gives limits to servers, and takes them back.

    Parameters
    ----------
    memory
        Limits memory.
    processors
        Spreads servers over the processors.
    set_affinity
        Binds a process to processors; None where the system cannot.
    stack
        A name that no other stack of this machine has.
    """

    def __init__(
        self,
        *,
        memory: MemoryLimits,
        processors: CpuSpread,
        set_affinity: Callable[[int, frozenset[int]], None] | None,
        stack: str,
    ) -> None:
        self._memory = memory
        self._processors = processors
        self._set_affinity = set_affinity
        self._stack = stack
        memory.clear(f"{stack}-")

    @property
    def cpus(self) -> int:
        """How many processors there are for servers."""
        return self._processors.count

    @property
    def cpu_enforced(self) -> bool:
        """Whether servers keep to their processors."""
        return self._set_affinity is not None

    @property
    def memory_reason(self) -> str:
        """Why memory is not limited; empty when it is."""
        return self._memory.reason

    def take(self, name: str, size: Resources) -> Held:
        """Return the limits for something of this size.

        Raises
        ------
        OSError
            If the kernel refuses.
        """
        group = self._memory.group(f"{self._stack}-{name}", size.memory)
        processors = self._processors.take(size.cpus)
        return Held(memory_bytes=size.memory, group=group, processors=processors)

    def apply(self, held: Held, pid: int) -> None:
        """Limit a process; what it starts from now on inherits the limits.

        Raises
        ------
        OSError
            If the kernel refuses.
        """
        if held.group is not None:
            held.group.add(pid)
        if self._set_affinity is not None:
            self._set_affinity(pid, held.processors)

    async def give_back(self, held: Held) -> None:
        """Free what an ended server held."""
        self._processors.give_back(held.processors)
        # The kernel lets go of the last process a moment after its parent has seen it end.
        for _ in range(_REMOVE_ATTEMPTS):
            if held.group is None or held.group.remove():
                return
            await asyncio.sleep(_REMOVE_PAUSE_S)
