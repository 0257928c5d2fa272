"""A hub service as it really serves, in the loop of the test."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from sandlot_hub.adapters.service_config import ServiceConfig
from sandlot_hub.services.process import serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from sandlot_hub.adapters.settings_file import LoadedSettings
    from sandlot_hub.services.process import Build

TOKEN = "0123456789abcdef0123456789abcdef"


def service_config(*, name: str = "offers", port: int = 40000, **changes: Any) -> ServiceConfig:
    """Return what a service is told at start."""
    base_url = changes.pop("hub_base_url", "/")
    values: dict[str, Any] = {
        "name": name,
        "url": f"http://127.0.0.1:{port}",
        "prefix": f"{base_url}services/{name}/",
        "hub_api_url": "http://127.0.0.1:9/hub/api",
        "hub_base_url": base_url,
        "token": TOKEN,
        "oauth_client_id": f"service-{name}",
        "settings_file": Path("/nonexistent/settings.json"),
        **changes,
    }
    return ServiceConfig(**values)


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    cookies: Mapping[str, Any]
    text: str
    json: Any


@dataclass
class RunningService:
    """A service that answers."""

    url: str
    """With prefix, ends with a slash."""
    port: int
    stop: asyncio.Event
    task: asyncio.Task[None]
    session: aiohttp.ClientSession

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Answer:
        """Send one request; `path` is below the prefix. Redirects are answers."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"token {token}"
        async with self.session.request(
            method, f"{self.url}{path}", headers=sent, allow_redirects=False, **options
        ) as response:
            text = await response.text()
            document = await response.json(content_type=None) if text[:1] in "{[" and text else None
            return Answer(response.status, response.headers, response.cookies, text, document)


@asynccontextmanager
async def running_service(
    build: Build, settings: LoadedSettings, **config: Any
) -> AsyncIterator[RunningService]:
    """Run a service on a free port until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    told = service_config(port=listener.getsockname()[1], **config)
    stop = asyncio.Event()
    task = asyncio.create_task(
        serve(build, config=told, settings=settings, listener=listener, stop=stop)
    )
    session = aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=20)
    )
    try:
        async with session:
            yield RunningService(f"{told.url}{told.prefix}", told.port, stop, task, session)
    finally:
        stop.set()
        await task
