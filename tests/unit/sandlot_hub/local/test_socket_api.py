from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio

from sandlot_contracts.supervisor import (
    Account,
    LocalFacilities,
    LogTail,
    ServerState,
    StackStatus,
    StartServer,
)
from sandlot_hub.adapters.supervisor_client import (
    SupervisorClient,
    SupervisorRefusedError,
    SupervisorUnreachableError,
)
from sandlot_hub.local.peers import Peers, Role
from sandlot_hub.local.refusals import RefusedRequestError
from sandlot_hub.local.socket_api import SocketApi, serving
from support.fake_dask import FakeDask, dask_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

pytestmark = pytest.mark.asyncio

ME = os.geteuid()
SPAWN = "0" * 32
STATE = ServerState(
    spawn_id=SPAWN, owner="ann", server_name="", state="listening", pid=7, uid=8, port=9000
)
STATUS = StackStatus(
    url="http://127.0.0.1:8000/",
    admin="admin",
    pid=1,
    services={"hub": "running"},
    isolation="own-uid",
    images={},
    servers=0,
    settings_hash="h",
)
FACILITIES = LocalFacilities(
    images={},
    cpus=2,
    memory_bytes=1,
    cpu_enforced=True,
    memory_enforced=False,
    memory_detail="No.",
    isolation="own-uid",
)


class Fake:
    """Everything behind the socket: notes what was asked, and refuses or fails when told to."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.error: Exception | None = None
        self.waiting, self.change = asyncio.Event(), asyncio.Event()
        self.gone: Callable[[], bool] = lambda: False

    def _note(self, *what: object) -> None:
        self.asked.append(what)
        if self.error is not None:
            raise self.error

    async def start(self, request: StartServer) -> ServerState:
        self._note("start", request)
        return STATE

    async def get(self, spawn_id: str, *, wait_s: float = 0.0) -> ServerState:
        self._note("get", spawn_id, wait_s)
        return STATE

    def log_tail(self, spawn_id: str) -> LogTail:
        self._note("log", spawn_id)
        return LogTail(lines=("a", "b"))

    def status(self) -> StackStatus:
        self._note("status")
        return STATUS

    async def restart(self, part: str) -> StackStatus:
        self._note("restart", part)
        return STATUS

    async def facilities(self) -> LocalFacilities:
        self._note("facilities")
        return FACILITIES

    async def facilities_after(
        self, version: int, *, wait_s: float, gone: Callable[[], bool]
    ) -> LocalFacilities:
        self._note("facilities", version, wait_s)
        self.gone = gone
        self.waiting.set()
        await self.change.wait()
        return FACILITIES

    def end_waiting(self) -> None:
        self.change.set()

    def account(self, user: str) -> Account:
        self._note("account", user)
        return Account(user=user, uid=8, home="/h")


class FakeServers(Fake):
    async def stop(self, spawn_id: str, *, now: bool) -> ServerState:
        self._note("stop", spawn_id, now)
        return STATE


class FakeStack(Fake):
    def stop(self) -> None:
        self._note("stop")


class Site:
    """A served socket with its fakes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.servers = FakeServers()
        self.dask = FakeDask()
        self.stack = FakeStack()
        self.client = SupervisorClient(path)

    def api(self, role: Role) -> SocketApi:
        everybody = frozenset({ME})
        peers = Peers(
            operator=everybody if Role.OPERATOR in role else frozenset(),
            hub=ME if Role.HUB in role else -2,
            services=everybody if Role.SERVICE in role else frozenset(),
            gateway=ME if Role.GATEWAY in role else -2,
        )
        return SocketApi(servers=self.servers, dask=self.dask, stack=self.stack, peers=peers)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "s.sock")


@pytest_asyncio.fixture
async def served(site: Site) -> AsyncIterator[Site]:
    async with serving(site.api(Role.OPERATOR | Role.HUB | Role.SERVICE), site.path, gid=None):
        yield site


def request(**changes: object) -> StartServer:
    values: dict[str, object] = {
        "spawn_id": SPAWN,
        "owner": "ann",
        "server_name": "",
        "image": "base",
        "size": "small",
        "settings_hash": "h",
        "environment": {"JUPYTERHUB_API_TOKEN": "secret"},
        "port": 9000,
    }
    return StartServer.model_validate({**values, **changes})


