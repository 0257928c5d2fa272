"""The informer through every fault of its way to the API server: rows R01 to R05.

After each of them it knows what a fresh list says.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sandlot_hub.adapters.cluster_informer_projection import PodKind
from sandlot_hub.domain.settings.model import SandlotSettings
from support.cluster import faults
from support.cluster.faults import Ending, EndStream, Match
from support.cluster.informing import Informed, counted, informed, listed, reader_for
from support.cluster.nodes import NodeKind
from support.cluster.objects import pod
from support.cluster.waiting import until
from support.kube_spawner import document_at
from support.virtual_time import VirtualTime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from sandlot_hub.adapters.cluster_informer_wire import ClusterReader
    from sandlot_hub.services.offers.cluster_watch import ClusterWatch
    from support.cluster.fault_proxy import FaultProxy
    from support.cluster.faults import Fault
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes, Pool

pytestmark = pytest.mark.asyncio

GPUS = 8

ALL_PODS = "/api/v1/pods"
LISTS = Match(path=ALL_PODS, watch=False)
WATCHES = Match(path=ALL_PODS, watch=True)
FORGOTTEN = faults.EXPIRED


class Cluster:
    """Pods on a fake node, an account behind the proxy, and one that goes directly."""

    def __init__(
        self,
        *,
        namespace: TestNamespace,
        pool: Pool,
        proxy: FaultProxy,
        kubeconfig: Path,
        direct: ClusterReader,
    ) -> None:
        self.namespace = namespace
        self.proxy = proxy
        self.kubeconfig = kubeconfig
        """Of the offers service's account, through the proxy."""
        self.pool = pool
        self._direct = direct

    async def make(self, *names: str, gpus: int = 0) -> None:
        made = [pod(name, gpus=gpus, **self.pool.placement) for name in names]
        await asyncio.gather(*(self.namespace.create_pod(each) for each in made))

    async def remove(self, *names: str) -> None:
        core, where = self.namespace.core, self.namespace.name
        await asyncio.gather(
            *(core.delete_namespaced_pod(each, where, grace_period_seconds=0) for each in names)
        )

    async def agrees(self, with_: Informed) -> None:
        """Wait until the informer knows what a fresh list says."""

        async def same() -> bool:
            return with_.known.records == await listed(self._direct, PodKind(trusted="", labels=()))

        await until(same, what="the informer knows what a fresh list says")


@pytest_asyncio.fixture
async def cluster_of(
    namespace: TestNamespace, nodes: FakeNodes, fault_proxy: FaultProxy, tmp_path: Path
) -> AsyncIterator[Cluster]:
    pool = await nodes.add(1, NodeKind(gpus=GPUS))
    account = await namespace.offers_account()
    direct = reader_for(account.write(tmp_path / "direct"))
    yield Cluster(
        namespace=namespace,
        pool=pool,
        proxy=fault_proxy,
        kubeconfig=fault_proxy.through(account).write(tmp_path / "kubeconfig"),
        direct=direct,
    )
    await direct.close()


async def knows(informed_: Informed, cluster: Cluster, names: set[str]) -> None:
    where = cluster.namespace.name
    await until(lambda: informed_.known.names(where) == names, what=f"it knows {names}")


async def test_r01_a_watch_that_ends_is_resumed_and_nothing_is_missed_or_doubled(
    cluster_of: Cluster,
) -> None:
    async with informed(cluster_of.kubeconfig) as i:
        # Each of them ends by itself after a second, and the proxy ends some in between.
        for number in range(4):
            await cluster_of.make(f"a{number}", f"b{number}", gpus=1)
            await until(
                lambda: cluster_of.proxy.end_now(Ending.CLOSE, WATCHES), what="a watch is open"
            )
            await cluster_of.remove(f"b{number}")
            await knows(i, cluster_of, {f"a{each}" for each in range(number + 1)})
        await until(lambda: cluster_of.proxy.count(WATCHES) > 6, what="some ended by themselves")
        await cluster_of.agrees(i)

        assert cluster_of.proxy.count(LISTS) == 1
        assert (i.informer.counts.lists, i.informer.counts.failures) == (1, 0)
        versions = [int(version) for _, version, _ in i.kind.read]
        assert versions == sorted(set(versions))
        own = f"{cluster_of.namespace.name}/"
        gone = [key for key, _, is_gone in i.kind.read if is_gone and key.startswith(own)]
        assert sorted(gone) == [f"{own}b{number}" for number in range(4)]


