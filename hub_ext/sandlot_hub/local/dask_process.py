"""One scheduler or worker of a Dask cluster, from its start until nothing is left of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandlot_contracts.supervisor import DaskState

from .endings import why_it_ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandlot_contracts.supervisor import StartDask
    from sandlot_hub.domain.capacity.machine_gpus import MachineGpu

    from .logs import RotatingLog
    from .processes import Guarded
    from .server_limits import Held, ServerLimits


class DaskProcess:
    """One scheduler or worker.

    Parameters
    ----------
    request
        What the gateway asked for.
    guarded
        Its process.
    uid
        Whom it runs as.
    held
        Its limits.
    gpus
        Those that it has.
    log
        Where its output goes.
    limits
        Takes `held` back when nothing is left of it.
    """

    def __init__(  # noqa: PLR0913 (what it is made of)
        self,
        *,
        request: StartDask,
        guarded: Guarded,
        uid: int,
        held: Held,
        gpus: tuple[MachineGpu, ...],
        log: RotatingLog,
        limits: ServerLimits,
    ) -> None:
        self.request = request
        self.gpus = gpus
        self.log_path = log.path
        self._guarded = guarded
        self._uid = uid
        self._held = held
        self._log = log
        self._limits = limits
        self._asked = False
        self._reason = ""
        self._over = asyncio.get_running_loop().create_task(self._until_over())

    @property
    def running(self) -> bool:
        """Whether anything of it is left."""
        return not self._over.done()

    def when_over(self, tell: Callable[[], None]) -> None:
        """Call `tell` when nothing of it is left."""
        self._over.add_done_callback(lambda _: tell())

    def state(self) -> DaskState:
        """Return how it is now."""
        running = self.running
        return DaskState(
            process_id=self.request.process_id,
            cluster=self.request.cluster,
            owner=self.request.owner,
            role=self.request.role,
            state="running" if running else "exited",
            pid=self._guarded.pid,
            uid=self._uid,
            exit_code=None if running else self._guarded.exit_code,
            reason="" if running else self._reason,
        )

    async def stop(self, *, now: bool = False) -> None:
        """End it, and wait until nothing is left of it."""
        self._asked = True
        await self._guarded.stop(now=now)
        await self._over

    async def _until_over(self) -> None:
        code = await self._guarded.wait()
        self._reason = why_it_ended(
            code,
            asked=self._asked,
            memory_kills=self._held.memory_kills(),
            memory_bytes=self._held.memory_bytes,
            # What a scheduler has is not its owner's choice.
            more_memory="Choose a larger worker size." if self.request.role == "worker" else "",
        )
        await self._guarded.drained()
        self._log.write_line(f"ended with exit code {code}: {self._reason}")
        self._log.close()
        await self._limits.give_back(self._held)
