from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api

from sandlot_hub.adapters.cluster_objects import KubernetesObjects
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

pytestmark = pytest.mark.asyncio

CLAIM = {"metadata": {"name": "claim-ann"}}


class Answers:
    """An API server that says what it was told to say, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.next: list[tuple[int, str]] = []
        self.broken = False
        self.held = asyncio.Event()
        self.held.set()

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.method, request.path, body))
        if self.broken and request.transport is not None:
            request.transport.close()
        await self.held.wait()
        code, text = self.next.pop(0)
        return web.Response(status=code, text=text, content_type="application/json")


@pytest_asyncio.fixture
async def answers() -> Answers:
    return Answers()


@pytest_asyncio.fixture
async def make_objects(answers: Answers) -> AsyncIterator[Callable[[float], KubernetesObjects]]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answers.answer)
    async with TestServer(app) as server:
        configuration = Configuration(host=str(server.make_url("/")).rstrip("/"))
        async with ApiClient(configuration) as client:
            api = CoreV1Api(client)
            yield lambda seconds: KubernetesObjects(api=api, namespace="people", timeout_s=seconds)


@pytest.fixture
def objects(make_objects: Callable[[float], KubernetesObjects]) -> KubernetesObjects:
    return make_objects(5)


async def test_a_pod_is_made_of_the_very_document(
    objects: KubernetesObjects, answers: Answers
) -> None:
    answers.next = [(201, '{"metadata": {"uid": "1"}}')]
    manifest = {"metadata": {"name": "a"}, "spec": {"someNewField": 1}}
    assert await objects.create_pod(manifest) == {"metadata": {"uid": "1"}}
    assert answers.asked == [("POST", "/api/v1/namespaces/people/pods", manifest)]


async def test_what_is_not_there_is_none(objects: KubernetesObjects, answers: Answers) -> None:
    answers.next = [(404, "{}"), (404, "{}")]
    assert await objects.read_pod("a") is None
    assert await objects.read_claim("a") is None


async def test_one_very_pod_is_removed(objects: KubernetesObjects, answers: Answers) -> None:
    answers.next = [(200, "{}"), (404, "{}"), (409, '{"reason": "Conflict"}')]
    for _ in range(3):
        await objects.delete_pod("a", uid="1", grace_s=5)
    body = {"gracePeriodSeconds": 5, "preconditions": {"uid": "1"}}
    assert answers.asked[0] == ("DELETE", "/api/v1/namespaces/people/pods/a", body)


@pytest.mark.parametrize(
    ("body", "document"),
    [
        pytest.param('{"reason": "Forbidden"}', {"reason": "Forbidden"}, id="status"),
        pytest.param("<html>502</html>", {}, id="a-load-balancers-page"),
        pytest.param("[]", {}, id="no-mapping"),
        pytest.param("", {}, id="nothing"),
    ],
)
async def test_an_error_comes_with_its_document(
    body: str, document: dict[str, Any], objects: KubernetesObjects, answers: Answers
) -> None:
    answers.next = [(502, body)]
    with pytest.raises(ClusterRefusedError) as caught:
        await objects.create_pod({})
    assert (caught.value.status, caught.value.document) == (502, document)


async def test_a_connection_that_breaks_decides_nothing(
    objects: KubernetesObjects, answers: Answers
) -> None:
    answers.broken, answers.next = True, [(201, "{}")]
    with pytest.raises(ClusterUnreachableError):
        await objects.create_pod({})


async def test_an_answer_has_to_come_in_time(
    make_objects: Callable[[float], KubernetesObjects], answers: Answers
) -> None:
    answers.held.clear()
    answers.next = [(200, "{}")]
    with pytest.raises(ClusterUnreachableError, match="TimeoutError"):
        await make_objects(0.05).read_pod("a")
    answers.held.set()


@pytest.mark.parametrize(
    "following",
    [
        pytest.param([(201, "{}")], id="made"),
        pytest.param([(409, '{"reason": "AlreadyExists"}')], id="there"),
        pytest.param(
            [(403, '{"reason": "Forbidden"}'), (200, '{"metadata": {}}')], id="full-quota"
        ),
    ],
)
async def test_a_claim_is_there_in_the_end(
    following: list[tuple[int, str]], objects: KubernetesObjects, answers: Answers
) -> None:
    answers.next = following
    await objects.create_claim(CLAIM)
    assert answers.next == []


async def test_a_claim_that_may_not_be_made(objects: KubernetesObjects, answers: Answers) -> None:
    answers.next = [(403, '{"reason": "Forbidden"}'), (404, "{}")]
    with pytest.raises(ClusterRefusedError) as caught:
        await objects.create_claim(CLAIM)
    assert caught.value.status == 403
