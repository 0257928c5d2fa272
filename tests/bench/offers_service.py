"""The real offers service for benches, as a process of its own beside a hub."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from sandlot_hub.adapters.service_config import write_service_config
from sandlot_hub.adapters.settings_file import write_resolved
from sandlot_hub.hubconfig.spawning import CUSTOM_SCOPES
from support.installed_offers import OffersProcess
from support.service_process import TOKEN, service_config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sandlot_hub.domain.settings.model import SandlotSettings


def service_in_hub(port: int) -> dict[str, dict[str, Any]]:
    """Return the configuration by which a hub knows the service."""
    offers = {
        "name": "offers",
        "url": f"http://127.0.0.1:{port}",
        "api_token": TOKEN,
        # The hub starts first, and waits so many seconds for the service.
        "timeout": 1,
    }
    return {"JupyterHub": {"services": [offers], "custom_scopes": dict(CUSTOM_SCOPES)}}


@asynccontextmanager
async def offers_service(
    folder: Path, settings: SandlotSettings, *, socket: Path, port: int, hub_api_url: str
) -> AsyncIterator[OffersProcess]:
    """Run the service until the block ends."""
    write_resolved(folder / "settings.json", settings)
    config = service_config(
        port=port,
        hub_api_url=hub_api_url,
        settings_file=folder / "settings.json",
        supervisor_socket=socket,
    )
    write_service_config(folder / "service.json", config)
    service = OffersProcess(folder / "service.json", port)
    await service.start()
    # A line each stream: unread, they would fill the pipe, and the service would wait for us.
    reading = asyncio.create_task(read_log(service))
    try:
        yield service
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await service.end()


async def read_log(service: OffersProcess) -> None:
    """Take what a service says, until cancelled."""
    assert service.process is not None
    assert service.process.stderr is not None
    while await service.process.stderr.readline():
        pass