@pytest.mark.parametrize(
    ("at_once", "then"),
    [
        pytest.param(Ending.CUT, FORGOTTEN, id="http-status"),
        pytest.param(Ending.EXPIRED, None, id="error-event"),
    ],
)
async def test_r02_a_forgotten_version_costs_one_list_that_brings_what_ended_meanwhile(
    cluster_of: Cluster, at_once: Ending, then: Fault | None
) -> None:
    time, proxy = VirtualTime(), cluster_of.proxy
    async with informed(cluster_of.kubeconfig, time=time) as i:
        await cluster_of.make("stays", "ends", gpus=1)
        await knows(i, cluster_of, {"stays", "ends"})
        await until(lambda: proxy.under_way(WATCHES), what="a watch is open")
        # What happens from here on, no watch tells.
        hold = faults.Hold()
        proxy.inject(hold, LISTS, times=1)
        if then is not None:
            proxy.inject(then, WATCHES, times=1)
        proxy.end_now(at_once, WATCHES)
        await until(lambda: proxy.count(LISTS) == 2, what="it lists again")
        await cluster_of.remove("ends")
        hold.release()
        await knows(i, cluster_of, {"stays"})
        await cluster_of.agrees(i)

        assert proxy.count(LISTS) == 2
        assert i.known.listed == 2
        # Not at the moment when everybody else's watch was forgotten, too.
        assert sum(time.pauses) > 0


async def test_r03_a_watch_that_falls_silent_is_noticed(cluster_of: Cluster) -> None:
    async with informed(cluster_of.kubeconfig) as i:
        await cluster_of.make("before")
        await knows(i, cluster_of, {"before"})
        cluster_of.proxy.inject(EndStream(ending=Ending.HALF_OPEN), WATCHES)
        await until(
            lambda: cluster_of.proxy.end_now(Ending.HALF_OPEN, WATCHES), what="a watch is open"
        )
        last = i.informer.heard
        assert last is not None
        await cluster_of.make("meanwhile")
        await until(lambda: i.informer.counts.failures > 1, what="two silent watches are given up")
        assert i.known.names(cluster_of.namespace.name) == {"before"}
        cluster_of.proxy.heal()
        await knows(i, cluster_of, {"before", "meanwhile"})
        await cluster_of.agrees(i)
        assert cluster_of.proxy.count(LISTS) == 1


OUTAGES = [
    pytest.param(faults.BROKEN, 0.0, id="500"),
    pytest.param(faults.TOO_MANY, 1.0, id="429-retry-after"),
    pytest.param(
        faults.Answer(code=429, reason="TooManyRequests", retry_after_s=30), 30.0, id="429-half-min"
    ),
    pytest.param(EndStream(ending=Ending.CUT), 0.0, id="cut"),
]


@pytest.mark.parametrize(("fault", "least"), OUTAGES)
async def test_r04_an_outage_is_asked_about_at_most_once_a_second(
    cluster_of: Cluster, fault: Fault, least: float
) -> None:
    time, proxy = VirtualTime(), cluster_of.proxy
    async with informed(cluster_of.kubeconfig, time=time) as i:
        await cluster_of.make("a")
        await knows(i, cluster_of, {"a"})
        await until(lambda: proxy.under_way(WATCHES), what="a watch is open")
        rule = proxy.inject(fault)
        time.pauses.clear()
        asked, began = proxy.count(), time.seconds
        proxy.end_now(Ending.CUT, WATCHES)
        await until(lambda: rule.hits >= 8, what="it asked often")
        requests, seconds = proxy.count() - asked, time.seconds - began
        # One may have been asked for, and not yet waited after.
        assert requests <= seconds + 1
        assert all(pause >= max(1.0, least) for pause in time.pauses[1:])
        assert max(time.pauses) <= max(15.0, least)
        proxy.heal()
        await cluster_of.make("b")
        await knows(i, cluster_of, {"a", "b"})
        await cluster_of.agrees(i)
        assert proxy.count(LISTS) == 1


