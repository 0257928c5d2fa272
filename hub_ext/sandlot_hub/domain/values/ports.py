"""What the decisions need from outside, as protocols. Adapters implement them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from sandlot_contracts.supervisor import (
        Account,
        LocalFacilities,
        LogTail,
        ServerState,
        StartServer,
    )

    from .entitlements import Entitlements


class Clock(Protocol):
    """The time, so that tests can stand still."""

    def now(self) -> datetime:
        """Return the current time, timezone-aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...


class EntitlementsSource(Protocol):
    """Where groups come from: the hub's own groups now, an identity provider later."""

    def entitlements(self, user: str) -> Entitlements:
        """Return what is known of `user` now; no groups when nothing is known."""
        ...


class ProcessSupervisor(Protocol):
    """Starts and stops the processes of users on this machine."""

    async def facilities(self, *, after: int | None = None, wait_s: float = 0.0) -> LocalFacilities:
        """Return what this machine can do at the moment.

        While its version is `after`, the answer waits for up to `wait_s` seconds.
        """
        ...

    async def start(self, request: StartServer) -> ServerState:
        """Start a server, or return the one that already has this spawn id."""
        ...

    async def get(self, spawn_id: str, *, wait_s: float = 0.0) -> ServerState | None:
        """Return a server's state; None when the supervisor never heard of it.

        While the server is starting, the answer waits for up to `wait_s` seconds.
        """
        ...

    async def stop(self, spawn_id: str, *, now: bool = False) -> ServerState | None:
        """Stop a server and everything it started; `now` skips the grace period."""
        ...

    async def log_tail(self, spawn_id: str) -> LogTail:
        """Return the last lines that a server wrote."""
        ...

    async def account(self, user: str) -> Account | None:
        """Return where a user's files are."""
        ...
