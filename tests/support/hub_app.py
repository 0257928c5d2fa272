"""A real hub in this process, for tests of what Sandlot adds to it.

It is JupyterHub's own test application (as pytest-jupyterhub runs it, whose fixtures
need another asyncio mode than ours), with our local spawner and templates, and
without a proxy: requests go to the hub itself.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from jupyterhub import orm
from jupyterhub.proxy import Proxy
from jupyterhub.tests.mocking import MockHub
from jupyterhub.tests.utils import add_user
from traitlets.config import Config
from yarl import URL

import sandlot_hub.spawner
from sandlot_hub.domain.settings.fingerprint import settings_hash
from sandlot_hub.hubconfig.pages import page_handlers, page_variables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from sandlot_hub.domain.settings.model import SandlotSettings
    from sandlot_hub.spawner.local import SandlotLocalSpawner


class NullProxy(Proxy):
    """Keeps routes and forwards nothing."""

    should_start = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.routes: dict[str, Any] = {}

    async def add_route(self, routespec: str, target: str, data: Any) -> None:
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec: str) -> None:
        self.routes.pop(routespec, None)

    async def get_all_routes(self) -> dict[str, Any]:
        return self.routes


class KeptHub(MockHub):
    """The test application with a database that outlives it, if it is given one."""

    kept_database: Path | None = None

    def init_db(self) -> None:
        if self.kept_database is not None:
            self.db_url = f"sqlite:///{self.kept_database}"
            self.test_clean_db = False
        super().init_db()


@dataclass(frozen=True)
class Hub:
    """A running hub."""

    app: KeptHub

    @property
    def url(self) -> URL:
        """Where the hub itself listens, with its prefix and a slash at the end."""
        return URL(f"http://127.0.0.1:{self.app.hub.port}{self.app.hub.base_url}")

    @property
    def failure_count(self) -> int:
        """How many starts in a row the hub counts as its own failures."""
        return int(self.app.tornado_settings.get("failure_count", 0))

    def add_user(self, name: str, *groups: str, admin: bool = False) -> Any:
        """Add a user, in groups that are made where they are missing."""
        user = add_user(self.app.db, self.app, name=name, admin=admin)
        user.sync_groups(groups)
        return user

    def spawner(self, user: str, server_name: str = "") -> SandlotLocalSpawner:
        """Return a server's spawner as the hub has it now."""
        orm_user = orm.User.find(self.app.db, user)
        spawner: SandlotLocalSpawner = self.app.users[orm_user].spawners[server_name]
        return spawner

    def stored(self, user: str, server_name: str = "") -> tuple[Any, Any]:
        """Return options and state as they are in the database, past all caches."""
        session = self.app.session_factory()
        try:
            orm_user = session.query(orm.User).filter(orm.User.name == user).one()
            spawner = orm_user.orm_spawners[server_name]
            return spawner.user_options, spawner.state
        finally:
            session.close()

    def rest(self, user: str) -> Rest:
        """Return a REST client with a fresh token of a user."""
        token = self.app.users[orm.User.find(self.app.db, user)].new_api_token()
        return Rest(self.url / "api", {"Authorization": f"token {token}"})

    @asynccontextmanager
    async def browser(self, user: str) -> AsyncIterator[Browser]:
        """Log in by the form and yield the browser."""
        # The loopback address is an IP address, whose cookies are refused by default.
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar, headers=NAVIGATION) as session:
            browser = Browser(session, self.url)
            await browser.log_in(user)
            yield browser


NAVIGATION = {"Sec-Fetch-Mode": "navigate"}
"""What makes a request a page view for the hub's protection against forged ones."""


@dataclass(frozen=True)
class Reply:
    """An answer that has been read to its end."""

    status: int
    text: str
    headers: Mapping[str, str]
    url: URL

    @classmethod
    async def of(cls, response: aiohttp.ClientResponse) -> Self:
        return cls(response.status, await response.text(), response.headers, response.url)


