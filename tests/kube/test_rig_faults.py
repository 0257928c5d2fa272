"""Each fault of the proxy, as the client that KubeSpawner brings meets it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio
from kubernetes_asyncio.client import ApiException, CoreV1Api
from kubernetes_asyncio.watch import Watch

from support.cluster import faults
from support.cluster.api import connected
from support.cluster.faults import CREATE_POD, LIST_PODS, WATCH_PODS, Ending
from support.cluster.objects import pod
from support.cluster.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from support.cluster.cluster import Cluster
    from support.cluster.fault_proxy import FaultProxy
    from support.cluster.namespaces import TestNamespace

pytestmark = pytest.mark.asyncio

SHORT_S = 0.5
"""How long a client waits that shall get nothing."""
PATIENCE_S = 15.0
"""How long one waits that shall get something."""


@pytest_asyncio.fixture
async def hub(
    fault_proxy: FaultProxy, namespace: TestNamespace, tmp_path: Path
) -> AsyncIterator[CoreV1Api]:
    """A client behind the proxy that may do with pods what it likes."""
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]}
    account = await namespace.hub_account([rule])
    kubeconfig = fault_proxy.through(account).write(tmp_path / "kubeconfig")
    async with connected(kubeconfig) as client:
        yield CoreV1Api(client)


async def test_without_a_fault_it_passes_everything_on(
    hub: CoreV1Api, namespace: TestNamespace, fault_proxy: FaultProxy
) -> None:
    await hub.create_namespaced_pod(namespace.name, pod("p"))
    found = await hub.list_namespaced_pod(namespace.name)
    await hub.delete_namespaced_pod("p", namespace.name, grace_period_seconds=0)

    assert [each.metadata.name for each in found.items] == ["p"]
    assert [each.method for each in fault_proxy.requests()] == ["POST", "GET", "DELETE"]
    assert fault_proxy.count(LIST_PODS) == 1


async def test_many_clients_at_once(hub: CoreV1Api, namespace: TestNamespace) -> None:
    await asyncio.gather(
        *(hub.create_namespaced_pod(namespace.name, pod(f"p{number}")) for number in range(40))
    )

    assert len((await hub.list_namespaced_pod(namespace.name)).items) == 40


REFUSALS = [
    pytest.param(faults.EXPIRED, 410, None, id="410"),
    pytest.param(faults.TOO_MANY, 429, "1", id="429-retry-after"),
    pytest.param(faults.BROKEN, 500, None, id="500"),
    pytest.param(faults.TIMEOUT, 504, None, id="504"),
]


@pytest.mark.parametrize(("fault", "status", "retry_after"), REFUSALS)
async def test_another_answer(
    hub: CoreV1Api,
    namespace: TestNamespace,
    fault_proxy: FaultProxy,
    fault: faults.Answer,
    status: int,
    retry_after: str | None,
) -> None:
    rule = fault_proxy.inject(fault, CREATE_POD, times=1)
    with pytest.raises(ApiException) as refusal:
        await hub.create_namespaced_pod(namespace.name, pod("p"))

    assert refusal.value.status == status
    assert refusal.value.headers is not None
    assert refusal.value.headers.get("Retry-After") == retry_after
    assert rule.hits == 1
    assert not (await hub.list_namespaced_pod(namespace.name)).items
    await hub.create_namespaced_pod(namespace.name, pod("p"))


async def test_a_delay(hub: CoreV1Api, namespace: TestNamespace, fault_proxy: FaultProxy) -> None:
    fault_proxy.inject(faults.Delay(0.2), LIST_PODS)
    with pytest.raises(asyncio.TimeoutError):
        await hub.list_namespaced_pod(namespace.name, _request_timeout=0.1)

    await hub.list_namespaced_pod(namespace.name, _request_timeout=10)


async def test_a_held_request_arrives_when_it_is_released(
    hub: CoreV1Api, namespace: TestNamespace, fault_proxy: FaultProxy
) -> None:
    hold = faults.Hold()
    fault_proxy.inject(hold, CREATE_POD)
    creating = asyncio.ensure_future(hub.create_namespaced_pod(namespace.name, pod("p")))
    await until(lambda: fault_proxy.under_way(CREATE_POD), what="the request is held")

    assert not (await hub.list_namespaced_pod(namespace.name)).items
    hold.release()
    assert (await creating).metadata.name == "p"


async def test_a_held_request_never_arrives_when_its_client_gives_up(
    hub: CoreV1Api, namespace: TestNamespace, fault_proxy: FaultProxy
) -> None:
    fault_proxy.inject(faults.Hold(), CREATE_POD, times=1)
    with pytest.raises(asyncio.TimeoutError):
        await hub.create_namespaced_pod(namespace.name, pod("p"), _request_timeout=SHORT_S)
    await until(lambda: not fault_proxy.under_way(), what="it is given up")

    assert not (await hub.list_namespaced_pod(namespace.name)).items


async def test_a_cut_answer(
    hub: CoreV1Api, namespace: TestNamespace, fault_proxy: FaultProxy
) -> None:
    fault_proxy.inject(faults.EndStream(ending=Ending.CUT), LIST_PODS)
    with pytest.raises(aiohttp.ClientError):
        await hub.list_namespaced_pod(namespace.name)


async def test_refused_connections(
    hub: CoreV1Api, namespace: TestNamespace, fault_proxy: FaultProxy
) -> None:
    with fault_proxy.refusing(), pytest.raises(aiohttp.ClientConnectorError):
        await hub.list_namespaced_pod(namespace.name)

    assert not (await hub.list_namespaced_pod(namespace.name)).items


LOSSES = [
    pytest.param(Ending.HALF_OPEN, asyncio.TimeoutError, id="silence"),
    pytest.param(Ending.CUT, aiohttp.ClientError, id="cut"),
    pytest.param(faults.TIMEOUT, ApiException, id="504"),
]


@pytest.mark.parametrize(("then", "error"), LOSSES)
async def test_stored_and_never_answered(
    hub: CoreV1Api,
    namespace: TestNamespace,
    fault_proxy: FaultProxy,
    then: Ending | faults.Answer,
    error: type[Exception],
) -> None:
    fault_proxy.inject(faults.Lost(then=then), CREATE_POD, times=1)
    patience = SHORT_S if then is Ending.HALF_OPEN else PATIENCE_S
    with pytest.raises(error):
        await hub.create_namespaced_pod(namespace.name, pod("p"), _request_timeout=patience)

    async def stored() -> bool:
        return bool((await hub.list_namespaced_pod(namespace.name)).items)

    await until(stored, what="it is stored")
    with pytest.raises(ApiException) as again:
        await hub.create_namespaced_pod(namespace.name, pod("p"))

    assert again.value.status == 409
    assert '"reason":"AlreadyExists"' in str(again.value.body)


async def test_a_list_from_a_cache_that_stopped(
    hub: CoreV1Api, namespace: TestNamespace, fault_proxy: FaultProxy
) -> None:
    fault_proxy.inject(faults.Stale(), LIST_PODS)
    before = await hub.list_namespaced_pod(namespace.name)
    made = await hub.create_namespaced_pod(namespace.name, pod("p"))
    stale = await hub.list_namespaced_pod(namespace.name)

    assert not stale.items
    assert stale.metadata.resource_version == before.metadata.resource_version
    assert int(made.metadata.resource_version) > int(stale.metadata.resource_version)
    fault_proxy.heal()
    assert len((await hub.list_namespaced_pod(namespace.name)).items) == 1


@asynccontextmanager
async def watching(hub: CoreV1Api, namespace: TestNamespace) -> AsyncIterator[Any]:
    """Give an open watch over the namespace's pods as it comes from the socket."""
    # With `_preload_content`, the client hands out the answer of its HTTP library.
    response: Any = await hub.list_namespaced_pod(
        namespace.name, watch=True, _preload_content=False
    )
    try:
        yield response.content
    finally:
        response.close()


