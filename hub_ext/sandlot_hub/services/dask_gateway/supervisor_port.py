"""What the gateway of one machine asks the supervisor for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sandlot_contracts.supervisor import DaskState, DaskStates, LogTail, StartDask


class DaskSupervisor(Protocol):
    """The part of `SupervisorClient` that the gateway uses."""

    async def start_dask(self, request: StartDask) -> DaskState:
        """Start a scheduler or a worker."""
        ...

    async def dask_states(self, *, after: int | None = None, wait_s: float = 0.0) -> DaskStates:
        """Return how all of them are."""
        ...

    async def stop_dask(self, process_id: str, *, now: bool = False) -> DaskState | None:
        """Stop one of them."""
        ...

    async def dask_log(self, process_id: str) -> LogTail:
        """Return the last lines that one of them wrote."""
        ...
