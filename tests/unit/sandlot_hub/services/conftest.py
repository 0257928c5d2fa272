from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sandlot_hub.adapters.settings_file import LoadedSettings, load_settings
from support.fake_hub import FakeHub, fake_hub
from support.probe_service import ACCESS, ALICE, READ, Browser, ProbeService
from support.service_process import RunningService, running_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def settings() -> LoadedSettings:
    return load_settings(
        {
            "version": 1,
            "images": {
                "base": {"display_name": "Base", "version": "2026-10", "local": "base"},
                "scipy": {"display_name": "SciPy", "local": "scipy"},
            },
            "sizes": {
                "small": {"display_name": "Small", "cpus": 1, "memory": "1 GiB"},
                "huge": {"display_name": "Huge", "cpus": 512, "memory": "1 GiB"},
            },
            "profiles": {
                "notebook": {
                    "display_name": "Notebook",
                    "description": "For <everyday> work",
                    "images": ["base", "scipy"],
                    "sizes": ["small", "huge"],
                },
                "teaching": {
                    "display_name": "Teaching",
                    "images": ["base"],
                    "sizes": ["small"],
                    "allow": {"groups": ["cs101"]},
                },
            },
        }
    )


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[FakeHub]:
    async with fake_hub() as server:
        server.add_user(ALICE, "alice", scopes=[ACCESS, READ], groups=["ml"])
        yield server


@pytest_asyncio.fixture
async def service() -> ProbeService:
    return ProbeService()


@pytest_asyncio.fixture
async def probe(
    hub: FakeHub, service: ProbeService, settings: LoadedSettings
) -> AsyncIterator[RunningService]:
    """The service, answering."""
    async with running_service(
        service.build, settings, name="probe", hub_api_url=hub.api_url, stop_grace=2.0
    ) as running:
        yield running


@pytest.fixture
def browser(probe: RunningService) -> Browser:
    """A browser that nobody is logged in with."""
    return Browser(probe)
