from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from sandlot_contracts.clusters import ClusterList, ClusterOptions
from sandlot_contracts.supervisor import DaskState, DaskStates, LogTail, StartDask
from sandlot_hub.services.access import Open, TokenApi
from sandlot_hub.services.dask_gateway.app import NAME, dask_application, gateway_routes
from support.fake_supervisor import facilities
from support.service_process import RunningService, running_service

from .conftest import locked, state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sandlot_hub.adapters.settings_file import LoadedSettings
    from support.fake_hub import FakeHub

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(60)]

ANN, BOB = "ann-token", "bob-token"
SCOPES = ["access:services!service=dask-gateway"]


class Machine:
    """The supervisor at its protocol boundary: the real wire types, no processes."""

    def __init__(self) -> None:
        self.started: dict[str, DaskState] = {}

    @asynccontextmanager
    async def serve(self, path: Path) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_get("/v1/facilities", self._facilities)
        app.router.add_put("/v1/dask", self._start)
        app.router.add_get("/v1/dask", self._states)
        app.router.add_delete("/v1/dask/{id}", self._stop)
        app.router.add_get("/v1/dask/{id}/log", self._log)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.UnixSite(runner, str(path)).start()
        try:
            yield
        finally:
            await runner.cleanup()

    async def _facilities(self, _request: web.Request) -> web.Response:
        return _json(facilities().model_dump_json())

    async def _start(self, request: web.Request) -> web.Response:
        asked = StartDask.model_validate_json(await request.read())
        self.started[asked.process_id] = state(asked)
        return _json(self.started[asked.process_id].model_dump_json())

    async def _states(self, request: web.Request) -> web.Response:
        await asyncio.sleep(min(float(request.query.get("wait", "0")), 0.05))
        states = DaskStates(version=1, processes=tuple(self.started.values()))
        return _json(states.model_dump_json())

    async def _stop(self, request: web.Request) -> web.Response:
        return _json(self.started[request.match_info["id"]].model_dump_json())

    async def _log(self, request: web.Request) -> web.Response:
        return _json(LogTail(lines=(f"of {request.match_info['id']}",)).model_dump_json())


def _json(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/json")


@pytest.fixture
def door_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def gateway_on(
    folder: Path, hub: FakeHub, settings: LoadedSettings, door_port: int
) -> AsyncIterator[RunningService]:
    hub.add_user(ANN, "ann", scopes=SCOPES)
    hub.add_user(BOB, "bob", scopes=SCOPES, groups=["cs101"])
    hub.add_user("no-access", "eve", scopes=["access:services!service=offers"])
    async with running_service(
        dask_application,
        settings,
        name=NAME,
        hub_api_url=hub.api_url,
        supervisor_socket=folder / "s.sock",
        folder=folder,
        ports={"dask_routes": door_port},
    ) as running:
        yield running


@pytest_asyncio.fixture
async def gateway(
    tmp_path: Path, hub: FakeHub, settings: LoadedSettings, door_port: int
) -> AsyncIterator[RunningService]:
    async with (
        Machine().serve(tmp_path / "s.sock"),
        gateway_on(tmp_path, hub, settings, door_port) as running,
    ):
        yield running


async def create(gateway: RunningService, token: str = ANN, **options: Any) -> str:
    body = {"cluster_options": options}
    answer = await gateway.ask("api/v1/clusters/", method="POST", token=token, json=body)
    assert answer.status == 201, answer.text
    name: str = answer.json["name"]
    return name


async def test_every_route_but_two_is_the_callers_own(settings: LoadedSettings) -> None:
    routes = gateway_routes(object(), settings.settings)  # type: ignore[arg-type]  # not called

    opened = {route.template for route in routes if isinstance(route.access, Open)}
    assert opened == {"api/health", "api/version"}
    assert all(isinstance(r.access, TokenApi) for r in routes if r.template not in opened)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="nobody"),
        pytest.param({"Authorization": f"jupyterhub {ANN}"}, 200, id="dask-gateway's client"),
        pytest.param({"Authorization": f"token {ANN}"}, 200, id="everybody else"),
        pytest.param({"Authorization": "jupyterhub nope"}, 401, id="no such token"),
        pytest.param({"Authorization": "jupyterhub"}, 401, id="one word"),
        pytest.param({"Authorization": "token no-access"}, 403, id="for another service"),
    ],
)
async def test_who_may_ask(gateway: RunningService, headers: dict[str, str], status: int) -> None:
    answer = await gateway.ask("api/v1/clusters/", headers=headers)

    assert answer.status == status, answer.text
    assert status == 200 or answer.json["error"] == answer.json["message"]


