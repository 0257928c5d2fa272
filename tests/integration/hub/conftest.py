"""A real hub with our local spawner over a fake supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sandlot_hub.domain.settings.model import SandlotSettings
from support.fake_supervisor import FakeSupervisor
from support.hub_app import Hub, running_hub
from support.local_catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def settings() -> SandlotSettings:
    return SandlotSettings.model_validate(CATALOGUE)


@pytest_asyncio.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[FakeSupervisor]:
    fake = FakeSupervisor(socket=tmp_path / "supervisor.sock")
    async with fake.serve():
        yield fake


@pytest_asyncio.fixture
async def hub(settings: SandlotSettings, supervisor: FakeSupervisor) -> AsyncIterator[Hub]:
    async with running_hub(settings, supervisor.socket) as running:
        running.add_user("alice")
        yield running
