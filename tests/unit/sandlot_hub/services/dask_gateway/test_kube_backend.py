from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.dask.options import DaskPlan, choose_dask, dask_offers
from sandlot_hub.domain.pods.ports import ClusterRefusedError
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.services.dask_gateway.heartbeat import PodHeartbeat
from sandlot_hub.services.dask_gateway.kube_backend import PodBackend, PodBackendParts
from sandlot_hub.services.dask_gateway.kube_seal import Seal
from sandlot_hub.services.dask_gateway.schedulers import SchedulerRoutes
from support.catalogue import person
from support.kube_catalogue import cluster_catalogue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandlot_hub.services.dask_gateway.kube_records import PodCluster

pytestmark = pytest.mark.asyncio

ANN = person("ann")
NAME = "0" * 32
REFUSED = ClusterRefusedError(500, {})


class Records:
    """An API server of records and Secrets, which refuses what it is told to."""

    namespace = "lab"

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        self.secrets: list[Any] = []
        self.patches: list[dict[str, object]] = []
        self.refuses: set[str] = set()

    async def create_cluster(self, document: dict[str, Any]) -> dict[str, Any]:
        self._check("create_cluster")
        self.made[document["metadata"]["name"]] = document
        return {**document, "metadata": {**document["metadata"], "uid": "u"}}

    async def create_secret(self, manifest: dict[str, Any]) -> None:
        self._check("create_secret")
        self.secrets.append(manifest)

    async def patch_cluster(self, name: str, **changes: object) -> dict[str, Any]:
        del name
        self._check("patch_cluster")
        self.patches.append(changes)
        return {"metadata": {"resourceVersion": str(len(self.patches))}, "spec": changes}

    def _check(self, method: str) -> None:
        if method in self.refuses:
            raise REFUSED


class Informer:
    """What the cluster has told so far: nothing."""

    def get(self, key: str) -> None:
        del key


def settings() -> SandlotSettings:
    return SandlotSettings.model_validate(
        {**cluster_catalogue(), "dask": {"limits": {"clusters": 2, "workers": 3}}}
    )


@pytest.fixture
def records() -> Records:
    return Records()


@pytest_asyncio.fixture
async def backend(records: Records) -> PodBackend:
    objects: Any = records
    made = PodBackend(
        PodBackendParts(
            objects=objects,
            settings=settings(),
            seal=Seal(b"k" * 32),
            routes=SchedulerRoutes(),
            instance="sandlot",
            door_url="http://gateway:8091/api",
        ),
        log=logging.getLogger("dask_gateway_server"),
    )
    informer: Any = Informer()
    made.informer = informer
    return made


async def begun(backend: PodBackend) -> PodCluster:
    catalogue = settings()
    offers = dask_offers(ANN, catalogue, Facilities(mode=Mode.KUBERNETES))
    plan = choose_dask({}, offers, catalogue)
    assert isinstance(plan, DaskPlan)
    return await backend.begin(plan, ANN, name=NAME, keys=(b"certificate", b"key"))


def beat(count: int, *active: str) -> PodHeartbeat:
    return PodHeartbeat(count=count, active_workers=active, closing_workers=())


async def test_a_record_has_no_key_that_anybody_could_read(
    backend: PodBackend, records: Records
) -> None:
    cluster = await begun(backend)

    text = str(records.made[NAME])
    assert "certificate" not in text
    assert cluster.token not in text
    (secret,) = records.secrets
    assert secret["metadata"]["ownerReferences"][0]["uid"] == "u"


async def test_a_cluster_counts_from_the_first_moment_and_not_when_it_was_refused(
    backend: PodBackend, records: Records
) -> None:
    records.refuses = {"create_cluster"}
    with pytest.raises(ClusterRefusedError):
        await begun(backend)
    assert backend.admission.uses("ann") == []

    records.refuses = set()
    await begun(backend)
    assert len(backend.admission.uses("ann")) == 1
    assert backend.live(NAME) is not None


async def test_one_whose_pods_would_have_no_keys_is_ended(
    backend: PodBackend, records: Records
) -> None:
    records.refuses = {"create_secret"}
    with pytest.raises(ClusterRefusedError):
        await begun(backend)

    assert records.patches == [{"active": False, "fate": {}}]


async def test_a_wish_is_written_once_and_again_when_it_was_in_vain(
    backend: PodBackend, records: Records
) -> None:
    cluster = await begun(backend)
    records.refuses = {"patch_cluster"}
    await backend.heartbeat(cluster, beat(2))
    assert records.patches == []

    records.refuses = set()
    for _ in range(3):
        await backend.heartbeat(cluster, beat(2))
    assert records.patches == [{"replicas": 2, "worked": 0}]


async def test_a_wish_is_granted_as_far_as_there_is_room(
    backend: PodBackend, records: Records
) -> None:
    cluster = await begun(backend)
    await backend.heartbeat(cluster, beat(9, "no-pod-of-ours"))

    assert records.patches == [{"replicas": 3, "worked": 0}]
    assert cluster.active == frozenset()


async def test_an_idle_cluster_is_ended_by_a_later_heartbeat_when_it_could_not_be_at_once(
    backend: PodBackend, records: Records
) -> None:
    cluster = await begun(backend)
    records.refuses = {"patch_cluster"}
    await backend.idle(cluster)

    records.refuses = set()
    await backend.heartbeat(cluster, beat(0))
    (patch,) = records.patches
    assert patch["active"] is False
    assert patch["fate"] == {
        "code": "idle",
        "reason": "Nothing was computed on it for long.",
        "failed": False,
    }


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda backend, _: begun(backend), id="one more"),
        pytest.param(lambda backend, one: backend.heartbeat(one, beat(1)), id="a heartbeat"),
        pytest.param(lambda backend, one: backend.end(one), id="its end"),
    ],
)
async def test_what_people_see_is_told_to_who_waits(
    backend: PodBackend, change: Callable[[PodBackend, PodCluster], Awaitable[object]]
) -> None:
    cluster = await begun(backend)
    backend._begun.clear()  # the API server has shown its record
    waiting = asyncio.create_task(backend.changes.wait("ann", 60.0))
    await asyncio.sleep(0)

    await change(backend, cluster)
    async with asyncio.timeout(10.0):
        assert await waiting
