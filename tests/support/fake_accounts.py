"""A running stack as `sandlot user` sees it: the hub's API for accounts, and the supervisor.

Both speak real HTTP, in a thread with a loop of its own, because the command makes one too.
"""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandlot_hub.adapters.operator_file import OPERATOR_FILE, OperatorAccess, write_operator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

TOKEN = "t" * 64
SECRET = "s" * 64


@dataclass
class FakeAccounts:
    """Accounts and groups, kept in memory as the hub keeps them."""

    url: str = ""
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, set[str]] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    """Where the supervisor says that a user's home is."""
    fault: tuple[str, int, str] | None = None
    """Answer requests whose method and path contain the first with this status and text."""
    page: int = 100
    """Largest number of accounts in one answer."""
    race: bool = False
    """Let somebody else make a missing group just before us."""
    requests: list[str] = field(default_factory=list)

    def add(self, name: str, **more: Any) -> None:
        """Make an account."""
        known = {"name": name, "kind": "user", "admin": False, "groups": [], "servers": {}}
        self.users[name] = {**known, "last_activity": None, **more}

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._door])
        app.router.add_get("/hub/api/users", self._list)
        app.router.add_get("/hub/api/users/{name}", self._get)
        app.router.add_post("/hub/api/users/{name}", self._create)
        app.router.add_delete("/hub/api/users/{name}", self._delete)
        app.router.add_post("/hub/api/groups/{group}", self._create_group)
        app.router.add_post("/hub/api/groups/{group}/users", self._join)
        return app

    def supervisor(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/status", self._status)
        app.router.add_get("/v1/accounts/{name}", self._account)
        return app

    @web.middleware
    async def _door(self, request: web.Request, handler: Any) -> web.StreamResponse:
        line = f"{request.method} {request.raw_path.removeprefix('/hub/api')}"
        self.requests.append(line)
        if self.fault is not None and self.fault[0] in line:
            return web.Response(status=self.fault[1], text=self.fault[2])
        if request.headers.get("Authorization") != f"token {TOKEN}":
            return _message(403, "Forbidden")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _list(self, request: web.Request) -> web.Response:
        offset = int(request.query["offset"])
        size = min(int(request.query["limit"]), self.page)
        names = sorted(self.users)
        more = offset + size < len(names)
        following = {"offset": offset + size, "limit": size, "url": "…"} if more else None
        items = [self._model(name) for name in names[offset : offset + size]]
        return web.json_response({"items": items, "_pagination": {"next": following}})

    async def _get(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.users:
            return _message(404, "Not Found")
        return web.json_response(self._model(name))

    async def _create(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name in self.users:
            return _message(409, f"User {name} already exists")
        self.add(name, admin=(await request.json())["admin"])
        return web.json_response(self._model(name), status=201)

    async def _delete(self, request: web.Request) -> web.Response:
        if self.users.pop(request.match_info["name"], None) is None:
            return _message(404, "Not Found")
        return web.Response(status=204)

    async def _create_group(self, request: web.Request) -> web.Response:
        group = request.match_info["group"]
        if self.race:
            self.race = False
            self.groups[group] = set()
        if group in self.groups:
            return _message(409, f"Group {group} already exists")
        self.groups[group] = set((await request.json())["users"])
        return web.json_response({}, status=201)

    async def _join(self, request: web.Request) -> web.Response:
        group = request.match_info["group"]
        if group not in self.groups:
            return _message(404, "No such group")
        self.groups[group] |= set((await request.json())["users"])
        return web.json_response({})

    def _model(self, name: str) -> dict[str, Any]:
        member = [group for group, users in self.groups.items() if name in users]
        return {**self.users[name], "groups": [*self.users[name]["groups"], *member]}

    async def _status(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "url": "http://127.0.0.1:8000/",
                "admin": "admin",
                "pid": 1,
                "services": {},
                "isolation": "own-uid",
                "images": {},
                "servers": 0,
                "settings_hash": "0",
            }
        )

    async def _account(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.homes:
            document = {"title": "x", "status": 404, "detail": "x", "message": "x", "code": "x"}
            return web.json_response(document, status=404)
        return web.json_response({"user": name, "uid": 1, "home": self.homes[name]})


@asynccontextmanager
async def serving(fake: FakeAccounts) -> AsyncIterator[FakeAccounts]:
    """Serve the hub's API on a free port of the loopback interface."""
    runner = web.AppRunner(fake.application(), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        fake.url = f"http://{host}:{port}/hub/api"
        yield fake
    finally:
        await runner.cleanup()


@contextmanager
def running_stack(data_dir: Path) -> Iterator[FakeAccounts]:
    """Serve hub and supervisor from a thread, and write the operator's file."""
    fake = FakeAccounts()
    loop = asyncio.new_event_loop()
    ready, done = threading.Event(), asyncio.Event()
    (data_dir / "run").mkdir(parents=True)

    async def serve() -> None:
        supervisor = web.AppRunner(fake.supervisor(), shutdown_timeout=0.1)
        async with serving(fake):
            await supervisor.setup()
            await web.UnixSite(supervisor, str(data_dir / "run/supervisor.sock")).start()
            ready.set()
            await done.wait()
            await supervisor.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        access = OperatorAccess(hub_api_url=fake.url, token=TOKEN, account_secret=SECRET)
        write_operator(data_dir / OPERATOR_FILE, access)
        yield fake
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
        loop.close()


def _message(status: int, text: str) -> web.Response:
    return web.Response(
        status=status,
        text=json.dumps({"status": status, "message": text}),
        content_type="application/json",
    )