async def test_r04_when_nobody_listens_it_waits_as_well(cluster_of: Cluster) -> None:
    time, proxy = VirtualTime(), cluster_of.proxy
    async with informed(cluster_of.kubeconfig, time=time) as i:
        await cluster_of.make("a")
        await knows(i, cluster_of, {"a"})
        with proxy.refusing():
            began = i.informer.counts.failures
            await until(lambda: i.informer.counts.failures > began + 8, what="it tried often")
            assert all(pause >= 1.0 for pause in time.pauses[-8:])
        await cluster_of.make("b")
        await knows(i, cluster_of, {"a", "b"})
        await cluster_of.agrees(i)
        assert proxy.count(LISTS) == 1


async def test_r05_a_list_from_before_is_never_taken(cluster_of: Cluster) -> None:
    time, proxy = VirtualTime(), cluster_of.proxy
    stale = proxy.inject(faults.Stale(), LISTS)
    async with informed(cluster_of.kubeconfig, time=time) as i:
        await until(lambda: i.known.listed, what="it has the first list")
        await cluster_of.make("later")
        await knows(i, cluster_of, {"later"})
        await until(lambda: proxy.under_way(WATCHES), what="a watch is open")
        proxy.end_now(Ending.EXPIRED, WATCHES)
        await until(lambda: stale.hits > 4, what="it was given the old list often")
        assert i.known.names(cluster_of.namespace.name) == {"later"}
        assert i.known.listed == 1
        assert i.informer.trusted_until < time.monotonic()
        proxy.heal()
        await until(lambda: i.known.listed == 2, what="it took a list that is newer")
        await cluster_of.agrees(i)


def watched(cluster: Cluster, kubeconfig: Path) -> AbstractAsyncContextManager[ClusterWatch]:
    """Keep up with what is free, as the offers service does."""
    settings = SandlotSettings.model_validate(document_at(cluster.pool))
    return counted(kubeconfig, settings, namespace=cluster.namespace.name)


async def test_what_is_free_and_since_when_that_is_not_known(cluster_of: Cluster) -> None:
    await cluster_of.make("before", gpus=2)
    async with watched(cluster_of, cluster_of.kubeconfig) as watch:
        assert (await watch.snapshot()).known

        def free() -> int | None:
            capacity = watch.latest.capacity
            return None if capacity is None else capacity.flavors["l4"].free

        assert free() == GPUS - 2
        await cluster_of.make("now", gpus=3)
        await until(lambda: free() == GPUS - 5, what="it is seen that GPUs are taken")
        with cluster_of.proxy.refusing():
            await until(lambda: not watch.latest.known, what="it is not known any more")
            since = watch.latest
            await cluster_of.remove("before")
            assert watch.latest == since
        await until(lambda: free() == GPUS - 3, what="it is known again")
        assert watch.latest.as_of > since.as_of


async def test_without_the_role_nothing_of_the_cluster_is_asked_for(
    cluster_of: Cluster, tmp_path: Path
) -> None:
    hub = await cluster_of.namespace.hub_account()
    kubeconfig = cluster_of.proxy.through(hub).write(tmp_path / "hub")
    async with watched(cluster_of, kubeconfig) as watch:
        capacity = (await watch.snapshot()).capacity
    assert capacity is not None
    assert (capacity.scope, capacity.flavors, capacity.sizes) == ("namespace", {}, {})
    asked = {request.path for request in cluster_of.proxy.requests()}
    assert asked == {"/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"}
