"""The hub's REST API as tests call it."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

TIMEOUT_S = 60.0
START_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer that has been read to its end."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """The document in it."""
        return json.loads(self.text)


@dataclass(frozen=True, kw_only=True)
class HubClient:
    """Somebody with a token.

    A path is below ``/hub/api/``, or begins with a slash and is below the hub's root.
    """

    session: aiohttp.ClientSession
    url: str
    """The hub's root, with a slash at its end."""

    async def __call__(self, method: str, path: str, **options: Any) -> Reply:
        """Send one request. Redirects are answers."""
        address = f"{self.url}{path[1:] if path.startswith('/') else f'hub/api/{path}'}"
        options.setdefault("allow_redirects", False)
        async with self.session.request(method, address, **options) as response:
            return Reply(
                status=response.status, text=await response.text(), headers=dict(response.headers)
            )

    async def add_users(self, *names: str) -> None:
        """Make users."""
        reply = await self("POST", "users", json={"usernames": names})
        assert reply.status in {201, 409}, reply.text

    async def start(
        self, user: str, options: Mapping[str, str] | None = None, *, server: str = ""
    ) -> Reply:
        """Ask for a server; the answer may be a refusal."""
        body = {} if options is None else {"user_options": dict(options)}
        return await self("POST", server_path(user, server), json=body)

    async def started(
        self, user: str, options: Mapping[str, str] | None = None, *, server: str = ""
    ) -> list[dict[str, Any]]:
        """Start a server and wait until it is ready; return what its progress told."""
        reply = await self.start(user, options, server=server)
        assert reply.status in {201, 202}, reply.text
        told = [event async for event in self.progress(user, server)]
        assert told[-1].get("ready"), told
        return told

    async def progress(self, user: str, server: str = "") -> AsyncIterator[dict[str, Any]]:
        """Yield the events of a start until it is ready or has failed."""
        address = f"{self.url}hub/api/{server_path(user, server)}/progress"
        limits = aiohttp.ClientTimeout(total=START_S)
        async with self.session.get(address, timeout=limits) as response:
            assert response.status == 200, await response.text()
            async for line in response.content:
                if line.startswith(b"data:"):
                    event = json.loads(line.removeprefix(b"data:"))
                    yield event
                    if event.get("ready") or event.get("failed"):
                        return

    async def stop(self, user: str, server: str = "") -> Reply:
        """Ask for a server's end: 204 when it has ended, 202 while it does."""
        return await self("DELETE", server_path(user, server))

    async def user(self, name: str) -> dict[str, Any]:
        """Return what the hub knows of a user."""
        reply = await self("GET", f"users/{name}")
        assert reply.status == 200, reply.text
        found: dict[str, Any] = reply.json
        return found


def server_path(user: str, server: str = "") -> str:
    """Return a server's path in the REST API."""
    return f"users/{user}/servers/{server}" if server else f"users/{user}/server"


@asynccontextmanager
async def hub_client(url: str, token: str) -> AsyncIterator[HubClient]:
    """Give a client with a token; its connections are closed with the context."""
    limits = aiohttp.ClientTimeout(total=TIMEOUT_S)
    headers = {"Authorization": f"token {token}"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        headers=headers, timeout=limits, connector=connector
    ) as session:
        yield HubClient(session=session, url=url)
