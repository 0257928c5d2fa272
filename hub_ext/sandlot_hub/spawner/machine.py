"""The supervisor of this machine, as all spawners of one hub share it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sandlot_hub.adapters.single_flight import SingleFlight
from sandlot_hub.adapters.supervisor_client import (
    SupervisorRefusedError,
    SupervisorUnreachableError,
)
from sandlot_hub.domain.values.refusals import RefusalCode, Refused

from .exceptions import SpawnRefused, SpawnUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sandlot_contracts.problem import Problem
    from sandlot_contracts.supervisor import LocalFacilities
    from sandlot_hub.domain.values.ports import ProcessSupervisor

MACHINE_KEY = "sandlot_machine"
"""Where the hub's settings hold the one `LocalMachine`."""

FACILITIES_AGE = 1.0
"""Seconds that an answer is good for: a class that logs in at once asks one question a second."""


class LocalMachine:
    """One connection to the supervisor, and what it said a moment ago.

    Parameters
    ----------
    supervisor
        Starts and stops the processes.
    monotonic
        Seconds that never go back.
    """

    def __init__(self, *, supervisor: ProcessSupervisor, monotonic: Callable[[], float]) -> None:
        self.supervisor = supervisor
        self._monotonic = monotonic
        self._known: tuple[float, LocalFacilities] | None = None
        self._good_from = 0.0
        """What was asked for before this is not good any more."""
        self._flight: SingleFlight[str, LocalFacilities] = SingleFlight()

    @property
    def latest(self) -> LocalFacilities | None:
        """What was said last, however long ago; None before the first answer."""
        return None if self._known is None else self._known[1]

    @property
    def asked_at(self) -> float:
        """When `latest` was asked for, in seconds of the monotonic clock; 0 before the first."""
        return 0.0 if self._known is None else self._known[0]

    async def facilities(self) -> LocalFacilities:
        """Return what this machine can do, as of at most `FACILITIES_AGE` seconds ago.

        Raises
        ------
        SpawnUnavailableError
            The supervisor does not answer.
        """
        known = self._known
        if known is not None and self._monotonic() - known[0] < FACILITIES_AGE:
            asked_at, local = known
            if asked_at >= self._good_from:
                return local
        local = await self._flight.run("facilities", self._ask)
        if self.asked_at < self._good_from:
            # The question was on its way already when a server ended.
            local = await self._flight.run("facilities", self._ask)
        return local

    def forget(self) -> None:
        """Ask anew the next time: a server has ended, and what it held is free."""
        self._good_from = self._monotonic()

    async def _ask(self) -> LocalFacilities:
        asked_at = self._monotonic()
        async with as_trouble():
            local = await self.supervisor.facilities()
        self._known = (asked_at, local)
        return local


_TAKEN_SINCE = frozenset(
    {RefusalCode.ACCELERATORS_BUSY, RefusalCode.SIZE_NEVER_FITS, RefusalCode.SIZE_UNAVAILABLE}
)
"""What the hub would have refused itself, had it known: two people press Start at one moment."""


@asynccontextmanager
async def as_trouble() -> AsyncIterator[None]:
    """Convert what the supervisor's client raises, once, into what the hub understands."""
    try:
        yield
    except SupervisorUnreachableError as error:
        message = (
            "The part of Sandlot that starts servers does not answer. Next: try again in a "
            "minute; if that fails too, tell an administrator, who finds out more with "
            "“sandlot status” and “sandlot logs”."
        )
        raise SpawnUnavailableError(message, code="supervisor-unreachable") from error
    except SupervisorRefusedError as error:
        if error.problem.code in _TAKEN_SINCE:
            raise SpawnRefused(_as_refusal(error.problem)) from error
        raise SpawnUnavailableError(error.problem.detail, code=error.problem.code) from error


def _as_refusal(problem: Problem) -> Refused:
    return Refused(
        code=RefusalCode(problem.code),
        message=problem.detail,
        field=problem.field,
        status=problem.status,
    )