async def _line(content: Any, *, patience_s: float = PATIENCE_S) -> bytes:
    """Return the next event; a watch that is silent raises `TimeoutError`."""
    line: bytes = await asyncio.wait_for(content.readline(), patience_s)
    return line


async def _read_on(content: Any, seen: list[bytes], *, patience_s: float) -> Exception | None:
    """Read events until there are no more; return what ended it, or nothing for a clean end."""
    try:
        while line := await _line(content, patience_s=patience_s):
            seen.append(line)
    except (aiohttp.ClientError, TimeoutError) as error:
        return error
    return None


ENDINGS = [
    pytest.param(Ending.CUT, aiohttp.ClientError, id="cut"),
    pytest.param(Ending.CLOSE, type(None), id="clean-end"),
    pytest.param(Ending.HALF_OPEN, TimeoutError, id="half-open"),
    pytest.param(Ending.EXPIRED, type(None), id="410-event"),
]


@pytest.mark.parametrize("now", [False, True], ids=["after-two-events", "now"])
@pytest.mark.parametrize(("ending", "error"), ENDINGS)
async def test_a_watch_that_ends(
    hub: CoreV1Api,
    namespace: TestNamespace,
    fault_proxy: FaultProxy,
    ending: Ending,
    error: type[object],
    now: bool,
) -> None:
    if not now:
        fault_proxy.inject(faults.EndStream(ending=ending, after_events=2), WATCH_PODS)
    for name in ("a", "b"):
        await namespace.create_pod(pod(name))
    seen: list[bytes] = []
    async with watching(hub, namespace) as content:
        # A reset may overtake what was sent before it.
        if now or ending is not Ending.CUT:
            seen += [await _line(content), await _line(content)]
        if now:
            assert fault_proxy.end_now(ending, WATCH_PODS) == 1
        await namespace.create_pod(pod("c"))
        patience = SHORT_S if ending is Ending.HALF_OPEN else PATIENCE_S
        met = await _read_on(content, seen, patience_s=patience)

    assert isinstance(met, error)
    assert all(b'"type":"ADDED"' in line for line in seen[:2])
    assert len(seen[2:]) == (1 if ending is Ending.EXPIRED else 0)
    assert all(b'"code": 410' in line for line in seen[2:])


