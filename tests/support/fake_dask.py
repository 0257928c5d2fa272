"""What is behind the supervisor's socket for the Dask gateway, without any process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_contracts.supervisor import DaskState, DaskStates, LogTail, StartDask

if TYPE_CHECKING:
    from collections.abc import Callable

PROCESS = "0" * 32
DASK = DaskState(
    process_id=PROCESS,
    cluster=PROCESS,
    owner="ann",
    role="scheduler",
    state="running",
    pid=7,
    uid=8,
)


class FakeDask:
    """Notes what was asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    async def start(self, request: StartDask) -> DaskState:
        self.asked.append(("start", request))
        return DASK

    async def states(
        self, *, after: int | None = None, wait_s: float = 0.0, gone: Callable[[], bool]
    ) -> DaskStates:
        self.asked.append(("states", after, wait_s))
        del gone
        return DaskStates(version=7, processes=(DASK,))

    async def stop(self, process_id: str, *, now: bool) -> DaskState:
        self.asked.append(("stop", process_id, now))
        return DASK

    def log_tail(self, process_id: str) -> LogTail:
        self.asked.append(("log", process_id))
        return LogTail(lines=("a", "b"))

    def end_waiting(self) -> None:
        """Nobody waits."""


def dask_request(**changes: object) -> StartDask:
    """Return what the gateway would ask for."""
    values: dict[str, object] = {
        "process_id": PROCESS,
        "cluster": PROCESS,
        "owner": "ann",
        "role": "scheduler",
        "image": "base",
        "size": "small",
        "settings_hash": "h",
        "token": "1" * 32,
        "certificate": "-----BEGIN CERTIFICATE-----",
        "key": "secret",
    }
    return StartDask.model_validate({**values, **changes})
