from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import pytest
from tornado.web import RequestHandler

from sandlot_contracts.problem import Problem
from sandlot_server.events import CLUSTERS
from sandlot_server.routes import ROUTES
from support.fake_gateway import LOG, OPTIONS, cluster
from support.user_server import SERVER_TOKEN

if TYPE_CHECKING:
    from typing import Any

    from jupyter_events import EventLogger

    from support.fake_gateway import FakeGateway
    from support.user_server import UserServer

pytestmark = pytest.mark.asyncio

NAME = "a" * 32
OTHERS = "b" * 32
ADDRESS = "http://127.0.0.1:40999"


class Pages:
    """What open pages hear."""

    def __init__(self, server: UserServer) -> None:
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        assert server.app.event_logger is not None
        server.app.event_logger.add_listener(schema_id=CLUSTERS, listener=self._listen)

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self._heard.get(), timeout=10)

    async def until(self, *, reachable: bool) -> float:
        """Wait for a message; return the seconds that it took."""
        begun = time.monotonic()
        while (await self.next())["reachable"] is not reachable:
            continue
        return time.monotonic() - begun

    async def _listen(self, logger: EventLogger, schema_id: str, data: dict[str, Any]) -> None:
        del logger, schema_id
        self._heard.put_nowait(data)


TOO_MANY = Problem(
    title="Too many",
    status=409,
    detail="You may have 2 workers.",
    message="You may have 2 workers.",
    code="dask-workers",
)


async def first_unmet(server: UserServer) -> dict[str, Any] | None:
    reply = await server.fetch("clusters", token="alices")
    unmet: dict[str, Any] | None = reply.json()["clusters"][0]["unmet"]
    return unmet


async def names(server: UserServer) -> list[str]:
    reply = await server.fetch("clusters", token="alices")
    assert reply.status == 200, reply.text
    return [each["name"] for each in reply.json()["clusters"]]


async def test_the_list_has_all_but_addresses(
    with_clusters: UserServer, gateway: FakeGateway
) -> None:
    gateway.put(cluster(NAME, dashboard=ADDRESS))
    gateway.put(cluster(OTHERS))

    reply = await with_clusters.fetch("clusters", token="alices")

    assert reply.status == 200
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    runs, waits = reply.json()["clusters"]
    assert runs["dashboard"] == f"clusters/{NAME}/dashboard/status"
    assert waits["dashboard"] == ""
    assert (runs["status"], reply.json()["limits"]["clusters"]) == ("RUNNING", 3)
    assert "40999" not in reply.text
    assert "dashboard_address" not in reply.text
    assert gateway.logins == {f"token {SERVER_TOKEN}"}


async def test_options_and_log_are_passed_through(
    with_clusters: UserServer, gateway: FakeGateway
) -> None:
    gateway.put(cluster(NAME))

    options = await with_clusters.fetch("clusters/options", token="alices")
    log = await with_clusters.fetch(f"clusters/{NAME}/log", token="alices")

    assert options.json() == OPTIONS.model_dump(mode="json")
    assert log.json() == LOG.model_dump(mode="json")


async def test_what_was_ordered_is_in_the_next_list(
    with_clusters: UserServer, gateway: FakeGateway
) -> None:
    assert await names(with_clusters) == []

    body = json.dumps({"image": "base", "worker_size": "tiny"})
    reply = await with_clusters.fetch("clusters", token="alices", method="POST", body=body)

    assert (reply.status, reply.json()) == (201, {"name": "c" * 32})
    assert await names(with_clusters) == ["c" * 32]
    wanted = {"cluster_options": {"image": "base", "worker_size": "tiny"}}
    assert gateway.orders == [("POST", "clusters/", wanted)]


async def test_a_new_cluster_gets_its_workers_without_a_page(
    with_clusters: UserServer, gateway: FakeGateway
) -> None:
    body = json.dumps({"image": "base", "workers": 3})
    await with_clusters.fetch("clusters", token="alices", method="POST", body=body)
    gateway.put(cluster("c" * 32, dashboard=ADDRESS))

    created, scaled = await gateway.ordered(2)
    assert created == ("POST", "clusters/", {"cluster_options": {"image": "base"}})
    assert scaled == ("POST", f"clusters/{'c' * 32}/scale", {"count": 3})


