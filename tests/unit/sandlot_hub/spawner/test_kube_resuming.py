from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubespawner.clients import load_config

from sandlot_hub.spawner.kube_resuming import ResumingWatch
from support.cluster.waiting import until
from support.kube_spawner import close_clients, use_kubeconfig
from support.kubeconfig import unreachable_kubeconfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

pytestmark = pytest.mark.asyncio

GONE = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}


def pod(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"namespace": "people", "name": name, "resourceVersion": str(version)}}


class ApiServer:
    """Says what a test wrote down: what a list has, and what each watch tells before it ends."""

    def __init__(self) -> None:
        self.items = [pod("ann", 7)]
        self.version = 10
        self.watches: list[list[dict[str, Any]]] = []
        self.refusals: list[int] = []
        """With which status the next watches are refused."""
        self.asked: list[dict[str, str]] = []
        self.lists = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            self.lists += 1
            metadata = {"resourceVersion": str(self.version)}
            return web.json_response({"metadata": metadata, "items": self.items})
        self.asked.append(dict(request.query))
        if self.refusals:
            return web.json_response(GONE, status=self.refusals.pop(0))
        response = web.StreamResponse()
        await response.prepare(request)
        if not self.watches:
            await asyncio.Event().wait()
        for event in self.watches.pop(0):
            await response.write(json.dumps(event).encode() + b"\n")
        return response

    @property
    def versions(self) -> list[int]:
        """From where each watch was asked to go on."""
        return [int(each["resourceVersion"]) for each in self.asked]


@pytest_asyncio.fixture
async def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ApiServer]:
    made = ApiServer()
    app = web.Application()
    app.router.add_get("/api/v1/namespaces/people/pods", made.answer)
    async with TestServer(app) as server:
        path = unreachable_kubeconfig(tmp_path)
        reachable = f"http://127.0.0.1:{server.port}"
        path.write_text(path.read_text().replace("http://127.0.0.1:9", reachable))
        use_kubeconfig(path, monkeypatch)
        load_config()
        yield made
        await close_clients()


@pytest_asyncio.fixture
async def begin(api: ApiServer) -> AsyncIterator[Callable[..., Any]]:
    del api
    made: list[ResumingWatch] = []

    async def begun(**options: Any) -> ResumingWatch:
        watch = ResumingWatch(kind="pods", namespace="people", **options)
        made.append(watch)
        await watch.start()
        return watch

    yield begun
    for watch in made:
        await watch.stop()


async def asked(api: ApiServer, count: int) -> None:
    await until(lambda: len(api.asked) == count, what=f"{count} watches were asked for")


async def test_it_goes_on_after_the_last_that_it_was_told(
    api: ApiServer, begin: Callable[..., Any]
) -> None:
    api.watches = [
        [
            {"type": "ADDED", "object": pod("bob", 11)},
            {"type": "DELETED", "object": pod("ann", 12)},
        ],
        [{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "40"}}}],
    ]
    watch = await begin()
    await asked(api, 3)
    assert (api.versions, api.lists) == ([10, 12, 40], 1)
    assert set(watch.resources) == {"people/bob"}
    assert {each["allowWatchBookmarks"] for each in api.asked} == {"True"}


async def test_one_that_ends_at_once_is_not_asked_again_at_once(
    api: ApiServer, begin: Callable[..., Any]
) -> None:
    api.watches = [[]]
    began = asyncio.get_running_loop().time()
    await begin()
    await asked(api, 2)
    assert asyncio.get_running_loop().time() - began >= 0.5
    assert (api.versions, api.lists) == ([10, 10], 1)


@pytest.mark.parametrize(
    "way", [pytest.param("status", id="status"), pytest.param("event", id="event")]
)
async def test_what_is_too_old_is_listed_once(
    way: str, api: ApiServer, begin: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    if way == "status":
        api.refusals = [410]
    else:
        api.watches = [[{"type": "ERROR", "object": GONE}]]
    watch = await begin()
    api.items, api.version = [pod("bob", 20)], 20
    await asked(api, 2)
    assert (api.versions, api.lists) == ([10, 20], 2)
    assert set(watch.resources) == {"people/bob"}
    # It is nobody's fault.
    assert [each.message for each in caplog.records if each.levelname != "INFO"] == []


async def test_trouble_is_told_without_a_traceback(
    api: ApiServer, begin: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    api.watches = [[{"what": "is this?"}]]
    await begin()
    await asked(api, 2)
    (told,) = [each for each in caplog.records if each.levelname == "WARNING"]
    assert "KeyError" in told.message
    assert told.exc_info is None
    assert api.lists == 2


async def test_an_administrators_restart_lists_again(
    api: ApiServer, begin: Callable[..., Any]
) -> None:
    # Half a second passes after each that tells nothing.
    api.watches = [[{"type": "ADDED", "object": pod("bob", 11)}], [], []]
    await begin(restart_seconds=1)
    await asked(api, 4)
    assert (api.versions, api.lists) == ([10, 11, 11, 10], 2)