async def test_what_a_cluster_can_be_made_of(gateway: RunningService) -> None:
    fields = (await gateway.ask("api/v1/options", token=ANN)).json["cluster_options"]
    assert [(each["field"], each["default"], each["spec"]["options"]) for each in fields] == [
        ("image", "base", ["base", "scipy"]),
        ("worker_size", "small", ["small"]),
    ]
    answer = await gateway.ask("api/v1/sandlot/options", token=ANN)
    options = ClusterOptions.model_validate(answer.json)
    assert options.images[0].version == "2026-10"
    assert options.sizes[0].memory_bytes == 1024**3
    assert options.limits.clusters == 4


async def test_a_cluster_is_its_owners_alone(gateway: RunningService) -> None:
    name = await create(gateway, image="scipy")

    shown = (await gateway.ask("api/v1/clusters/", token=ANN)).json
    assert shown.keys() == {name}
    assert "tls_key" not in shown[name]
    assert (await gateway.ask("api/v1/clusters/", token=BOB)).json == {}
    mine = await gateway.ask("api/v1/sandlot/clusters", token=ANN)
    (info,) = ClusterList.model_validate(mine.json).clusters
    assert (info.name, info.status, info.image.slug) == (name, "PENDING", "scipy")
    for path in ("clusters/{}", "sandlot/clusters/{}", "sandlot/clusters/{}/log"):
        answer = await gateway.ask(f"api/v1/{path.format(name)}", token=BOB)
        assert (answer.status, answer.json["code"]) == (404, "cluster-unknown")
    log = await gateway.ask(f"api/v1/sandlot/clusters/{name}/log", token=ANN)
    assert log.json == {"scheduler": [f"of {name}"], "workers": []}


async def test_ten_who_ask_at_once_for_the_last_place(gateway: RunningService) -> None:
    for _ in range(3):
        await create(gateway)
    answers = await asyncio.gather(
        *(gateway.ask("api/v1/clusters/", method="POST", token=ANN, json={}) for _ in range(10))
    )

    assert sorted(each.status for each in answers) == [201, *[409] * 9]
    assert {each.json.get("code") for each in answers} == {None, "cluster-limit"}
    assert len((await gateway.ask("api/v1/clusters/", token=ANN)).json) == 4
    assert await create(gateway, BOB), "others are not concerned"


async def test_a_cluster_that_does_not_run_is_not_scaled(gateway: RunningService) -> None:
    name = await create(gateway)
    for path, body in (("scale", {"count": 1}), ("adapt", {})):
        answer = await gateway.ask(
            f"api/v1/clusters/{name}/{path}", method="POST", token=ANN, json=body
        )
        assert (answer.status, answer.json["code"]) == (409, "cluster-not-running")


async def test_an_end_is_told_to_who_waits(gateway: RunningService) -> None:
    name = await create(gateway)
    known = (await gateway.ask("api/v1/sandlot/clusters", token=ANN)).json["version"]
    waiting = asyncio.create_task(
        gateway.ask(f"api/v1/sandlot/clusters?after={known}&wait=30", token=ANN)
    )
    answer = await gateway.ask(f"api/v1/clusters/{name}", method="DELETE", token=ANN)
    assert answer.status == 204

    told = ClusterList.model_validate((await waiting).json)
    assert told.version != known
    assert [each.status for each in told.clusters] in (["STOPPING"], [])


