"""A real jupyter-server with our extension, in this process, behind a hub's login."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
from jupyter_server.serverapp import ServerApp
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from traitlets.config import Config

from sandlot_contracts.session import Named, Session, SessionSize

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    import pytest

BASE_URL = "/user/alice/"
SCOPE = "access:servers!user=alice"
SERVER_TOKEN = "the-servers-own-token"

SESSION = Session(
    owner="alice",
    spawn_id="0" * 32,
    profile=Named(slug="notebook", display_name="Notebook"),
    image=Named(slug="scipy", display_name="SciPy"),
    size=SessionSize(
        slug="small",
        display_name="Small",
        cpus=2,
        memory_bytes=4 * 2**30,
        cpu_enforced=True,
        memory_enforced=False,
    ),
    isolation="own-uid",
    settings_hash="0123456789abcdef",
)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True, kw_only=True)
class UserServer:
    """A running server."""

    app: ServerApp
    origin: str
    client: aiohttp.ClientSession

    @property
    def api(self) -> str:
        return f"{self.origin}{BASE_URL}sandlot/api/v1/"

    async def fetch(
        self,
        name: str,
        *,
        token: str = "",
        method: str = "GET",
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Ask one of our routes; with no token, as nobody."""
        login = {"Authorization": f"token {token}"} if token else {}
        async with self.client.request(
            method,
            self.api + name,
            headers={**login, **(headers or {})},
            data=body,
            allow_redirects=False,
        ) as response:
            return Reply(
                status=response.status, headers=response.headers, text=await response.text()
            )


class StartServer(Protocol):
    """Starts the server of alice with the hub's real login."""

    def __call__(
        self, *, services_url: str = ..., config: Config | None = None
    ) -> AbstractAsyncContextManager[UserServer]: ...


def hub_environment(*, hub_api_url: str = "", services_url: str = "") -> dict[str, str]:
    """Return what a spawner sets for the server of alice."""
    return {
        "JUPYTERHUB_API_TOKEN": SERVER_TOKEN,
        "JUPYTERHUB_API_URL": hub_api_url,
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-alice",
        "JUPYTERHUB_HOST": "",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": json.dumps([SCOPE]),
        "JUPYTERHUB_OAUTH_SCOPES": json.dumps([SCOPE]),
        "JUPYTERHUB_SERVICE_PREFIX": BASE_URL,
        "JUPYTERHUB_USER": "alice",
        "SANDLOT_SERVICES_URL": services_url,
        "SANDLOT_SESSION": SESSION.model_dump_json(),
    }


def own_folders(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Keep the server away from the configuration and data of whoever runs the tests."""
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("JUPYTER_NO_CONFIG", "1")
    for name in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(folder / name.lower()))


@asynccontextmanager
async def user_server(folder: Path, *, config: Config | None = None) -> AsyncIterator[UserServer]:
    """Run a server on a free loopback port; the environment must be set before."""
    merged = Config(
        {
            "ServerApp": {
                "base_url": BASE_URL,
                "allow_root": True,
                "open_browser": False,
                "root_dir": str(folder),
                "jpserver_extensions": {"sandlot_server": True},
                "log_level": "DEBUG",
            }
        }
    )
    merged.merge(config or Config())
    app = ServerApp(config=merged)
    # The signals of the process that runs the tests are not the server's.
    app.init_signal = lambda: None  # type: ignore[method-assign]
    app.initialize(argv=[], find_extensions=False, new_httpserver=False)
    sock, port = bind_unused_port()
    http = HTTPServer(app.web_app)
    http.add_socket(sock)
    client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20))
    try:
        yield UserServer(app=app, origin=f"http://127.0.0.1:{port}", client=client)
    finally:
        await client.close()
        http.stop()
        await http.close_all_connections()
        await app._cleanup()
