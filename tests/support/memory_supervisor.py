"""A supervisor in memory, for what stands before the socket."""

# ruff: noqa: ARG002 (the methods have the signatures of the port)

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TypeVar

from sandlot_contracts.problem import Problem
from sandlot_contracts.supervisor import (
    Account,
    LocalFacilities,
    LogTail,
    ServerState,
    StartServer,
)
from sandlot_hub.adapters.supervisor_client import SupervisorRefusedError

SPAWN_ID = "0" * 32

Prepared = TypeVar("Prepared")


def request(port: int = 40_000) -> StartServer:
    """Return what asks for a server."""
    return StartServer(
        spawn_id=SPAWN_ID,
        owner="ann",
        server_name="",
        image="base",
        size="small",
        settings_hash="0",
        environment={},
        port=port,
    )


def state(phase: str, **changes: object) -> ServerState:
    """Return how a server is."""
    known = {
        "spawn_id": SPAWN_ID,
        "owner": "ann",
        "server_name": "",
        "state": phase,
        "pid": 1,
        "uid": 1,
        "port": 40_000,
    }
    return ServerState.model_validate({**known, **changes})


def refusal(code: str, status: int = 409) -> SupervisorRefusedError:
    """Return a refusal of the supervisor."""
    sentence = f"Refused for {code}."
    return SupervisorRefusedError(
        Problem(title="Refused", status=status, detail=sentence, message=sentence, code=code)
    )


@dataclass
class MemorySupervisor:
    """Answers with what a test has prepared. Implements `domain.ports.ProcessSupervisor`."""

    facility: LocalFacilities | None = None
    starts: list[ServerState | Exception] = field(default_factory=list)
    """Answers to `start`, one after the other."""
    states: list[ServerState | Exception | None] = field(default_factory=list)
    """Answers to `get`; the last one stays."""
    log: tuple[str, ...] | Exception = ()
    gate: asyncio.Event | None = None
    """Answer `start` only when it is set."""
    silent: bool = False
    """Never answer `get`."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a start was asked for."""
    calls: list[str] = field(default_factory=list)
    requests: list[StartServer] = field(default_factory=list)

    async def facilities(self, *, after: int | None = None, wait_s: float = 0.0) -> LocalFacilities:
        self.calls.append("facilities")
        await asyncio.sleep(0)
        assert self.facility is not None
        return self.facility

    async def start(self, request: StartServer) -> ServerState:
        self.calls.append("start")
        self.requests.append(request)
        self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        return _answer(self.starts.pop(0))

    async def get(self, spawn_id: str, *, wait_s: float = 0.0) -> ServerState | None:
        self.calls.append("get")
        if self.silent:
            await asyncio.Event().wait()
        return _answer(self.states.pop(0) if len(self.states) > 1 else self.states[0])

    async def stop(self, spawn_id: str, *, now: bool = False) -> ServerState | None:
        self.calls.append(f"stop now={now}")
        return None

    async def log_tail(self, spawn_id: str) -> LogTail:
        return LogTail(lines=_answer(self.log))

    async def account(self, user: str) -> Account | None:
        return None


def _answer(prepared: Prepared | Exception) -> Prepared:
    if isinstance(prepared, Exception):
        raise prepared
    return prepared
