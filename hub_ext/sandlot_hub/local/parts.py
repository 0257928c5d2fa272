"""A part of the stack: a process that is started again when it ends."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandlot_contracts.supervisor import PartState

    from .held_ports import LentPort
    from .logs import RotatingLog
    from .processes import Command, Guarded, Identity, Launcher

_LOOK_S = 0.05
_CANNOT_START = 127


class PartDiedError(Exception):
    """A part ended several times in a row and never worked."""

    def __init__(self, name: str, exit_code: int) -> None:
        self.name = name
        super().__init__(f"The {name} ended with exit code {exit_code} and did not work.")


class Backoff:
    """How long to wait before a part is started again: twice as long each time, up to a cap."""

    def __init__(self, *, first_s: float = 0.5, cap_s: float = 30.0, calm_s: float = 60.0) -> None:
        self._first_s = first_s
        self._cap_s = cap_s
        self._calm_s = calm_s
        self._next_s = first_s

    def delay(self, *, ran_for_s: float) -> float:
        """Return the pause, in seconds; it begins anew for what ran for a while."""
        if ran_for_s >= self._calm_s:
            self._next_s = self._first_s
        delay = self._next_s
        self._next_s = min(2 * delay, self._cap_s)
        return delay


class Plan(Protocol):
    """What a part is."""

    @property
    def name(self) -> str:
        """As operators call it."""
        ...

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        ...

    @property
    def identity(self) -> Identity:
        """Whom it runs as."""
        ...

    def write_files(self) -> None:
        """Write what it reads at its start."""
        ...

    def command(self) -> Command:
        """Return what to run; asked anew for every start."""
        ...

    async def ready(self, guarded: Guarded) -> bool:
        """Return whether it works now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRuntime:
    """What all parts need."""

    launcher: Launcher
    say: Callable[[str], None]
    """Takes sentences for the operator."""
    attempts: int = 3
    """How often in a row a part may end without having worked until it counts as failed."""


class Part:
    """Keeps one process running until it is told to stop.

    Parameters
    ----------
    plan
        What it is.
    log
        Where its output goes.
    runtime
        What all parts need.
    port
        Its port, when it is lent that for its starts.
    """

    def __init__(
        self, *, plan: Plan, log: RotatingLog, runtime: PartRuntime, port: LentPort | None = None
    ) -> None:
        self.plan = plan
        self._port = port
        self.log = log
        self.state: PartState = "stopped"
        self._runtime = runtime
        self._backoff = Backoff()
        self._guarded: Guarded | None = None
        self._task: asyncio.Task[None] | None = None
        self._deaths = 0
        self._last_code = 0
        self._settled = asyncio.Event()
        self._kicked = asyncio.Event()
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """Of its guard; None while it does not run."""
        return None if self._guarded is None else self._guarded.pid

    def start(self) -> None:
        """Begin to keep it running; also again, after it was stopped."""
        self.state = "starting"
        self._stopping = False
        self._settled.clear()
        self._deaths = 0
        self._task = asyncio.get_running_loop().create_task(self._keep_running())

    async def works(self) -> None:
        """Wait until it works.

        Raises
        ------
        PartDiedError
            If it ended several times in a row without having worked. It is still started
            again, in case that somebody mends what is wrong.
        """
        await self._settled.wait()
        if self.state == "failed":
            raise PartDiedError(self.plan.name, self._last_code)

    async def restart(self) -> None:
        """End it and start it at once; wait until it works.

        Raises
        ------
        PartDiedError
            As in `works`.
        """
        self.state = "restarting"
        self._settled.clear()
        self._deaths = 0
        self._backoff = Backoff()
        self._kicked.set()
        if self._guarded is not None:
            await self._guarded.stop()
        await self.works()

    async def stop(self, *, now: bool = False) -> None:
        """End it for good."""
        self._stopping = True
        self._kicked.set()
        if self._guarded is not None:
            await self._guarded.stop(now=now)
        if self._task is not None:
            await self._task
        self.state = "stopped"

    async def _keep_running(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping:
            self._kicked.clear()
            started = loop.time()
            self._last_code = await self._run_once()
            # Kicked: somebody asked for this end.
            if not self._kicked.is_set():
                await self._after_death(ran_for_s=loop.time() - started)

    async def _run_once(self) -> int:
        """Start it, watch until it works, and wait for its end; return the exit code."""
        self.log.write_line(f"starting {self.plan.name}")
        if self._port is not None:
            self._port.lend()
        try:
            return await self._until_ended()
        finally:
            self._take_port_back()

    async def _until_ended(self) -> int:
        try:
            guarded = self._runtime.launcher.start(self.plan.command(), log=self.log)
        except OSError as error:
            self.log.write_line(f"{self.plan.name} cannot be started: {error}")
            return _CANNOT_START
        self._guarded = guarded
        guarded.release()
        watching = asyncio.get_running_loop().create_task(self._watch(guarded))
        code = await guarded.wait()
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        self._guarded = None
        self.log.write_line(f"{self.plan.name} ended with exit code {code}")
        return code

    async def _watch(self, guarded: Guarded) -> None:
        while True:
            if await self.plan.ready(guarded):
                break
            await asyncio.sleep(_LOOK_S)
        self._take_port_back()
        self.state = "running"
        self._deaths = 0
        self._settled.set()

    def _take_port_back(self) -> None:
        if self._port is not None:
            self._port.take_back()

    async def _after_death(self, *, ran_for_s: float) -> None:
        """Say that it ended, and wait a while; a kick ends the wait."""
        self._deaths += 1
        self.state = "failed" if self._deaths >= self._runtime.attempts else "restarting"
        if self.state == "failed":
            self._settled.set()
        else:
            self._settled.clear()
        delay = self._backoff.delay(ran_for_s=ran_for_s)
        self._runtime.say(
            f"The {self.plan.name} ended with exit code {self._last_code}; "
            f"it is started again in {delay:g} s."
        )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._kicked.wait(), delay)
