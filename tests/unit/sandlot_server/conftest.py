from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from traitlets.config import Config

from support.fake_gateway import fake_dashboard, fake_gateway
from support.fake_hub import FakeHub, fake_hub
from support.user_server import SCOPE, hub_environment, own_folders, user_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from support.fake_gateway import FakeDashboard, FakeGateway
    from support.user_server import StartServer, UserServer


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[FakeHub]:
    """A hub that knows alice, who owns the server, and others who may enter it."""
    async with fake_hub() as hub:
        hub.add_user("alices", "alice", scopes=[SCOPE])
        hub.add_user("bobs", "bob", scopes=[SCOPE])
        hub.add_user("strangers", "eve", scopes=["access:servers!user=eve"])
        hub.add_service("services", "alice", scopes=[SCOPE])
        yield hub


@pytest.fixture
def start_server(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StartServer:
    def start(
        *, services_url: str = "http://127.0.0.1:1/services/", config: Config | None = None
    ) -> AbstractAsyncContextManager[UserServer]:
        own_folders(monkeypatch, tmp_path)
        environment = hub_environment(hub_api_url=hub.api_url, services_url=services_url)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        identity = "jupyterhub.singleuser.extension.JupyterHubIdentityProvider"
        merged = Config({"ServerApp": {"identity_provider_class": identity}})
        merged.merge(config or Config())
        return user_server(tmp_path, config=merged)

    return start


@pytest_asyncio.fixture
async def server(start_server: StartServer) -> AsyncIterator[UserServer]:
    """The server of alice, whose hub services are at a port where nobody listens."""
    async with start_server() as running:
        yield running


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with fake_gateway() as running:
        yield running


@pytest_asyncio.fixture
async def dashboard() -> AsyncIterator[FakeDashboard]:
    async with fake_dashboard() as running:
        yield running


@pytest_asyncio.fixture
async def with_clusters(
    start_server: StartServer, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[UserServer]:
    """The server of alice at a hub with Dask clusters."""
    monkeypatch.setenv("DASK_GATEWAY__ADDRESS", f"{gateway.url}dask-gateway/")
    # Under a hub the hub's own check replaces tornado's, which comes before the login is known.
    config = Config({"ServerApp": {"tornado_settings": {"xsrf_cookies": False}}})
    async with start_server(services_url=gateway.url, config=config) as running:
        yield running
