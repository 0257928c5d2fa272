from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sandlot_hub.adapters.settings_file import LoadedSettings
    from support.probe_service import ProbeService
    from support.service_process import RunningService

pytestmark = pytest.mark.asyncio


async def test_it_tells_what_it_works_from(
    probe: RunningService, service: ProbeService, settings: LoadedSettings
) -> None:
    answer = await probe.ask("health")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json == {
        "status": "ok",
        "service": "probe",
        "version": version("sandlot"),
        "settings_hash": settings.hash,
    }


async def test_it_tells_when_something_is_missing(
    probe: RunningService, service: ProbeService
) -> None:
    service.healthy = False
    answer = await probe.ask("health")
    assert (answer.status, answer.json["status"]) == (200, "degraded")