@pytest.mark.parametrize("status", ["running,nope", ""])
async def test_a_status_that_there_is_none_of_is_named(
    gateway: RunningService, status: str
) -> None:
    answer = await gateway.ask(f"api/v1/clusters/?status={status}", token=ANN)

    assert (answer.status, answer.json["field"]) == (422, "status")


async def test_without_the_supervisor_nothing_is_made_and_all_is_told(
    tmp_path: Path, hub: FakeHub, settings: LoadedSettings, door_port: int
) -> None:
    async with gateway_on(tmp_path, hub, settings, door_port) as gateway:
        answer = await gateway.ask("api/v1/clusters/", method="POST", token=ANN, json={})
        assert (answer.status, answer.json["code"]) == (503, "supervisor-unavailable")
        assert (await gateway.ask("api/v1/clusters/", token=ANN)).json == {}
        assert (await gateway.ask("api/health")).status == 503


async def test_a_locked_database_is_told_to_who_waits_and_to_who_orders(
    gateway: RunningService, tmp_path: Path
) -> None:
    name = await create(gateway)
    answer = await gateway.ask("api/v1/sandlot/clusters", token=ANN)
    with locked(tmp_path):
        while answer.status == 200:
            after = answer.json["version"]
            path = f"api/v1/sandlot/clusters?after={after}&wait=30"
            answer = await gateway.ask(path, token=ANN)
        assert (answer.status, answer.json["code"]) == (503, "database-unavailable")
        for method, path in (("POST", "clusters/"), ("DELETE", f"clusters/{name}")):
            refused = await gateway.ask(f"api/v1/{path}", method=method, token=ANN, json={})
            assert (refused.status, refused.json["code"]) == (503, "database-unavailable")
        assert (await gateway.ask("api/health")).status == 503
        assert (await gateway.ask("api/v1/clusters/", token=ANN)).json.keys() == {name}

    while answer.status == 503:
        answer = await gateway.ask("api/v1/sandlot/clusters", token=ANN)
    assert [each["name"] for each in answer.json["clusters"]] == [name], "it has no second one"
    ended = await gateway.ask(f"api/v1/clusters/{name}", method="DELETE", token=ANN)
    assert ended.status == 204


async def test_the_door_opens_for_tokens_of_clusters_only(
    gateway: RunningService, door_port: int
) -> None:
    name = await create(gateway)
    url = f"http://127.0.0.1:{door_port}/api/v1"
    async with aiohttp.ClientSession() as session:
        for method, path in (
            ("POST", f"clusters/{name}/heartbeat"),
            ("DELETE", f"clusters/{name}"),
            ("GET", "routes"),
        ):
            for headers in ({}, {"Authorization": f"token {ANN}"}, {"Authorization": "x"}):
                async with session.request(method, f"{url}/{path}", headers=headers) as reply:
                    document = json.loads(await reply.text())
                    assert (reply.status, document["code"]) == (401, "refused"), (method, headers)
        async with session.get(f"{url}/nothing", headers={"Authorization": "a b"}) as reply:
            assert reply.status == 404
    assert name in (await gateway.ask("api/v1/clusters/", token=ANN)).json


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        pytest.param("clusters/", {"worker_size": "small"}, "worker_size", id="beside the options"),
        pytest.param("clusters/", {"cluster_options": {"cores": 4}}, "cores", id="among them"),
        pytest.param("clusters/{}/scale", {"count": 1, "size": "big"}, "size", id="scale"),
        pytest.param("clusters/{}/adapt", {"minimum": 0, "max": 4}, "max", id="adapt"),
    ],
)
async def test_what_nobody_knows_is_not_passed_over(
    gateway: RunningService, path: str, body: dict[str, object], field: str
) -> None:
    name = await create(gateway)
    answer = await gateway.ask(f"api/v1/{path.format(name)}", method="POST", token=ANN, json=body)
    assert (answer.status, answer.json["field"]) == (422, field), answer.text
    assert (await gateway.ask("api/v1/clusters/", token=ANN)).json.keys() == {name}