async def test_why_there_are_no_workers_is_in_the_list(
    with_clusters: UserServer, gateway: FakeGateway
) -> None:
    pages = Pages(with_clusters)
    await names(with_clusters)
    body = json.dumps({"workers": 3})
    await with_clusters.fetch("clusters", token="alices", method="POST", body=body)
    gateway.refused_orders = TOO_MANY
    gateway.put(cluster("c" * 32, dashboard=ADDRESS))

    while not (unmet := await first_unmet(with_clusters)):
        await pages.next()
    assert unmet == {"code": "dask-workers", "message": "You may have 2 workers."}


@pytest.mark.parametrize(
    ("method", "rest", "body", "order"),
    [
        pytest.param("DELETE", "", None, ("DELETE", "", None), id="stop"),
        pytest.param("POST", "/scale", {"count": 2}, ("POST", "/scale", {"count": 2}), id="scale"),
        pytest.param(
            "POST",
            "/adapt",
            {"maximum": 2},
            ("POST", "/adapt", {"minimum": None, "maximum": 2, "active": True}),
            id="adapt",
        ),
    ],
)
async def test_an_order_reaches_the_gateway(
    with_clusters: UserServer,
    gateway: FakeGateway,
    method: str,
    rest: str,
    body: object,
    order: tuple[str, str, object],
) -> None:
    gateway.put(cluster(NAME))

    reply = await with_clusters.fetch(
        f"clusters/{NAME}{rest}",
        token="alices",
        method=method,
        body=None if body is None else json.dumps(body),
    )

    assert (reply.status, reply.text) == (204, "")
    assert gateway.orders == [(order[0], f"clusters/{NAME}{order[1]}", order[2])]


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "field"),
    [
        pytest.param("clusters", "{", 400, "body-json", None, id="no JSON"),
        pytest.param("clusters", "", 400, "body-json", None, id="nothing"),
        pytest.param("clusters", '{"a": "\\ud800"}', 400, "body-json", None, id="half a letter"),
        pytest.param("clusters", "[]", 422, "body-invalid", None, id="a list"),
        pytest.param("clusters", '{"gpu": 1}', 422, "body-invalid", "gpu", id="unknown option"),
        pytest.param("clusters", '{"image": 1}', 422, "body-invalid", "image", id="no slug"),
        pytest.param("clusters", " " * 70_000, 400, "body-json", None, id="long"),
        pytest.param("scale", '{"count": -1}', 422, "body-invalid", "count", id="negative"),
        pytest.param("scale", '{"count": "2"}', 422, "body-invalid", "count", id="text"),
        pytest.param("scale", '{"count": 1e300}', 422, "body-invalid", "count", id="1e300"),
        pytest.param("scale", '{"count": NaN}', 422, "body-invalid", "count", id="NaN"),
        pytest.param("scale", "{}", 422, "body-invalid", "count", id="missing"),
        pytest.param("adapt", '{"minimum": -1}', 422, "body-invalid", "minimum", id="minimum"),
        pytest.param("adapt", '{"active": "yes"}', 422, "body-invalid", "active", id="active"),
    ],
)
async def test_bad_input_is_refused_here(
    with_clusters: UserServer,
    gateway: FakeGateway,
    path: str,
    body: str,
    status: int,
    code: str,
    field: str | None,
) -> None:
    gateway.put(cluster(NAME))
    target = path if path == "clusters" else f"clusters/{NAME}/{path}"

    reply = await with_clusters.fetch(target, token="alices", method="POST", body=body)

    assert reply.headers["Content-Type"] == "application/problem+json"
    problem = reply.json()
    assert (reply.status, problem["code"], problem["field"]) == (status, code, field)
    assert gateway.orders == []