@dataclass(frozen=True)
class Rest:
    """The hub's REST API as one user calls it."""

    api: URL
    headers: dict[str, str]

    async def __call__(self, method: str, path: str, **kwargs: Any) -> Reply:
        """Send one request; `path` is below ``/hub/api/``."""
        async with (
            aiohttp.ClientSession(headers=self.headers) as session,
            session.request(method, self.api / path, **kwargs) as response,
        ):
            return await Reply.of(response)

    async def events(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """Yield the events of a stream as they come."""
        async with (
            aiohttp.ClientSession(headers=self.headers) as session,
            session.get(self.api / path) as response,
        ):
            async for line in response.content:
                if line.startswith(b"data: "):
                    yield json.loads(line.removeprefix(b"data: "))


@dataclass(frozen=True)
class Browser:
    """A logged-in browser without JavaScript."""

    session: aiohttp.ClientSession
    hub: URL

    async def log_in(self, user: str) -> None:
        """Log in with the user's name for a password, as the test authenticator wants it."""
        await self.get("login")
        form = {"username": user, "password": user, "_xsrf": self.xsrf}
        reply = await self.post("login", data=form, allow_redirects=False)
        assert reply.status == 302, reply.text

    @property
    def xsrf(self) -> str:
        """The token against forged requests."""
        return self.session.cookie_jar.filter_cookies(self.hub)["_xsrf"].value

    async def get(self, path: str, **kwargs: Any) -> Reply:
        """Open a page below the hub's prefix."""
        async with self.session.get(self._url(path), **kwargs) as response:
            return await Reply.of(response)

    async def post(self, path: str, **kwargs: Any) -> Reply:
        """Send a form to a page below the hub's prefix."""
        async with self.session.post(self._url(path), **kwargs) as response:
            return await Reply.of(response)

    async def submit(self, path: str, form: Any) -> Reply:
        """Send the spawn form, as its page does, and wait until the start has ended."""
        url = f"{path}?_xsrf={self.xsrf}"
        return await self._settled(await self.post(url, data=form, allow_redirects=False))

    async def start_by_url(self, path: str) -> Reply:
        """Open an address that starts a server, and wait until the start has ended."""
        return await self._settled(await self.get(path, allow_redirects=False))

    async def _settled(self, reply: Reply) -> Reply:
        # Only what takes the hub less than a second is told at once; the rest is told on the
        # pending page. From there a started server is a redirect to it, which needs a proxy.
        _, pending, server = reply.headers.get("Location", "").partition("/spawn-pending/")
        if not pending:
            return reply
        user, _, name = URL(server).path.partition("/")
        progress = f"servers/{name}/progress" if name else "server/progress"
        await self.get(f"api/users/{user}/{progress}?_xsrf={self.xsrf}")
        return await self.get(f"spawn-pending/{user}/{name}", allow_redirects=False)

    def _url(self, path: str) -> URL:
        # As it is: tests send addresses that a client would tidy up.
        return URL(f"{self.hub}{path}", encoded=True)


@asynccontextmanager
async def running_hub(
    settings: SandlotSettings,
    socket: Path,
    *,
    database: Path | None = None,
    config: Mapping[str, Mapping[str, Any]] | None = None,
) -> AsyncIterator[Hub]:
    """Run a hub until the block ends.

    Parameters
    ----------
    settings
        What is offered.
    socket
        Where the supervisor listens.
    database
        Kept between two hubs; without it each has its own.
    config
        More configuration, by class.
    """
    known: dict[str, dict[str, Any]] = {
        "JupyterHub": {
            "spawner_class": "sandlot_hub.spawner.local.SandlotLocalSpawner",
            "proxy_class": NullProxy,
            "bind_url": "http://127.0.0.1:0/",
            "template_paths": [f"{next(iter(sandlot_hub.spawner.__path__))}/templates"],
            "extra_handlers": page_handlers(settings_hash(settings)),
            "allow_named_servers": True,
            # Otherwise it would be written to a file in the working directory.
            "cookie_secret": b"0123456789abcdef0123456789abcdef",
            "cleanup_servers": False,
            "log_level": "ERROR",
        },
        "Sandlot": {"settings": settings},
        "SandlotLocalSpawner": {"supervisor_socket": str(socket)},
    }
    for section, values in (config or {}).items():
        known.setdefault(section, {}).update(values)
    variables = known["JupyterHub"].get("template_vars", {})
    known["JupyterHub"]["template_vars"] = page_variables() | variables
    KeptHub.clear_instance()
    app = KeptHub.instance(config=Config(known))
    app.kept_database = database
    await app.initialize()
    await app.start()
    try:
        yield Hub(app)
    finally:
        app.http_server.stop()
        await app.shutdown_cancel_tasks()
        app.db.close()
        app.db_file.close()
        KeptHub.clear_instance()
