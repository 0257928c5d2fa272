"""The cluster that the tests of one run share, and what each test gets of its own on it.

Tests are kept apart by namespaces: one control plane serves a whole run. Where it cannot run,
every test here is skipped with the reason; in CI that fails the run.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, ExitStack, suppress
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from kubernetes_asyncio.client import CoreV1Api

from support.cluster.api import connected
from support.cluster.builder import NODE_PROGRAMS, cache_folder, programs
from support.cluster.cluster import Cluster, brought, running
from support.cluster.errors import CannotRunHereError
from support.cluster.fault_proxy import FaultProxy
from support.cluster.images import PYTHON_IMAGE, archives, check_images_possible
from support.cluster.namespaces import TestNamespace
from support.cluster.network import check_possible
from support.cluster.nodes import FakeNodes
from support.cluster.real_node import RealNode, check_node_possible

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from kubernetes_asyncio.client import ApiClient

    from support.cluster.builder import Programs
    from support.cluster.images import Archive


def pytest_collection_finish(session: pytest.Session) -> None:
    """Compile the cluster before the first test: it takes longer than a test may."""
    if session.config.option.collectonly or brought() is not None:
        return
    # A test that needs the cluster says what is missing, when it comes to that.
    with suppress(CannotRunHereError):
        check_possible()
        programs(cache=cache_folder(), say=_say_to(session.config))
        if any(item.get_closest_marker("real_node") for item in session.items):
            _node_parts(_say_to(session.config))


def _node_parts(say: Callable[[str], None]) -> tuple[Programs, dict[str, Archive]]:
    """Return what a real node needs, made now if it is not kept."""
    check_node_possible()
    check_images_possible()
    kubelet = programs(NODE_PROGRAMS, cache=cache_folder(), say=say)
    return kubelet, archives("base", cache=cache_folder(), say=say)


def _say_to(config: pytest.Config) -> Callable[[str], None]:
    """Return what tells the person at the terminal: minutes of silence look like a hang."""
    capture = config.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(line, flush=True)  # noqa: T201 (progress, for a person)

    return say


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """The cluster."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(running(say=_say_to(pytestconfig)))
        except CannotRunHereError as error:
            pytest.skip(f"No Kubernetes to test on: {error}")
        yield started


@pytest.fixture
def own_cluster(cluster: Cluster) -> Cluster:
    """The cluster, for tests that need our own parts of it."""
    if cluster.plane is None:
        pytest.skip("this needs the control plane that the tests start, not one that was brought")
    return cluster


@pytest.fixture(scope="session")
def images(cluster: Cluster, pytestconfig: pytest.Config) -> Iterator[dict[str, Archive]]:
    """The images of a real node beside the cluster, which runs meanwhile."""
    if cluster.plane is None:
        pytest.skip("this needs the control plane that the tests start, not one that was brought")
    with ExitStack() as stack:
        try:
            kubelet, made = _node_parts(_say_to(pytestconfig))
            node = RealNode(plane=cluster.plane, programs=kubelet)
            stack.callback(node.stop)
            node.start(made.values(), pause=made[PYTHON_IMAGE])
        except CannotRunHereError as error:
            pytest.skip(f"No node to run pods on: {error}")
        yield made


@pytest_asyncio.fixture
async def api(cluster: Cluster) -> AsyncIterator[ApiClient]:
    """An administrator's client."""
    async with connected(cluster.kubeconfig) as client:
        yield client


@pytest.fixture
def core(api: ApiClient) -> CoreV1Api:
    """The administrator's API of pods, nodes and namespaces."""
    return CoreV1Api(api)


@pytest_asyncio.fixture
async def make_namespace(
    api: ApiClient, cluster: Cluster
) -> AsyncIterator[Callable[..., Awaitable[TestNamespace]]]:
    """Return a function that makes a namespace; all are removed with the test."""
    async with AsyncExitStack() as stack:

        async def made(*, security: str = "restricted") -> TestNamespace:
            new = await TestNamespace.create(client=api, access=cluster.access, security=security)
            stack.push_async_callback(new.remove)
            return new

        yield made


@pytest_asyncio.fixture
async def namespace(make_namespace: Callable[..., Awaitable[TestNamespace]]) -> TestNamespace:
    """A namespace of this test's own, in which Pod Security *restricted* is enforced."""
    return await make_namespace()


@pytest_asyncio.fixture
async def nodes(core: CoreV1Api, own_cluster: Cluster) -> AsyncIterator[FakeNodes]:
    """A maker of fake nodes; they are removed with the test."""
    made = FakeNodes(core)
    yield made
    await made.remove()


@pytest.fixture
def fault_proxy(cluster: Cluster) -> Iterator[FaultProxy]:
    """A proxy in front of the API server that does what the test tells it."""
    with FaultProxy(cluster.access) as proxy:
        yield proxy
