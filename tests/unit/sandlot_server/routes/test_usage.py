from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import psutil
import pytest
from traitlets.config import Config

from sandlot_server.events import USAGE

if TYPE_CHECKING:
    from typing import Any

    from jupyter_events import EventLogger

    from support.user_server import StartServer, UserServer

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("token", ["alices", "bobs"])
async def test_owner_and_visitor_see_the_figures(server: UserServer, token: str) -> None:
    reply = await server.fetch("usage", token=token)

    assert reply.status == 200
    usage = reply.json()
    rss = psutil.Process(os.getpid()).memory_info().rss
    assert 0.5 * rss < usage["memory_bytes"]
    assert usage["cpu_fraction"] >= 0
    assert usage["processes"] >= 1


async def test_asking_is_no_activity_when_the_page_says_so(server: UserServer) -> None:
    settings = server.app.web_app.settings
    settings.pop("api_last_activity", None)

    await server.fetch("usage?no_track_activity=1", token="alices")
    assert "api_last_activity" not in settings
    await server.fetch("usage", token="alices")
    assert "api_last_activity" in settings


async def test_a_change_reaches_who_listens(start_server: StartServer) -> None:
    heard: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    async def listen(logger: EventLogger, schema_id: str, data: dict[str, Any]) -> None:
        del logger
        assert schema_id == USAGE
        if not heard.done():
            heard.set_result(data)

    config = Config({"SandlotServerApp": {"usage_interval": 0.05}})
    async with start_server(config=config) as server:
        assert server.app.event_logger is not None
        server.app.event_logger.add_listener(schema_id=USAGE, listener=listen)
        await server.fetch("usage", token="alices")
        ballast = bytearray(os.urandom(1)) * (64 * 2**20)
        data = await asyncio.wait_for(heard, timeout=20)

    assert data["memory_bytes"] > len(ballast)