async def test_every_question_has_its_answer(served: Site) -> None:
    client = served.client
    assert await client.start(request()) == STATE
    assert await client.get(SPAWN) == STATE
    assert await client.get(SPAWN, wait_s=2.5) == STATE
    assert await client.stop(SPAWN) == STATE
    assert await client.stop(SPAWN, now=True) == STATE
    assert await client.log_tail(SPAWN) == LogTail(lines=("a", "b"))
    assert served.servers.asked == [
        ("start", request()),
        ("get", SPAWN, 0.0),
        ("get", SPAWN, 2.5),
        ("stop", SPAWN, False),
        ("stop", SPAWN, True),
        ("log", SPAWN),
    ]
    assert await client.status() == STATUS
    assert await client.restart("hub") == STATUS
    assert await client.facilities() == FACILITIES
    await client.stop_all()
    assert served.stack.asked == [("status",), ("restart", "hub"), ("facilities",), ("stop",)]


@pytest.mark.parametrize(
    ("wait_s", "waits"), [(2.5, 2.5), (600, 30.0), (-1, 0.0), (float("nan"), 0.0)]
)
async def test_waiting_for_a_change(served: Site, wait_s: float, waits: float) -> None:
    served.stack.change.set()
    assert await served.client.facilities(after=7, wait_s=wait_s) == FACILITIES
    assert served.stack.asked == [("facilities", 7, waits)]


@pytest.mark.parametrize("after", ["", "x", "-1", "²", "1.5"])
async def test_what_is_no_version_waits_for_nothing(served: Site, after: str) -> None:
    path = f"http://s/v1/facilities?wait=30&after={after}"
    async with session(served) as http, http.get(path) as reply:
        assert reply.status == 200
    assert served.stack.asked == [("facilities",)]


async def test_who_waits_is_answered_at_the_end(site: Site) -> None:
    async with serving(site.api(Role.SERVICE | Role.HUB), site.path, gid=None):
        asking = asyncio.create_task(site.client.facilities(after=1, wait_s=30))
        await site.stack.waiting.wait()
    async with asyncio.timeout(10):
        assert await asking == FACILITIES


async def test_who_waits_and_goes_away_is_noticed(served: Site) -> None:
    asking = asyncio.create_task(served.client.facilities(after=1, wait_s=30))
    await served.stack.waiting.wait()
    assert not served.stack.gone()
    asking.cancel()
    async with asyncio.timeout(10):
        while not served.stack.gone():  # noqa: ASYNC110 (the socket tells nobody)
            await asyncio.sleep(0)
    served.stack.change.set()


@pytest.mark.parametrize("user", ["ann", "a/b", "..", "ä ?#%", "a%2Fb"])
async def test_any_user_name_arrives_as_it_is(served: Site, user: str) -> None:
    found = await served.client.account(user)
    assert found is not None
    assert found.user == user


async def test_what_is_not_known_is_none(served: Site) -> None:
    unknown = RefusedRequestError("No.", code="unknown", status=404)
    served.servers.error = served.stack.error = unknown
    assert await served.client.get(SPAWN) is None
    assert await served.client.stop(SPAWN) is None
    assert await served.client.account("ann") is None
    assert await served.client.log_tail(SPAWN) == LogTail(lines=())


async def test_a_refusal_arrives_whole(served: Site) -> None:
    refused = RefusedRequestError("No size.", code="size-unknown", status=409, field="size")
    served.servers.error = refused
    with pytest.raises(SupervisorRefusedError, match="No size") as caught:
        await served.client.start(request())
    assert caught.value.problem == refused.problem


async def test_a_defect_is_told_without_details(
    served: Site, caplog: pytest.LogCaptureFixture
) -> None:
    served.servers.error = ZeroDivisionError("secret")
    with pytest.raises(SupervisorRefusedError) as caught:
        await served.client.get(SPAWN)
    assert caught.value.problem.status == 500
    assert "secret" not in str(caught.value)
    assert "ZeroDivisionError" in caplog.text


