from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.domain.pods.manifest import complete_manifest, read_admin_parts
from sandlot_hub.domain.pods.outcomes import Failed, FailureCode
from sandlot_hub.domain.pods.plan import build_pod_parts
from sandlot_hub.domain.pods.ports import ClusterRefusedError
from sandlot_hub.spawner.kube_create import CreateLimits, PodCreator
from support.manifests import kubespawner_manifest
from support.memory_cluster import MemoryCluster, status
from support.pod_states import SUBJECT
from support.pods import a_request, cluster

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.asyncio

LIMIT_S = 30.0


def manifest(owner: str = "ann", server: str = "", spawn_id: str = "this") -> dict[str, Any]:
    request = a_request(owner, server_name=server)
    parts = build_pod_parts(request, cluster())
    made = complete_manifest(kubespawner_manifest(), parts, read_admin_parts({}))
    made["metadata"]["labels"]["sandlot/spawn-id"] = spawn_id
    return made


class Time:
    """Stands still, except while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.on_sleep: Callable[[], object] = lambda: None

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.on_sleep()


@pytest.fixture
def objects() -> MemoryCluster:
    return MemoryCluster()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def creator(objects: MemoryCluster, time: Time) -> PodCreator:
    return PodCreator(
        objects=objects,
        subject=SUBJECT,
        limits=CreateLimits(grace_s=5, in_all_s=LIMIT_S),
        monotonic=time.monotonic,
        sleep=time.sleep,
    )


def _failed(outcome: dict[str, Any] | Failed) -> Failed:
    assert isinstance(outcome, Failed), outcome
    return outcome


async def test_one_request_makes_a_pod(creator: PodCreator, objects: MemoryCluster) -> None:
    made = await creator.create(manifest())
    assert made == objects.pods["jupyter-ann"]
    assert objects.asked == ["create pod"]


async def test_an_answer_that_was_lost_leads_to_the_pod_that_was_made(
    creator: PodCreator, objects: MemoryCluster
) -> None:
    objects.lose_the_next_answer()
    made = await creator.create(manifest())
    assert isinstance(made, dict)
    assert made["metadata"]["uid"] == "uid-1"
    assert objects.asked == ["create pod", "create pod", "read pod"]


async def test_every_answer_may_be_lost_once(creator: PodCreator, objects: MemoryCluster) -> None:
    objects.put_pod(manifest(spawn_id="earlier"))
    for _ in range(4):
        objects.lose_the_next_answer()
        objects.faults.append(lambda: None)
    made = await creator.create(manifest())
    assert isinstance(made, dict)
    assert list(objects.pods) == ["jupyter-ann"]
    assert made["metadata"]["labels"]["sandlot/spawn-id"] == "this"


async def test_ours_of_an_earlier_start_is_replaced(
    creator: PodCreator, objects: MemoryCluster
) -> None:
    objects.put_pod(manifest(spawn_id="earlier"))
    made = await creator.create(manifest())
    assert isinstance(made, dict)
    assert made["metadata"]["uid"] == "uid-2"
    assert "delete uid-1 in 5 s" in objects.asked


async def test_one_that_is_ending_is_told_so_once(
    creator: PodCreator, objects: MemoryCluster, time: Time
) -> None:
    objects.put_pod(manifest(spawn_id="earlier"))
    objects.ends_at_once = False

    def gone_after_a_while() -> None:
        if time.now > 3:
            objects.pods.clear()

    time.on_sleep = gone_after_a_while
    assert isinstance(await creator.create(manifest()), dict)
    assert objects.asked.count("delete uid-1 in 5 s") == 1


async def test_one_that_does_not_end_has_its_own_code(
    creator: PodCreator, objects: MemoryCluster, time: Time
) -> None:
    objects.put_pod(manifest(spawn_id="earlier"))
    objects.ends_at_once = False
    assert _failed(await creator.create(manifest())).code is FailureCode.STOP_STUCK
    assert time.now <= LIMIT_S


FOREIGN: list[Any] = [
    pytest.param(kubespawner_manifest(), id="without-a-spawn-id"),
    pytest.param(manifest("bob"), id="other-owner"),
    pytest.param(manifest(server="lab"), id="other-server"),
]


@pytest.mark.parametrize("found", FOREIGN)
async def test_what_is_not_ours_is_never_touched(
    found: dict[str, Any], creator: PodCreator, objects: MemoryCluster
) -> None:
    found["metadata"]["labels"].pop("sandlot/spawn-id", None)
    theirs = objects.put_pod(found)
    assert _failed(await creator.create(manifest())).code is FailureCode.NAME_TAKEN
    assert objects.pods == {"jupyter-ann": theirs}
    assert objects.asked == ["create pod", "read pod"]


def _of_another_hub() -> dict[str, Any]:
    found = manifest(spawn_id="x")
    found["metadata"]["labels"]["sandlot/hub"] = "other"
    return found


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(manifest("bob", spawn_id="x"), id="other-owner"),
        pytest.param(manifest(server="l", spawn_id="x"), id="other-server"),
        pytest.param(_of_another_hub(), id="other-hub"),
    ],
)
async def test_a_server_of_ours_with_the_same_name_is_not_ours_either(
    found: dict[str, Any], creator: PodCreator, objects: MemoryCluster
) -> None:
    theirs = objects.put_pod(found)
    assert _failed(await creator.create(manifest())).code is FailureCode.NAME_TAKEN
    assert objects.pods == {"jupyter-ann": theirs}


@pytest.mark.parametrize(
    ("code", "reason"),
    [(409, "Conflict"), (429, "TooManyRequests"), (500, ""), (503, "ServiceUnavailable")],
)
async def test_what_decides_nothing_is_asked_again(
    code: int, reason: str, creator: PodCreator, objects: MemoryCluster
) -> None:
    objects.refusals = [ClusterRefusedError(code, status(reason))] * 3
    assert isinstance(await creator.create(manifest()), dict)
    assert objects.asked == ["create pod"] * 4


async def test_a_refusal_is_final(creator: PodCreator, objects: MemoryCluster) -> None:
    message = "exceeded quota: q, requested: pods=1, used: pods=9, limited: pods=9"
    objects.refusals = [ClusterRefusedError(403, status("Forbidden", message))]
    assert _failed(await creator.create(manifest())).code is FailureCode.QUOTA
    assert objects.asked == ["create pod"]
    assert objects.pods == {}


async def test_asking_again_has_an_end(
    creator: PodCreator, objects: MemoryCluster, time: Time
) -> None:
    objects.refusals = [ClusterRefusedError(503, {})] * 1000
    assert _failed(await creator.create(manifest())).code is FailureCode.CLUSTER_TROUBLE
    assert time.now <= LIMIT_S
    assert len(objects.asked) < 40
