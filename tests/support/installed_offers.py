"""The offers service as its own process, registered with a real hub."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
from jupyterhub import orm
from yarl import URL

from sandlot_hub.adapters.service_config import write_service_config
from sandlot_hub.adapters.settings_file import write_resolved
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.hubconfig.spawning import CUSTOM_SCOPES

from .fake_supervisor import FakeSupervisor
from .hub_app import Reply, running_hub
from .local_catalogue import CATALOGUE
from .service_process import TOKEN, service_config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from .hub_app import Browser, Hub

READ = "custom:sandlot-offers:read"
ACCESS = "access:services!service=offers"
METRICS_TOKEN = "metrics" + "0" * 25

_START_S = 60.0
_END_S = 20.0


@dataclass
class OffersProcess:
    """The service, as a process of its own."""

    config: Path
    port: int
    lines: list[str] = field(default_factory=list)
    """What it logged, of all its lives."""
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> URL:
        """Where it answers, with its prefix."""
        return URL(f"http://127.0.0.1:{self.port}/services/offers/")

    async def start(self) -> None:
        """Start it, and wait until it serves."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sandlot_hub.services.offers", "--config", str(self.config)),
            stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"]},
        )
        async with asyncio.timeout(_START_S):
            first = await self._line()
        assert '"serving"' in first, first

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it; return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        async with asyncio.timeout(_END_S):
            while await self._line():
                pass
            code = await self.process.wait()
        self.process = None
        return code

    async def ask(self, path: str, token: str | None = None) -> tuple[int, Any]:
        """Ask with a token; return the status, and the JSON or the text."""
        headers = {} if token is None else {"Authorization": f"token {token}"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.url.join(URL(path)), headers=headers) as answer,
        ):
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith("{") else text

    async def _line(self) -> str:
        assert self.process is not None
        assert self.process.stderr is not None
        line = (await self.process.stderr.readline()).decode()
        self.lines.extend([line] if line else [])
        return line


@dataclass(frozen=True)
class Installation:
    """A hub and the service."""

    hub: Hub
    service: OffersProcess
    supervisor: FakeSupervisor

    def token(self, user: str, *scopes: str) -> str:
        """Make a token of a user; with all of the user's scopes when none is given."""
        found = self.hub.app.users[orm.User.find(self.hub.app.db, user)]
        options = {"scopes": list(scopes)} if scopes else {}
        made: str = found.new_api_token(**options)
        return made

    def revoke(self, token: str) -> None:
        """Delete a token."""
        self.hub.app.db.delete(orm.APIToken.find(self.hub.app.db, token))
        self.hub.app.db.commit()

    async def visit(self, browser: Browser, path: str = "", **headers: str) -> Reply:
        """Open a page of the service; follow redirects as the proxy would lead them."""
        url = self.service.url.join(URL(path))
        for _ in range(10):
            async with browser.session.get(url, headers=headers, allow_redirects=False) as answer:
                reply = await Reply.of(answer)
            if "Location" not in reply.headers:
                return reply
            target = URL(reply.headers["Location"], encoded=True)
            assert not target.host, "it must stay on this origin"
            service = target.path.startswith("/services/")
            url = (self.service.url if service else browser.hub).join(target)
        message = "redirected in circles"
        raise AssertionError(message)


@asynccontextmanager
async def installed_offers(folder: Path) -> AsyncIterator[Installation]:
    """Run a supervisor (a fake), a hub and the service until the block ends."""
    settings = SandlotSettings.model_validate(CATALOGUE)
    supervisor = FakeSupervisor(socket=folder / "supervisor.sock")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with (
        supervisor.serve(),
        running_hub(settings, supervisor.socket, config=_hub_config(port)) as hub,
    ):
        hub.add_user("alice", "ml")
        hub.add_user("bob", "cs101")
        write_resolved(folder / "settings.json", settings)
        config = service_config(
            port=port,
            hub_api_url=str(hub.url / "api"),
            settings_file=folder / "settings.json",
            supervisor_socket=supervisor.socket,
        )
        write_service_config(folder / "service.json", config)
        service = OffersProcess(folder / "service.json", port)
        await service.start()
        try:
            yield Installation(hub, service, supervisor)
        finally:
            if service.process is not None:
                await service.end()


def _hub_config(port: int) -> dict[str, dict[str, Any]]:
    offers = {
        "name": "offers",
        "url": f"http://127.0.0.1:{port}",
        "api_token": TOKEN,
        "oauth_client_allowed_scopes": [READ],
        "oauth_no_confirm": True,
        "timeout": 1,
    }
    metrics = {"name": "metrics", "scopes": ["read:metrics"], "services": ["prometheus"]}
    return {
        "JupyterHub": {
            "services": [offers, {"name": "prometheus", "api_token": METRICS_TOKEN}],
            "custom_scopes": CUSTOM_SCOPES,
            "extra_user_scopes": {ACCESS, READ},
            "load_roles": [metrics],
        }
    }
