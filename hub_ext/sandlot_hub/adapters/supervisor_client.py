"""The supervisor of `sandlot up`, asked over its unix socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, ValidationError
from yarl import URL

from sandlot_contracts.problem import Problem
from sandlot_contracts.supervisor import (
    Account,
    DaskState,
    DaskStates,
    LocalFacilities,
    LogTail,
    ServerState,
    StackStatus,
    StartDask,
    StartServer,
)

from .unix_socket import short_path

if TYPE_CHECKING:
    from pathlib import Path

Reply = TypeVar("Reply", bound=BaseModel)

_ORIGIN = "http://supervisor"
_NOT_FOUND = 404
_FIRST_ERROR = 400

_CONNECT_S = 5.0
_ASK_S = 10.0
_START_S = 30.0
"""Before a start the supervisor may have to end an earlier server of the same name."""
_STOP_S = 120.0
"""Longer than any sensible grace period; the supervisor kills what exceeds its own."""
_RESTART_S = 120.0


class SupervisorUnreachableError(Exception):
    """The supervisor does not answer; the text is a sentence for the log."""


class SupervisorRefusedError(Exception):
    """The supervisor understood and refused; the text is its sentence."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.detail)


class SupervisorClient:
    """Implements `domain.ports.ProcessSupervisor`, and what the ``sandlot`` command asks.

    Every call has a connection of its own: it belongs to no event loop, and there is
    nothing to close.

    Parameters
    ----------
    socket_path
        The supervisor's socket.
    """

    def __init__(self, socket_path: Path) -> None:
        self._socket_path = socket_path

    async def facilities(self, *, after: int | None = None, wait_s: float = 0.0) -> LocalFacilities:
        """Return what this machine can do at the moment.

        While its version is `after`, the answer waits for up to `wait_s` seconds.

        Raises
        ------
        SupervisorUnreachableError
            If it does not answer (every call may raise this).
        SupervisorRefusedError
            If it refuses (likewise).
        """
        query = "" if after is None else f"?after={after}&wait={wait_s:g}"
        timeout_s = _ASK_S if after is None else _ASK_S + wait_s
        return await self._require(
            "GET", f"/v1/facilities{query}", LocalFacilities, timeout_s=timeout_s
        )

    async def start(self, request: StartServer) -> ServerState:
        """Start a server, or return the one that already has this spawn id."""
        return await self._require(
            "PUT", "/v1/servers", ServerState, timeout_s=_START_S, body=request
        )

    async def get(self, spawn_id: str, *, wait_s: float = 0.0) -> ServerState | None:
        """Return a server's state; None when the supervisor never heard of it.

        While the server is starting, the answer waits for up to `wait_s` seconds.
        """
        path = f"/v1/servers/{_quoted(spawn_id)}?wait={wait_s:g}"
        return await self._ask("GET", path, ServerState, timeout_s=_ASK_S + wait_s)

    async def stop(self, spawn_id: str, *, now: bool = False) -> ServerState | None:
        """Stop a server and everything it started; `now` skips the grace period."""
        path = f"/v1/servers/{_quoted(spawn_id)}?now={int(now)}"
        return await self._ask("DELETE", path, ServerState, timeout_s=_STOP_S)

    async def log_tail(self, spawn_id: str) -> LogTail:
        """Return the last lines that a server wrote; none when it is not known."""
        path = f"/v1/servers/{_quoted(spawn_id)}/log"
        return await self._ask("GET", path, LogTail, timeout_s=_ASK_S) or LogTail(lines=())

    async def account(self, user: str) -> Account | None:
        """Return where a user's files are; None when nothing was ever started for them."""
        path = f"/v1/accounts/{_quoted(user)}"
        return await self._ask("GET", path, Account, timeout_s=_ASK_S)

    async def start_dask(self, request: StartDask) -> DaskState:
        """Start a scheduler or a worker, or return the one that already has this id."""
        return await self._require("PUT", "/v1/dask", DaskState, timeout_s=_START_S, body=request)

    async def dask_states(self, *, after: int | None = None, wait_s: float = 0.0) -> DaskStates:
        """Return how all schedulers and workers are.

        While their version is `after`, the answer waits for up to `wait_s` seconds.
        """
        query = "" if after is None else f"?after={after}&wait={wait_s:g}"
        return await self._require("GET", f"/v1/dask{query}", DaskStates, timeout_s=_ASK_S + wait_s)

    async def stop_dask(self, process_id: str, *, now: bool = False) -> DaskState | None:
        """Stop a scheduler or a worker; None when the supervisor never heard of it."""
        path = f"/v1/dask/{_quoted(process_id)}?now={int(now)}"
        return await self._ask("DELETE", path, DaskState, timeout_s=_STOP_S)

    async def dask_log(self, process_id: str) -> LogTail:
        """Return the last lines that one of them wrote; none when it is not known."""
        path = f"/v1/dask/{_quoted(process_id)}/log"
        return await self._ask("GET", path, LogTail, timeout_s=_ASK_S) or LogTail(lines=())

    async def status(self) -> StackStatus:
        """Return how the stack is. For the operator."""
        return await self._require("GET", "/v1/status", StackStatus, timeout_s=_ASK_S)

    async def restart(self, part: str) -> StackStatus:
        """Restart a part, and wait until it works again. For the operator."""
        path = f"/v1/parts/{_quoted(part)}/restart"
        return await self._require("POST", path, StackStatus, timeout_s=_RESTART_S)

    async def stop_all(self) -> None:
        """Ask the supervisor to end everything and itself. For the operator."""
        await self._fetch("POST", "/v1/stop", timeout_s=_ASK_S)

    async def _require(
        self,
        method: str,
        path: str,
        model: type[Reply],
        *,
        timeout_s: float,
        body: BaseModel | None = None,
    ) -> Reply:
        status, text = await self._fetch(method, path, timeout_s=timeout_s, body=body)
        return _parsed(model, status, text)

    async def _ask(
        self, method: str, path: str, model: type[Reply], *, timeout_s: float
    ) -> Reply | None:
        """Like `_require`; None when there is no such thing."""
        try:
            return await self._require(method, path, model, timeout_s=timeout_s)
        except SupervisorRefusedError as error:
            if error.problem.status != _NOT_FOUND:
                raise
            return None

    async def _fetch(
        self, method: str, path: str, *, timeout_s: float, body: BaseModel | None = None
    ) -> tuple[int, bytes]:
        # Encoded already: a user's name may hold slashes, dots and percent signs.
        url = URL(f"{_ORIGIN}{path}", encoded=True)
        data = None if body is None else body.model_dump_json().encode()
        headers = {"Content-Type": "application/json"} if data else {}
        timeout = aiohttp.ClientTimeout(total=timeout_s, connect=_CONNECT_S)
        try:
            with short_path(self._socket_path) as socket:
                connector = aiohttp.UnixConnector(socket, force_close=True)
                async with (
                    aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                    session.request(method, url, data=data, headers=headers) as response,
                ):
                    text = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            message = (
                f"The supervisor does not answer at {self._socket_path} "
                f"({type(error).__name__}: {error})."
            )
            raise SupervisorUnreachableError(message) from error
        if response.status >= _FIRST_ERROR:
            raise SupervisorRefusedError(_problem(response.status, text))
        return response.status, text


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _parsed(model: type[Reply], status: int, text: bytes) -> Reply:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        message = f"The supervisor's reply ({status}) is not a {model.__name__}."
        raise SupervisorUnreachableError(message) from error


def _problem(status: int, text: bytes) -> Problem:
    try:
        return Problem.model_validate_json(text)
    except ValidationError:
        sentence = f"The supervisor refused with status {status} and no reason."
        return Problem(
            title="Refused", status=status, detail=sentence, message=sentence, code="refused"
        )
