"""One server's process, from the request to start it to its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandlot_hub.adapters.supervisor_client import (
    SupervisorRefusedError,
    SupervisorUnreachableError,
)
from sandlot_hub.domain.values.units import format_duration

from .exceptions import SpawnFailed, SpawnRefused, SpawnUnavailableError
from .log_lines import readable
from .machine import as_trouble

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandlot_contracts.supervisor import ServerState, StartServer
    from sandlot_hub.domain.values.ports import ProcessSupervisor

    from .progress import StartStory

_LOOK = 5.0
"""Seconds that the supervisor may keep a question open. It answers at once when a server that
starts listens or has ended, so few questions tell the hub as early as many would."""
_ATTEMPTS = 3
"""How often a port is tried: between choosing and using one, anybody may take it."""
SERVER_EXITED = "server-exited"
"""Code of a server that ended, in its start or after it."""
PORT_TAKEN = "port-taken"
"""Code of the supervisor's refusal of a port."""
_LOG_TIMEOUT = 3.0
"""Seconds that the end of a log may take."""


class LocalProcess:
    """A process that the supervisor has, or is asked to have.

    Parameters
    ----------
    supervisor
        Starts and stops it.
    spawn_id
        Names it there.
    story
        Is told what happens.
    retry_s
        Seconds between two questions to a server that listens and does not answer yet.
    """

    def __init__(
        self,
        *,
        supervisor: ProcessSupervisor,
        spawn_id: str,
        story: StartStory,
        retry_s: float = 0.5,
    ) -> None:
        self._retry_s = retry_s
        self._supervisor = supervisor
        self._spawn_id = spawn_id
        self._story = story
        self._launch: asyncio.Task[ServerState] | None = None
        self.why_ended = ""
        """Why it has ended, one sentence; empty while that is not known."""

    async def start(
        self,
        build_request: Callable[[], StartServer],
        answers: Callable[[], Awaitable[bool]],
        *,
        name: str,
        limit: float,
    ) -> None:
        """Start the process and return when it answers.

        The hub waits for an answer as well, and counts it as a failure of its own when none
        comes, without a sentence. It finds a server that answers already.

        Parameters
        ----------
        build_request
            Returns what the supervisor is asked for, each time with another port.
        answers
            Asks whether the server answers.
        name
            What people call it.
        limit
            Seconds until the start is given up.

        Raises
        ------
        SpawnFailed
            It ended by itself, or did not answer in time.
        SpawnRefused
            Somebody else was given what it needs, a moment ago.
        SpawnUnavailableError
            The supervisor could not start it.
        """
        self._story.tell("process", f"Starting {name}…")
        try:
            async with asyncio.timeout(limit), as_trouble():
                await self._start_and_wait(build_request, answers)
        except TimeoutError as error:
            raise await self._too_slow(limit) from error
        except (SpawnRefused, SpawnUnavailableError) as error:
            self._story.fail(error)
            raise

    async def _start_and_wait(
        self, build_request: Callable[[], StartServer], answers: Callable[[], Awaitable[bool]]
    ) -> None:
        # Shielded: when this start is cancelled or runs out of time, the request is on its
        # way already, and only once it is answered is there a process to stop (see `stop`).
        self._launch = asyncio.ensure_future(self._launched(build_request))
        self._launch.add_done_callback(_look_at)
        state: ServerState | None = await asyncio.shield(self._launch)
        self._story.tell("process", "The server's process runs.", done=True)
        self._story.tell("answer", "Waiting for JupyterLab to answer…")
        while state is not None and state.state == "starting":
            state = await self._supervisor.get(self._spawn_id, wait_s=_LOOK)
        await self._require_alive(state)
        self._story.tell("answer", "JupyterLab listens; connecting you…")
        while not await answers():
            await asyncio.sleep(self._retry_s)
            await self._require_alive(await self._supervisor.get(self._spawn_id))

    async def _require_alive(self, state: ServerState | None) -> None:
        if state is None or state.state == "exited":
            raise await self._ended(state)

    async def _launched(self, build_request: Callable[[], StartServer]) -> ServerState:
        for _ in range(_ATTEMPTS - 1):
            try:
                return await self._supervisor.start(build_request())
            except SupervisorRefusedError as error:
                if error.problem.code != PORT_TAKEN:
                    raise
        return await self._supervisor.start(build_request())

    async def _ended(self, state: ServerState | None) -> SpawnFailed:
        code = "" if state is None or state.exit_code is None else f" with code {state.exit_code}"
        reason = f" {state.reason}" if state is not None and state.reason else ""
        return await self._failed(
            f"Your server ended{code} while it was starting.{reason} Next: look at the end of its "
            "log; most often a package or a setting in the home folder is the cause.",
            code=SERVER_EXITED,
        )

    async def _too_slow(self, limit: float) -> SpawnFailed:
        return await self._failed(
            f"Your server did not answer within {format_duration(limit)}, so its start was given "
            "up. Next: try again; if that fails too, tell an administrator.",
            code="start-timeout",
        )

    async def _failed(self, message: str, *, code: str) -> SpawnFailed:
        details = await self._log_tail()
        failure = SpawnFailed(message, code=code, details=details)
        self._story.fail(failure, details=details)
        return failure

    async def _log_tail(self) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(_LOG_TIMEOUT):
                tail = await self._supervisor.log_tail(self._spawn_id)
        except (SupervisorUnreachableError, SupervisorRefusedError, TimeoutError):
            return ()  # there is a sentence to tell already; the log would only have been more
        return readable(tail.lines)

    async def port(self) -> int | None:
        """Return where it listens; None when it is not known.

        Raises
        ------
        SpawnUnavailableError
            It cannot be known.
        """
        async with as_trouble():
            state = await self._supervisor.get(self._spawn_id)
        return None if state is None else state.port

    async def exit_code(self) -> int | None:
        """Return None while it runs or is about to, else its exit code (0 when not known).

        Raises
        ------
        SpawnUnavailableError
            It cannot be known.
        """
        if self._launch is not None and not self._launch.done():
            return None
        async with as_trouble():
            state = await self._supervisor.get(self._spawn_id)
        if state is None:
            return 0
        if state.state != "exited":
            return None
        self.why_ended = state.reason
        return state.exit_code or 0

    async def stop(self, *, now: bool, limit: float) -> None:
        """Stop it and everything that it started, and return when it has ended.

        Parameters
        ----------
        now
            Whether to skip the grace period.
        limit
            Seconds that all of this may take.

        Raises
        ------
        SpawnUnavailableError
            It could not be stopped.
        """
        try:
            async with asyncio.timeout(limit), as_trouble():
                if self._launch is not None:
                    await asyncio.wait([self._launch])
                await self._supervisor.stop(self._spawn_id, now=now)
        except TimeoutError as error:
            message = (
                f"The server did not end within {format_duration(limit)}. Next: an administrator "
                "looks at the supervisor's log (“sandlot logs”)."
            )
            raise SpawnUnavailableError(message, code="stop-timeout") from error


def _look_at(launch: asyncio.Task[ServerState]) -> None:
    # Somebody has to, or an error that comes after its start was cancelled is reported when
    # the task is collected, out of place.
    if not launch.cancelled():
        launch.exception()
