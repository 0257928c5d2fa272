from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.capacity.pod_requests import ContainerAmounts, pod_amounts

GPU = "nvidia.com/gpu"


def _c(**requests: int | None) -> ContainerAmounts:
    return ContainerAmounts(requests=requests)


def _sidecar(**requests: int | None) -> ContainerAmounts:
    return ContainerAmounts(requests=requests, sidecar=True)


@pytest.mark.parametrize(
    ("containers", "init", "more", "known"),
    [
        pytest.param([], [], {}, {}, id="nothing"),
        pytest.param([_c(cpu=1), _c(cpu=2, memory=3)], [], {}, {"cpu": 3, "memory": 3}, id="sum"),
        pytest.param([_c(cpu=5)], [_c(cpu=3), _c(cpu=4)], {}, {"cpu": 5}, id="init-is-less"),
        pytest.param([_c(cpu=2)], [_c(cpu=3), _c(cpu=4)], {}, {"cpu": 4}, id="largest-init"),
        pytest.param(
            [_c(cpu=2)], [_c(memory=7)], {}, {"cpu": 2, "memory": 7}, id="each-resource-apart"
        ),
        pytest.param([_c(cpu=2)], [_sidecar(cpu=1)], {}, {"cpu": 3}, id="sidecar-stays"),
        pytest.param(
            [_c(cpu=2)], [_sidecar(cpu=1), _c(cpu=4)], {}, {"cpu": 5}, id="init-beside-a-sidecar"
        ),
        pytest.param(
            [_c(cpu=2)],
            [_c(cpu=4), _sidecar(cpu=1)],
            {},
            {"cpu": 4},
            id="init-before-the-sidecar",
        ),
        pytest.param(
            [_c(cpu=2)],
            [_sidecar(cpu=1), _c(cpu=4), _sidecar(cpu=10)],
            {},
            {"cpu": 13},
            id="later-sidecar-is-not-beside-the-init",
        ),
        pytest.param(
            [],
            [_sidecar(cpu=1), _sidecar(cpu=2), _c(cpu=3)],
            {},
            {"cpu": 6},
            id="sidecars-add-up",
        ),
        pytest.param(
            [ContainerAmounts(limits={GPU: 1, "cpu": 4}, requests={"cpu": 2})],
            [],
            {},
            {GPU: 1, "cpu": 2},
            id="limit-where-nothing-is-requested",
        ),
        pytest.param(
            [_c(cpu=2)], [_c(cpu=9)], {"overhead": {"cpu": 1}}, {"cpu": 10}, id="overhead-on-top"
        ),
        pytest.param(
            [ContainerAmounts(requests={"cpu": 1}, given={"cpu": 4})],
            [],
            {},
            {"cpu": 4},
            id="still-given-more-than-it-asks-for",
        ),
        pytest.param(
            [_c(cpu=5, memory=5)],
            [_c(cpu=20)],
            {"pod_level": _c(cpu=3), "overhead": {"cpu": 1}},
            {"cpu": 4, "memory": 5},
            id="pod-level-instead-of-the-sum",
        ),
        pytest.param(
            [ContainerAmounts(limits={GPU: 2})],
            [],
            {"pod_level": ContainerAmounts(requests={GPU: 1, "hugepages-2Mi": 6})},
            {GPU: 2, "hugepages-2Mi": 6},
            id="no-pod-level-for-devices",
        ),
    ],
)
def test_what_the_scheduler_counts(
    containers: list[ContainerAmounts],
    init: list[ContainerAmounts],
    more: dict[str, Any],
    known: dict[str, int],
) -> None:
    assert pod_amounts(containers, init, **more) == (known, frozenset())


@pytest.mark.parametrize(
    ("containers", "init", "more", "unknown"),
    [
        pytest.param([_c(cpu=None)], [], {}, {"cpu"}, id="container"),
        pytest.param([_c(cpu=1)], [_c(memory=None)], {}, {"memory"}, id="init"),
        pytest.param([], [_sidecar(cpu=None)], {}, {"cpu"}, id="sidecar"),
        pytest.param([], [], {"overhead": {"cpu": None}}, {"cpu"}, id="overhead"),
        pytest.param([ContainerAmounts(limits={GPU: None})], [], {}, {GPU}, id="limit-that-counts"),
        pytest.param(
            [ContainerAmounts(limits={"cpu": None}, requests={"cpu": 1})],
            [],
            {},
            set(),
            id="limit-that-does-not-count",
        ),
        pytest.param(
            [_c(cpu=None)], [], {"pod_level": _c(cpu=2)}, set(), id="pod-level-holds-instead"
        ),
        pytest.param([_c(cpu=2)], [], {"pod_level": _c(cpu=None)}, {"cpu"}, id="pod-level"),
    ],
)
def test_what_cannot_be_read_is_unknown(
    containers: list[ContainerAmounts],
    init: list[ContainerAmounts],
    more: dict[str, Any],
    unknown: set[str],
) -> None:
    assert pod_amounts(containers, init, **more).unknown == unknown
