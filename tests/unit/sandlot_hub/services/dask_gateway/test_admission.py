from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.dask.admission import MAXIMUM_WORKERS, WorkerSize
from sandlot_hub.domain.dask.options import DaskPlan, choose_dask, dask_offers
from sandlot_hub.domain.settings.dask import DaskLimits
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.services.dask_gateway.admission import Admission, size_of
from sandlot_hub.services.dask_gateway.clusters import ClusterParts, Clusters, kept_config
from sandlot_hub.services.errors import ProblemError
from support.catalogue import person
from support.kube_catalogue import cluster_catalogue

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


def test_gpus_are_counted_with_what_was_promised_and_whatever_a_scheduler_asks_for() -> None:
    gpu = {"cpus": 1.0, "memory": 1, "flavor": "l4", "accelerators": 2}
    one, two = Cluster("one", config={**gpu}), Cluster("two", config={**gpu})
    cpu = Cluster("cpu")
    admission = Admission(
        limits=DaskLimits(accelerators=5),
        clusters=lambda _: [one, two, cpu],
        workers=lambda cluster: cluster.left,  # type: ignore[attr-defined]  # ours has it
    )
    assert admission.more_workers(one, 1) is None
    refusal = admission.more_workers(two, 2)
    assert refusal is not None
    assert (refusal.code, refusal.field, refusal.params["allowed"]) == ("worker-limit", "count", 1)
    assert "5 GPUs" in refusal.message

    assert admission.may_adapt(two, 2) is not None
    assert admission.granted(two, 50) == 1, "a lie, or adaptive scaling"
    assert admission.granted(cpu, 20) == 20, "it has none"


def test_without_limits_there_still_is_an_end(clusters: list[Cluster]) -> None:
    unlimited = Admission(
        limits=DaskLimits(clusters=None, workers=None),
        clusters=lambda _: clusters,
        workers=lambda _: 0,
    )

    assert unlimited.granted(clusters[0], 10**9) == MAXIMUM_WORKERS


class Nowhere:
    """Makes nothing, and decides who may have what."""

    def __init__(self, limits: DaskLimits) -> None:
        self.admission = Admission(limits=limits, clusters=lambda _: [], workers=lambda _: 0)

    async def facilities(self) -> Facilities:
        return Facilities(mode=Mode.KUBERNETES)


@pytest.mark.asyncio
async def test_no_cluster_is_made_whose_workers_may_have_no_gpu() -> None:
    document = cluster_catalogue()
    document["sizes"]["gpu"]["accelerator"]["count"] = 3
    settings = SandlotSettings.model_validate(document)
    clusters = Clusters(
        ClusterParts(
            maker=Nowhere(DaskLimits(accelerators=2)),  # type: ignore[arg-type]  # no more is asked
            settings=settings,
            now_ms=lambda: 0,
            ending=lambda: False,
        )
    )
    with pytest.raises(ProblemError) as caught:
        await clusters.create(person("ann"), {"worker_size": "gpu"})

    problem = caught.value.problem
    assert (problem.status, problem.code, problem.field) == (409, "worker-limit", "worker_size")
    assert "your workers may have 2 GPUs together" in problem.detail


def test_what_is_kept_of_a_plan_is_what_is_counted() -> None:
    settings = SandlotSettings.model_validate(cluster_catalogue())
    offers = dask_offers(person("ann"), settings, Facilities(mode=Mode.KUBERNETES))
    for size, accelerators in (("gpu", 1), ("small", 0)):
        plan = choose_dask({"worker_size": size}, offers, settings)
        assert isinstance(plan, DaskPlan)
        assert size_of(Cluster("one", config=kept_config(plan))) == plan.worker_size
        assert plan.worker_size.accelerators == accelerators
