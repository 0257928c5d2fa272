from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.capacity.cluster_records import NodeRecord, Taint
from sandlot_hub.domain.checks.cluster_nodes import PRODUCT_LABELS, node_findings, node_labels
from sandlot_hub.domain.settings.model import SandlotSettings

GIB = 1024**3
GPU = "nvidia.com/gpu"
PRODUCT = PRODUCT_LABELS[0]
TAINT = Taint(GPU, "present", "NoSchedule")


def node(
    name: str = "n", *taints: Taint, cpus: int = 8, gpus: int = 4, product: str = "L4", **more: Any
) -> NodeRecord:
    offers = {"cpu": cpus * 1000, "memory": 32 * GIB, "pods": 110, GPU: gpus}
    return NodeRecord(
        name=name,
        ready=True,
        cordoned=False,
        labels={PRODUCT: product},
        taints=taints,
        **{"allocatable": offers, **more},
    )


def settings(
    *, flavor: dict[str, Any] | None = None, size: dict[str, Any] | None = None, **kubernetes: Any
) -> SandlotSettings:
    where = {"node_selector": {PRODUCT: "L4"}, **(flavor or {})}
    plain = {"display_name": "Small", "cpus": 1, "memory": "1 GiB"}
    wanted = {"flavor": "l4", "count": 2}
    sizes = {"plain": plain, "gpu": {**plain, "accelerator": wanted, **(size or {})}}
    return SandlotSettings.model_validate(
        {
            "version": 1,
            "images": {"base": {"display_name": "Base", "reference": "registry/base:1"}},
            "accelerators": {"l4": {"display_name": "NVIDIA L4", "kubernetes": where}},
            "sizes": sizes,
            "profiles": {"w": {"display_name": "W", "images": ["base"], "sizes": [*sizes]}},
            "kubernetes": kubernetes,
        }
    )


FLAVOR = ("flavor-without-nodes", "accelerators.l4.kubernetes")
SIZE = ("size-never-fits", "sizes.gpu")
PLAIN = ("size-never-fits", "sizes.plain")
UNCLAIMED = ("accelerators-without-flavor", "accelerators")


@pytest.mark.parametrize(
    ("asked", "nodes", "found"),
    [
        pytest.param({}, [node()], {}, id="right"),
        pytest.param(
            {},
            [node(product="H200")],
            {
                FLAVOR: f"No node has the label {PRODUCT}=L4: nobody can have NVIDIA L4.",
                UNCLAIMED: f"4 × {GPU} belong to no flavor (nodes with {PRODUCT}: H200)",
            },
            id="another GPU",
        ),
        pytest.param(
            {},
            [node(gpus=0)],
            {FLAVOR: f"Of 1 node with these labels none offers {GPU}"},
            id="no device plug-in",
        ),
        pytest.param(
            {},
            [node("a", TAINT), node("b", TAINT), node("c", gpus=0)],
            {FLAVOR: f"Of 2 nodes with {GPU} none lets servers in ({GPU}=present:NoSchedule)"},
            id="a taint",
        ),
        pytest.param(
            {"flavor": {"tolerations": [{"key": GPU}]}},
            [node("a", TAINT), node("b", gpus=0)],
            {},
            id="a taint that is tolerated",
        ),
        pytest.param(
            {},
            [node("a", Taint("node.kubernetes.io/unreachable", "", "NoSchedule"))],
            {},
            id="a node that is away for a while",
        ),
        pytest.param(
            {"flavor": {"grows_to": 8}},
            [node(product="H200")],
            {UNCLAIMED: f"4 × {GPU}"},
            id="one that the cluster adds",
        ),
        pytest.param({"new_node_takes": "5 min"}, [], {}, id="a cluster that begins with no nodes"),
        pytest.param(
            {"new_node_takes": "5 min", "flavor": {"grows_to": 0}},
            [],
            {FLAVOR: "No node has the label"},
            id="one that is never added",
        ),
        pytest.param(
            {"size": {"accelerator": {"flavor": "l4", "count": 8}}},
            [node("a"), node("b", gpus=2, cpus=16)],
            {
                SIZE: f"needs 1 CPUs, 1 GiB, 8 × {GPU}, and of 2 nodes the most that one has of "
                f"each is 16 CPUs, 32 GiB, 4 × {GPU}."
            },
            id="too many GPUs",
        ),
        pytest.param(
            {"size": {"cpus": 8.5}}, [node()], {SIZE: "needs 8.5 CPUs"}, id="too many CPUs"
        ),
        pytest.param(
            {"size": {"memory": "33 GiB"}}, [node()], {SIZE: "needs 1 CPUs, 33 GiB"}, id="memory"
        ),
        pytest.param(
            {"node_selector": {"pool": "people"}},
            [node()],
            {
                FLAVOR: f"the labels {PRODUCT}=L4, pool=people",
                PLAIN: "No node has the label pool=people.",
            },
            id="no node for servers",
        ),
        pytest.param(
            {"flavor": {"tolerations": [{"key": GPU}]}},
            [node("a", TAINT)],
            {PLAIN: f"Of 1 node none lets servers in ({GPU}=present:NoSchedule)."},
            id="only nodes with GPUs, which keep others off",
        ),
        pytest.param(
            {"size": {"kubespawner_override": {"node_selector": {"x": "y"}}, "cpus": 9}},
            [node()],
            {},
            id="an option that is not foreseen",
        ),
        pytest.param(
            {"flavor": {"claim_template": "one", "node_selector": {}}},
            [node(gpus=0)],
            {},
            id="devices that are claimed",
        ),
    ],
)
def test_what_nodes_have(
    asked: dict[str, Any], nodes: list[NodeRecord], found: dict[tuple[str, str], str]
) -> None:
    told = {
        (each.code, each.path): each.message for each in node_findings(settings(**asked), nodes)
    }

    assert told.keys() == found.keys()
    assert [code for code, words in found.items() if words not in told[code]] == []


def test_labels_that_say_what_a_gpu_is_are_looked_at_too() -> None:
    assert {*PRODUCT_LABELS, "pool"} <= node_labels(settings(node_selector={"pool": "people"}))
