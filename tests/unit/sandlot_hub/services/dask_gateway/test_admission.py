from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from sandlot_hub.domain.dask.admission import MAXIMUM_WORKERS, WorkerSize
from sandlot_hub.domain.settings.dask import DaskLimits
from sandlot_hub.services.dask_gateway.admission import Admission

SIZE = WorkerSize(cpus=1, memory=1)


@dataclass(eq=False)
class Cluster:
    name: str
    username: str = "ann"
    count: int = 0
    left: int = 0
    config: dict[str, object] = field(default_factory=lambda: {"cpus": 1.0, "memory": 1})


@pytest.fixture
def clusters() -> list[Cluster]:
    return [Cluster("one"), Cluster("two"), Cluster("bobs", username="bob", count=50)]


@pytest.fixture
def admission(clusters: list[Cluster]) -> Admission:
    return Admission(
        limits=DaskLimits(clusters=3, workers=4),
        clusters=lambda owner: [each for each in clusters if each.username == owner],
        workers=lambda cluster: cluster.left,  # type: ignore[attr-defined]  # ours has it
    )


def test_only_clusters_of_the_owner_count(admission: Admission, clusters: list[Cluster]) -> None:
    assert admission.new_cluster("ann", SIZE) is None
    clusters.append(Cluster("three"))
    assert admission.new_cluster("ann", SIZE) is not None
    assert admission.new_cluster("bob", SIZE) is None


def test_what_was_promised_counts_before_it_is_there(
    admission: Admission, clusters: list[Cluster]
) -> None:
    one, two, _ = clusters
    assert admission.more_workers(one, 3) is None
    refusal = admission.more_workers(two, 2)
    assert refusal is not None
    assert refusal.params["allowed"] == 1

    assert admission.granted(one, 3) == 3
    one.count = 3
    assert admission.more_workers(two, 2) is not None, "now because it is there"
    one.count = one.left = 0
    assert admission.more_workers(two, 2) is None


def test_a_promise_is_taken_back(admission: Admission, clusters: list[Cluster]) -> None:
    one, two, _ = clusters
    admission.more_workers(one, 4)
    admission.forget(one)

    assert admission.more_workers(two, 4) is None


def test_workers_that_still_end_count(admission: Admission, clusters: list[Cluster]) -> None:
    one, two, _ = clusters
    one.count, one.left = 0, 3

    assert admission.more_workers(two, 2) is not None


@pytest.mark.parametrize(
    ("wanted", "elsewhere", "granted"),
    [
        pytest.param(2, 0, 2, id="room"),
        pytest.param(4, 2, 2, id="less room"),
        pytest.param(1, 9, 0, id="none"),
        pytest.param(10**9, 0, 4, id="a lie"),
        pytest.param(0, 9, 0, id="nothing wanted"),
    ],
)
def test_what_a_scheduler_asks_for_is_a_wish(
    admission: Admission, clusters: list[Cluster], wanted: int, elsewhere: int, granted: int
) -> None:
    one, two, _ = clusters
    two.count = elsewhere

    assert admission.granted(one, wanted) == granted


def test_a_scheduler_that_asks_for_less_keeps_its_promise(
    admission: Admission, clusters: list[Cluster]
) -> None:
    one, two, _ = clusters
    admission.more_workers(one, 3)
    # On its way before the scheduler heard of the three.
    assert admission.granted(one, 0) == 0

    assert admission.more_workers(two, 2) is not None


def test_scaling_by_itself_promises_nothing(admission: Admission, clusters: list[Cluster]) -> None:
    one, two, _ = clusters
    admission.more_workers(one, 4)
    assert admission.may_adapt(one, 1) is None

    assert admission.more_workers(two, 4) is None
    assert admission.may_adapt(one, 1) is not None, "the minimum has to fit"


def test_without_limits_there_still_is_an_end(clusters: list[Cluster]) -> None:
    unlimited = Admission(
        limits=DaskLimits(clusters=None, workers=None),
        clusters=lambda _: clusters,
        workers=lambda _: 0,
    )

    assert unlimited.granted(clusters[0], 10**9) == MAXIMUM_WORKERS
