"""Keeps what the gateway believes in step with the processes that there are."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sandlot_hub.adapters.supervisor_client import (
    SupervisorRefusedError,
    SupervisorUnreachableError,
)
from sandlot_hub.services.logs import FIELDS

if TYPE_CHECKING:
    from .backend import SupervisedBackend
    from .supervisor_port import DaskSupervisor

logger = logging.getLogger(__name__)

_WAIT_S = 5.0
"""How long one question stays open. Each answer is compared, changed or not."""
_PAUSE_S = 1.0
_BETWEEN_S = 0.1
"""Between two answers: workers start by the dozen."""


class ProcessWatch:
    """Asks the supervisor for the processes, again and again.

    Parameters
    ----------
    supervisor
        Is asked.
    backend
        Compares.
    """

    def __init__(self, *, supervisor: DaskSupervisor, backend: SupervisedBackend) -> None:
        self._supervisor = supervisor
        self._backend = backend
        self.answered = True
        """Whether the last question was answered."""

    async def run(self) -> None:
        """Ask for ever."""
        version: int | None = None
        missing: frozenset[str] = frozenset()
        while True:
            try:
                states = await self._supervisor.dask_states(after=version, wait_s=_WAIT_S)
            except (SupervisorRefusedError, SupervisorUnreachableError) as error:
                if self.answered:
                    reason = f"{type(error).__name__}: {error}"
                    logger.warning("processes are not known", extra={FIELDS: {"reason": reason}})
                self.answered = False
                await asyncio.sleep(_PAUSE_S)
                continue
            self.answered = True
            try:
                missing = self._backend.compare(states.processes, missing=missing)
            except sa.exc.OperationalError as error:
                # Nothing is forgotten: the same version is asked for, and answered at once.
                reason = type(error).__name__
                logger.warning("processes cannot be compared", extra={FIELDS: {"reason": reason}})
                await asyncio.sleep(_PAUSE_S)
                continue
            version = states.version
            await asyncio.sleep(_BETWEEN_S)
