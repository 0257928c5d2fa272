"""The cluster that the tests of one run share, and what each test gets of its own on it.

Tests are kept apart by namespaces: one control plane serves a whole run. Where it cannot run,
every test here is skipped with the reason; in CI that fails the run.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, ExitStack, suppress
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from kubernetes_asyncio.client import CoreV1Api

from support.browsing import chromium, launched, new_person
from support.cluster.api import connected
from support.cluster.builder import NODE_PROGRAMS, cache_folder, programs
from support.cluster.cluster import Cluster, brought, running
from support.cluster.errors import CannotRunHereError
from support.cluster.fault_proxy import FaultProxy
from support.cluster.hub import HubSpec, KubeHub
from support.cluster.images import PYTHON_IMAGE, archives, check_images_possible
from support.cluster.namespaces import TestNamespace
from support.cluster.network import check_possible
from support.cluster.nodes import FakeNodes
from support.cluster.objects import volume
from support.cluster.real_node import RealNode, check_node_possible
from support.kube_spawner import close_clients, kube_spawner, use_kubeconfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
    from pathlib import Path

    from kubernetes_asyncio.client import ApiClient
    from playwright.sync_api import Browser

    from sandlot_hub.spawner.kube import SandlotKubeSpawner
    from support.cluster.access import Access
    from support.cluster.builder import Programs
    from support.cluster.images import Archive

__all__ = ["chromium", "new_person"]

NODE_PARTS: pytest.StashKey[tuple[Programs, dict[str, Archive]]] = pytest.StashKey()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Compile the cluster before the first test: it takes longer than a test may."""
    if session.config.option.collectonly or brought() is not None:
        return
    # A test that needs the cluster says what is missing, when it comes to that.
    with suppress(CannotRunHereError):
        check_possible()
        also = [NODE_PROGRAMS] if _has_node_parts() else []
        programs(also=also, cache=cache_folder(), say=_say_to(session.config))
        if any(item.get_closest_marker("real_node") for item in session.items):
            session.config.stash[NODE_PARTS] = _node_parts(_say_to(session.config))


def _has_node_parts() -> bool:
    with suppress(CannotRunHereError):
        check_node_possible()
        return True
    return False


def _node_parts(say: Callable[[str], None]) -> tuple[Programs, dict[str, Archive]]:
    """Return what a real node needs, made now if it is not kept."""
    check_node_possible()
    check_images_possible()
    kubelet = programs(NODE_PROGRAMS, cache=cache_folder(), say=say)
    return kubelet, archives("base", "scipy", cache=cache_folder(), say=say)


def _say_to(config: pytest.Config) -> Callable[[str], None]:
    """Return what tells the person at the terminal: minutes of silence look like a hang."""
    capture = config.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(line, flush=True)  # noqa: T201 (progress, for a person)

    return say


@pytest.fixture
def say(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Tell how far a long test is."""
    return _say_to(pytestconfig)


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
            found = pytestconfig.stash.get(NODE_PARTS, None)
            # Without them this says what is missing.
            kubelet, made = found or _node_parts(_say_to(pytestconfig))
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


@pytest_asyncio.fixture
async def make_volumes(
    core: CoreV1Api, namespace: TestNamespace
) -> AsyncIterator[Callable[[int], Awaitable[str]]]:
    """Return a function that makes volumes, and returns their storage class."""
    names: list[str] = []

    async def made(number: int) -> str:
        new = [f"{namespace.name}-{each}" for each in range(number)]
        names.extend(new)
        await asyncio.gather(
            *(
                core.create_persistent_volume(volume(each, storage_class=namespace.name))
                for each in new
            )
        )
        return namespace.name

    yield made
    await asyncio.gather(
        *(core.delete_persistent_volume(each, grace_period_seconds=0) for each in names)
    )


@pytest.fixture
def fault_proxy(cluster: Cluster) -> Iterator[FaultProxy]:
    """A proxy in front of the API server that does what the test tells it."""
    with FaultProxy(cluster.access) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def make_hub(
    own_cluster: Cluster, namespace: TestNamespace, tmp_path: Path
) -> AsyncIterator[Callable[..., Awaitable[KubeHub]]]:
    """Return a function that starts a hub on the test's namespace; all end with the test."""
    assert own_cluster.plane is not None
    plane = own_cluster.plane
    numbers = count()
    async with AsyncExitStack() as stack:

        async def made(
            document: Mapping[str, Any], *, access: Access | None = None, **options: Any
        ) -> KubeHub:
            spec = HubSpec(
                document=document,
                namespace=namespace.name,
                access=access or await namespace.hub_account(),
                **options,
            )
            folder = tmp_path / f"hub-{next(numbers)}"
            folder.mkdir()
            hub = KubeHub(spec, plane=plane, folder=folder)
            stack.push_async_callback(asyncio.to_thread, hub.stop)
            return await asyncio.to_thread(hub.start)

        yield made


@pytest_asyncio.fixture
async def make_spawner(
    namespace: TestNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[..., SandlotKubeSpawner]]:
    """Return a function that makes a spawner with the hub's rights, without a hub."""
    access = await namespace.hub_account()
    use_kubeconfig(access.write(tmp_path / "kubeconfig"), monkeypatch)

    def made(document: Mapping[str, Any], **options: Any) -> SandlotKubeSpawner:
        return kube_spawner(document, namespace=namespace.name, **options)

    yield made
    await close_clients()


@pytest.fixture
def browser(chromium: str) -> Iterator[Browser]:
    """A browser for one test, which asks for it after everything that has an event loop.

    Playwright occupies the thread's event loop while it runs: no asynchronous fixture can be set
    up or torn down meanwhile, and the test itself cannot be a coroutine.
    """
    with launched(chromium) as instance:
        yield instance
