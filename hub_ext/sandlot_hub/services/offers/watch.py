"""Keeps up with what this machine can do: one question for everybody, always open."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sandlot_hub.adapters.supervisor_client import (
    SupervisorRefusedError,
    SupervisorUnreachableError,
)
from sandlot_hub.domain.capacity.machine import machine_facilities
from sandlot_hub.services.logs import FIELDS

from .availability import Snapshot
from .told import ToldSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sandlot_contracts.supervisor import LocalFacilities
    from sandlot_hub.domain.values.ports import Clock

logger = logging.getLogger(__name__)


class SupportsFacilities(Protocol):
    """The part of `ProcessSupervisor` that this service uses."""

    async def facilities(self, *, after: int | None = None, wait_s: float = 0.0) -> LocalFacilities:
        """Return what this machine can do; wait for a change while the version is `after`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often the supervisor is asked, and how long it may take; in seconds."""

    wait: float = 1.0
    """How long an answer waits for a change. Every answer makes what is known new again."""
    patience: float = 2.5
    """How old the last answer may be; after that nothing is known."""
    answer: float = 2.0
    """How long an answer may take while nothing is known."""
    between: float = 0.25
    """Between two changes: when a whole class starts at once, that is not news for everybody
    thirty times a second."""
    first_pause: float = 0.1
    """After the first question without an answer; twice as long after each further one."""
    longest_pause: float = 2.0


class MachineWatch(ToldSource):
    """Facilities of this machine, from the supervisor.

    Parameters
    ----------
    supervisor
        Answers the question.
    clock
        The time.
    jitter
        Returns a number between 0 and 1, another one each time: by how much a pause is shorter.
    """

    def __init__(
        self,
        *,
        supervisor: SupportsFacilities,
        clock: Clock,
        jitter: Callable[[], float],
        pace: Pace | None = None,
    ) -> None:
        super().__init__(clock=clock)
        self._supervisor = supervisor
        self._jitter = jitter
        self._pace = pace or Pace()

    async def run(self) -> None:
        """Ask for ever."""
        unanswered = 0
        while True:
            asked = self._clock.monotonic()
            try:
                async with asyncio.timeout(self._patience_left()):
                    found = await self._ask()
            except (SupervisorUnreachableError, SupervisorRefusedError, TimeoutError) as error:
                unanswered += 1
                self._give_up(error)
                pause = self._pause(unanswered)
            else:
                unanswered = 0
                pause = self._pause_after(asked, news=self._take(found))
            await asyncio.sleep(pause)

    async def _ask(self) -> LocalFacilities:
        known = self._latest.machine
        if known is None:
            return await self._supervisor.facilities()
        return await self._supervisor.facilities(after=known.version, wait_s=self._pace.wait)

    def _patience_left(self) -> float:
        """Return how long the next answer may take."""
        if not self._latest.known:
            return self._pace.answer
        return max(0.0, self._latest.taken + self._pace.patience - self._clock.monotonic())

    def _pause(self, unanswered: int) -> float:
        doubled = self._pace.first_pause * 2.0 ** min(unanswered - 1, 20)
        pause = min(doubled, self._pace.longest_pause) * (1 - self._jitter() / 2)
        # While something is known, everybody must hear in time that it no longer is.
        return min(pause, self._patience_left()) if self._latest.known else pause

    def _pause_after(self, asked: float, *, news: bool) -> float:
        if news:
            return self._pace.between
        # A supervisor that does not know how to wait answers at once, again and again.
        return max(0.0, asked + self._pace.wait - self._clock.monotonic())

    def _take(self, found: LocalFacilities) -> bool:
        """Keep an answer; return whether it says something new."""
        before = self._latest.machine
        news = before is None or found != before.model_copy(update={"version": found.version})
        as_of, taken = self._now()
        if not news:
            # The same is true at a later moment: nobody needs to hear of it at once.
            self._latest = self._latest.renewed(machine=found, as_of=as_of, taken=taken)
            return False
        if before is None and self._first.is_set():
            logger.info("facilities are known again")
        self._say(
            Snapshot(
                version=self._latest.version + 1,
                as_of=as_of,
                taken=taken,
                machine=found,
                facilities=machine_facilities(found),
                holders=found.gpu_holders,
            )
        )
        return True

    def _give_up(self, error: Exception) -> None:
        if self._latest.known and self._patience_left() > 0:
            return
        if self._latest.known or not self._first.is_set():
            reason = f"{type(error).__name__}: {error}"
            logger.warning("facilities are not known", extra={FIELDS: {"reason": reason}})
            self._say(self._latest.forgotten())

    def _now(self) -> tuple[datetime, float]:
        return self._clock.now(), self._clock.monotonic()
