from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandlot_hub.domain.dask.admission import (
    MAXIMUM_WORKERS,
    ClusterUse,
    WorkerSize,
    admit_cluster,
    admit_workers,
    why_fewer,
    workers_allowed,
)
from sandlot_hub.domain.settings.dask import DaskLimits

GIB = 1024**3
SMALL = WorkerSize(cpus=1, memory=GIB)
LARGE = WorkerSize(cpus=4, memory=16 * GIB)
GPU = WorkerSize(cpus=1, memory=GIB, accelerators=1)
PAIR = WorkerSize(cpus=1, memory=GIB, accelerators=2)
NO_LIMITS = DaskLimits(clusters=None, workers=None, accelerators=None)


def limits(**values: object) -> DaskLimits:
    none = dict.fromkeys(("clusters", "workers", "accelerators"))
    return DaskLimits.model_validate({**none, **values})


def use(workers: int = 0, size: WorkerSize = SMALL) -> ClusterUse:
    return ClusterUse(workers=workers, size=size)


@pytest.mark.parametrize(
    ("bound", "clusters", "size", "code"),
    [
        pytest.param(NO_LIMITS, [use()] * 50, SMALL, None, id="no limits"),
        pytest.param(limits(clusters=2), [use()], SMALL, None, id="one is left"),
        pytest.param(limits(clusters=2), [use()] * 2, SMALL, "cluster-limit", id="none is left"),
        pytest.param(limits(clusters=2), [use()] * 3, SMALL, "cluster-limit", id="lowered since"),
        pytest.param(limits(workers=1), [use(1)], SMALL, None, id="workers may come free"),
        pytest.param(limits(cpus=2), [], LARGE, "worker-limit", id="more cores than there are"),
        pytest.param(limits(memory="8 GiB"), [], LARGE, "worker-limit", id="more memory"),
        pytest.param(limits(memory="16 GiB", cpus=4), [], LARGE, None, id="exactly one worker"),
        pytest.param(limits(accelerators=1), [], PAIR, "worker-limit", id="more GPUs"),
        pytest.param(limits(accelerators=1), [], GPU, None, id="exactly its GPUs"),
    ],
)
def test_one_more_cluster(
    bound: DaskLimits, clusters: list[ClusterUse], size: WorkerSize, code: str | None
) -> None:
    refusal = admit_cluster(bound, clusters, size)

    assert (None if refusal is None else refusal.code) == code
    assert refusal is None or refusal.status == 409


@pytest.mark.parametrize(
    ("bound", "others", "size", "allowed"),
    [
        pytest.param(NO_LIMITS, [use(500)], SMALL, MAXIMUM_WORKERS, id="no limits"),
        pytest.param(limits(workers=8), [use(3), use(2)], SMALL, 3, id="workers"),
        pytest.param(limits(workers=4), [use(6)], SMALL, 0, id="lowered since"),
        pytest.param(limits(cpus=10), [use(1, LARGE)], LARGE, 1, id="cores, rounded down"),
        pytest.param(limits(memory="40 GiB"), [use(9)], LARGE, 1, id="memory"),
        pytest.param(
            limits(cpus=1.001),
            [use(1000, WorkerSize(cpus=0.001, memory=1))],
            WorkerSize(cpus=0.001, memory=1),
            1,
            id="thousandths",
        ),
        pytest.param(limits(workers=9, cpus=8, memory="32 GiB"), [], LARGE, 2, id="the least"),
        pytest.param(limits(accelerators=4), [use(1, PAIR)], GPU, 2, id="GPUs"),
        pytest.param(limits(accelerators=5), [use(1, GPU)], PAIR, 2, id="GPUs, rounded down"),
        pytest.param(limits(accelerators=1), [use(9, PAIR)], GPU, 0, id="GPUs, lowered since"),
        pytest.param(
            limits(accelerators=1), [use(1, GPU)], SMALL, MAXIMUM_WORKERS, id="none has one"
        ),
    ],
)
def test_how_many_workers_a_cluster_may_have(
    bound: DaskLimits, others: list[ClusterUse], size: WorkerSize, allowed: int
) -> None:
    assert workers_allowed(bound, others, size) == allowed
    assert admit_workers(bound, others, size, allowed) is None
    refusal = admit_workers(bound, others, size, allowed + 1)
    assert refusal is not None
    assert refusal.params["allowed"] == allowed
    assert refusal.field == "count"