async def test_words_of_the_gateway_pass_unchanged(
    with_clusters: UserServer, gateway: FakeGateway
) -> None:
    said = Problem(
        title="Conflict",
        status=409,
        detail="You have 3 clusters, and that is the limit.",
        message="You have 3 clusters, and that is the limit.",
        code="dask-clusters",
        field="image",
        params={"limit": 3},
    )
    gateway.refusal = said

    reply = await with_clusters.fetch("clusters", token="alices", method="POST", body="{}")

    assert (reply.status, reply.json()) == (409, said.model_dump(mode="json"))
    assert SERVER_TOKEN not in reply.text


@pytest.mark.parametrize("name", [OTHERS, "..", "%2e%2e", "a%2fb", "-a", "x" * 300, "a%00"])
async def test_a_cluster_that_is_not_there(
    with_clusters: UserServer, gateway: FakeGateway, name: str
) -> None:
    gateway.put(cluster(NAME))

    for method, rest in (("DELETE", ""), ("GET", "/log"), ("GET", "/dashboard/status")):
        reply = await with_clusters.fetch(
            f"clusters/{name}{rest}", token="alices", method=method, headers={"X-A": "b"}
        )
        assert reply.status in {404, 405}, (method, reply.text)


VERBS = ("get", "head", "post", "put", "patch", "delete")
ADDRESSED = [
    (verb.upper(), template.format(name=NAME, path="status", socket="status/ws"))
    for template, handler in ROUTES.items()
    if template.startswith("clusters")
    for verb in VERBS
    if getattr(handler, verb) is not getattr(RequestHandler, verb)
]
"""Whatever a server does about clusters: a new route is in here by itself."""


async def test_what_servers_do_about_clusters_is_found_in_their_routes() -> None:
    verbs = [verb for verb, _ in ADDRESSED]
    assert (verbs.count("POST"), verbs.count("DELETE")) == (3, 1)
    assert verbs.count("GET") >= 5


@pytest.mark.parametrize("token", ["bobs", "services"])
@pytest.mark.parametrize(("method", "path"), ADDRESSED)
async def test_a_visitor_is_not_the_owner(
    with_clusters: UserServer, gateway: FakeGateway, token: str, method: str, path: str
) -> None:
    gateway.put(cluster(NAME, dashboard=ADDRESS))

    body = '{"count": 1}' if method == "POST" else None
    reply = await with_clusters.fetch(path, token=token, method=method, body=body)

    assert (reply.status, reply.json()["code"]) == (403, "visitor-not-owner")
    assert (gateway.logins, gateway.orders) == (set(), [])


async def test_a_hub_without_clusters_says_so(server: UserServer) -> None:
    reply = await server.fetch("clusters", token="alices")

    assert (reply.status, reply.json()["code"]) == (404, "clusters-off")


async def test_pages_hear_of_a_change_at_once(
    with_clusters: UserServer, gateway: FakeGateway
) -> None:
    pages = Pages(with_clusters)
    assert await names(with_clusters) == []

    begun = time.monotonic()
    gateway.put(cluster(NAME))
    heard = await pages.next()

    assert time.monotonic() - begun < 1
    assert heard["reachable"] is True
    assert set(heard) == {"revision", "reachable"}
    assert await names(with_clusters) == [NAME]


@pytest.mark.parametrize("fault", ["proxy says 502", "silent"])
async def test_pages_hear_within_2_s_that_the_gateway_is_away(
    with_clusters: UserServer, gateway: FakeGateway, fault: str
) -> None:
    pages = Pages(with_clusters)
    await names(with_clusters)

    gate = asyncio.Event()
    if fault == "silent":
        gateway.gate = gate
    else:
        gateway.plain_error = 502
    gateway.change()
    # What was open is answered first; the silence begins with the next question.
    assert await pages.until(reachable=False) < 2.5
    reply = await with_clusters.fetch("clusters", token="alices")
    assert reply.status in {503, 504}
    assert reply.json()["code"] in {"service-unreachable", "service-timeout"}
    assert SERVER_TOKEN not in reply.text

    gateway.gate = gateway.plain_error = None
    gate.set()
    assert await pages.until(reachable=True) < 2.5
    assert await names(with_clusters) == []
