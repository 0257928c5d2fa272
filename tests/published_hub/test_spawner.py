"""Our spawner in the hub that pytest-jupyterhub gives to every author of a spawner.

A folder and a run of its own: the published fixtures need pytest-asyncio's auto mode
(`tools/lanes.py`), the rest of our tests name what is asynchronous.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jupyterhub.tests.utils import add_user, api_request

from support.fake_supervisor import FakeSupervisor
from support.hub_app import NullProxy
from support.local_catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

CREATED = 201


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[FakeSupervisor]:
    fake = FakeSupervisor(socket=tmp_path / "supervisor.sock")
    async with fake.serve():
        yield fake


@pytest.fixture
async def app(
    hub_app: Callable[..., Awaitable[Any]], supervisor: FakeSupervisor, tmp_path: Path
) -> Any:
    hub = await hub_app(
        config={
            "JupyterHub": {
                "spawner_class": "sandlot_hub.spawner.local.SandlotLocalSpawner",
                "proxy_class": NullProxy,
                "base_url": "/",
                "cookie_secret_file": str(tmp_path / "cookie-secret"),
            },
            "Sandlot": {"settings": CATALOGUE},
            "SandlotLocalSpawner": {"supervisor_socket": str(supervisor.socket)},
        }
    )
    add_user(hub.db, hub, name="ann")
    return hub


async def start(app: Any, options: dict[str, Any]) -> Any:
    body = {"user_options": options}
    return await api_request(app, "users/ann/server", method="post", json=body, bypass_proxy=True)


async def test_a_choice_starts(app: Any, supervisor: FakeSupervisor) -> None:
    reply = await start(app, {"profile": "everyday", "image": "base", "size": "large"})
    assert reply.status_code == CREATED, reply.text
    assert [(each.request.image, each.request.size) for each in supervisor.running] == [
        ("base", "large")
    ]


async def test_what_is_not_offered_is_refused_before_anything_starts(
    app: Any, supervisor: FakeSupervisor
) -> None:
    reply = await start(app, {"profile": "vault"})
    assert (reply.status_code, reply.json()["message"]) == (
        400,
        "There is no profile “vault”. Choose “Everyday”.",
    )
    assert supervisor.servers == {}
    assert app.tornado_settings.get("failure_count", 0) == 0