ROUTES: dict[str, tuple[Callable[[SupervisorClient], object], Role]] = {
    "status": (lambda c: c.status(), Role.OPERATOR),
    "restart": (lambda c: c.restart("hub"), Role.OPERATOR),
    "stop-all": (lambda c: c.stop_all(), Role.OPERATOR),
    "facilities": (lambda c: c.facilities(), Role.OPERATOR | Role.HUB | Role.SERVICE),
    "start": (lambda c: c.start(request()), Role.HUB),
    "get": (lambda c: c.get(SPAWN), Role.HUB),
    "stop": (lambda c: c.stop(SPAWN), Role.HUB),
    "log": (lambda c: c.log_tail(SPAWN), Role.HUB),
    "start-dask": (lambda c: c.start_dask(dask_request()), Role.GATEWAY),
    "dask-states": (lambda c: c.dask_states(), Role.GATEWAY),
    "stop-dask": (lambda c: c.stop_dask(SPAWN), Role.GATEWAY),
    "dask-log": (lambda c: c.dask_log(SPAWN), Role.GATEWAY),
    "account": (lambda c: c.account("ann"), Role.OPERATOR | Role.HUB),
}


@pytest.mark.parametrize("role", [Role.NOBODY, Role.OPERATOR, Role.HUB, Role.SERVICE, Role.GATEWAY])
@pytest.mark.parametrize("route", ROUTES)
async def test_who_may_ask_what(site: Site, route: str, role: Role) -> None:
    call, allowed = ROUTES[route]
    async with serving(site.api(role), site.path, gid=None):
        if role & allowed:
            await call(site.client)  # type: ignore[misc]
            assert site.servers.asked or site.stack.asked or site.dask.asked
        else:
            with pytest.raises(SupervisorRefusedError) as caught:
                await call(site.client)  # type: ignore[misc]
            assert caught.value.problem.status == 403
            assert not site.servers.asked
            assert not site.stack.asked
            assert not site.dask.asked


async def test_every_route_is_in_the_table_above(site: Site) -> None:
    routes = list(site.api(Role.NOBODY).application().router.routes())
    assert len(routes) == len(ROUTES)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(b"", None, id="empty"),
        pytest.param(b"[]", None, id="list"),
        pytest.param(b"{", None, id="no-json"),
        pytest.param(b'{"owner": ["secret"]}', "spawn_id", id="missing"),
    ],
)
async def test_a_malformed_body_is_refused_without_repeating_it(
    served: Site, body: bytes, field: str | None
) -> None:
    status, problem = await put(served, body)
    assert status == 400
    assert problem["code"] == "malformed"
    assert problem["field"] == field
    assert "secret" not in str(problem)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"spawn_id": "../../etc"}, "spawn_id"),
        ({"port": 80}, "port"),
        ({"owner": ""}, "owner"),
        ({"command": "sh"}, "command"),
        ({"environment": {"A": 1}}, "environment.A"),
    ],
)
async def test_a_wrong_field_is_named(served: Site, changes: dict[str, object], field: str) -> None:
    body = request().model_dump() | changes
    async with session(served) as http, http.put("http://s/v1/servers", json=body) as reply:
        assert reply.status == 400
        assert (await reply.json(content_type=None))["field"] == field
    assert served.servers.asked == []


async def test_a_body_without_end_is_cut_off(served: Site) -> None:
    status, _ = await put(served, b'{"owner": "' + b"x" * 10**6)
    assert status == 413
    assert served.servers.asked == []


async def test_an_unknown_route_is_a_problem(served: Site) -> None:
    async with session(served) as http, http.get("http://s/v1/shell") as reply:
        assert reply.status == 404
        assert reply.content_type == "application/problem+json"


async def test_the_socket_is_closed_to_others(served: Site) -> None:
    assert served.path.stat().st_mode & 0o777 == 0o600


async def test_a_socket_that_a_killed_run_left_is_replaced(site: Site) -> None:
    site.path.write_text("")
    async with serving(site.api(Role.OPERATOR), site.path, gid=os.getegid()):
        assert (await site.client.status()) == STATUS
        assert site.path.stat().st_mode & 0o777 == 0o660


async def test_a_path_of_any_length(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100) / ("y" * 100)
    deep.mkdir(parents=True)
    site = Site(deep / "s.sock")
    async with serving(site.api(Role.OPERATOR), site.path, gid=None):
        assert (await site.client.status()) == STATUS


@pytest.mark.parametrize("left", ["nothing", "file", "socket"])
async def test_nobody_answers(site: Site, left: str) -> None:
    if left == "file":
        site.path.write_text("")
    elif left == "socket":
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(site.path))
    with pytest.raises(SupervisorUnreachableError, match=r"s\.sock"):
        await site.client.status()


def session(served: Site) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(served.path)))


async def put(served: Site, body: bytes) -> tuple[int, dict[str, object]]:
    async with session(served) as http, http.put("http://s/v1/servers", data=body) as reply:
        return reply.status, await reply.json(content_type=None)