@pytest.mark.parametrize(
    ("bound", "others", "size", "why"),
    [
        pytest.param(
            limits(workers=3), [use(2)], SMALL, "you may have 3 workers together, 2 of them"
        ),
        pytest.param(
            limits(cpus=5.5),
            [use(1, LARGE)],
            SMALL,
            "your workers may have 5.5 CPU cores together, 4 of them",
        ),
        pytest.param(
            limits(memory="34 GiB"),
            [use(2, LARGE), use(1)],
            SMALL,
            "your workers may have 34 GiB of memory together, 33 GiB of it",
        ),
        pytest.param(
            limits(accelerators=3),
            [use(1, PAIR)],
            GPU,
            "your workers may have 3 GPUs together, 2 of them",
        ),
    ],
    ids=["workers", "cores", "memory", "GPUs"],
)
def test_the_sentence_says_what_is_and_what_next(
    bound: DaskLimits, others: list[ClusterUse], size: WorkerSize, why: str
) -> None:
    refusal = admit_workers(bound, others, size, 5)

    assert refusal is not None
    assert refusal.message == (
        f"This cluster may have 1 worker at most: {why} in your other clusters. "
        "Ask for fewer, or stop another cluster."
    )


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        pytest.param(1, "", id="it gets them"),
        pytest.param(
            2,
            "There is work for more workers. This cluster may have 1 worker at most: "
            "you may have 3 workers together, 2 of them in your other clusters.",
            id="it does not",
        ),
        pytest.param(
            900,
            "There is work for more workers. This cluster may have 1 worker at most: "
            "you may have 3 workers together, 2 of them in your other clusters.",
            id="the same whatever it asks for",
        ),
    ],
)
def test_why_a_cluster_gets_fewer_workers_than_its_work_asks_for(wanted: int, said: str) -> None:
    assert why_fewer(limits(workers=3), [use(2)], SMALL, wanted) == said


def test_with_nothing_elsewhere_nothing_is_said_of_it() -> None:
    refusal = admit_workers(limits(accelerators=1), [use(3)], GPU, 2)

    assert refusal is not None
    assert refusal.message.startswith(
        "This cluster may have 1 worker at most: your workers may have 1 GPU together. Ask"
    )


SIZES = st.builds(
    WorkerSize,
    cpus=st.integers(1, 9_000).map(lambda n: n / 1000),
    memory=st.integers(1, 9),
    accelerators=st.integers(0, 4),
)
USES = st.lists(st.builds(ClusterUse, workers=st.integers(0, 9), size=SIZES), max_size=6)
LIMITS = st.builds(
    lambda workers, cpus, memory, gpus: limits(
        workers=workers, cpus=cpus, memory=memory, accelerators=gpus
    ),
    st.none() | st.integers(1, 60),
    st.none() | st.integers(1, 200_000).map(lambda n: n / 1000),
    st.none() | st.integers(1, 200),
    st.none() | st.integers(1, 40),
)


@given(LIMITS, USES, SIZES, st.integers(0, 60) | st.integers(0, 20_000))
def test_what_is_admitted_is_within_every_limit(
    bound: DaskLimits, others: list[ClusterUse], size: WorkerSize, wanted: int
) -> None:
    admitted = admit_workers(bound, others, size, wanted) is None

    every = [*others, use(wanted, size)]
    within = (
        wanted <= MAXIMUM_WORKERS
        and (bound.workers is None or sum(u.workers for u in every) <= bound.workers)
        and (
            bound.cpus is None
            or sum(u.workers * round(u.size.cpus * 1000) for u in every) <= round(bound.cpus * 1000)
        )
        and (bound.memory is None or sum(u.workers * u.size.memory for u in every) <= bound.memory)
        # Whoever asks for none takes none, however many others have.
        and (
            bound.accelerators is None
            or not size.accelerators
            or sum(u.workers * u.size.accelerators for u in every) <= bound.accelerators
        )
    )
    # No workers at all are always admitted: whoever is above a limit may go down.
    assert admitted == (within or wanted == 0)


@given(LIMITS, USES, SIZES)
def test_the_order_of_clusters_does_not_matter(
    bound: DaskLimits, others: list[ClusterUse], size: WorkerSize
) -> None:
    forth, back = (workers_allowed(bound, each, size) for each in (others, others[::-1]))

    assert forth == back
    assert 0 <= forth <= MAXIMUM_WORKERS