async def test_a_watch_raises_what_the_error_event_says(
    hub: CoreV1Api, namespace: TestNamespace, fault_proxy: FaultProxy
) -> None:
    fault_proxy.inject(faults.EndStream(ending=Ending.EXPIRED), WATCH_PODS)
    async with Watch() as watch:
        stream = watch.stream(hub.list_namespaced_pod, namespace.name, timeout_seconds=30)
        with pytest.raises(ApiException) as gone:
            await anext(stream)

    assert gone.value.status == 410
    assert str(gone.value.reason).startswith("Expired:")


async def test_a_client_that_leaves_ends_its_watch(
    hub: CoreV1Api, namespace: TestNamespace, fault_proxy: FaultProxy
) -> None:
    async with watching(hub, namespace):
        assert fault_proxy.under_way(WATCH_PODS) == 1
    await until(lambda: not fault_proxy.under_way(WATCH_PODS), what="nobody watches")


async def test_the_proxy_serves_a_cluster_as_any_client_knows_it(
    own_cluster: Cluster, fault_proxy: FaultProxy, tmp_path: Path
) -> None:
    kubeconfig = fault_proxy.through(own_cluster.access).write(tmp_path / "admin")
    async with connected(kubeconfig) as client:
        names = [each.metadata.name for each in (await CoreV1Api(client).list_namespace()).items]

    assert "kube-system" in names
