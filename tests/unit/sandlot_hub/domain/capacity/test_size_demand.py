from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.capacity.cluster_records import Taint
from sandlot_hub.domain.capacity.pod_requests import ContainerAmounts, pod_amounts
from sandlot_hub.domain.capacity.size_demand import HubPlacement, NodeWish, Toleration, size_demand
from sandlot_hub.domain.choices.plan import Plan
from sandlot_hub.domain.offers.profiles import resolve
from sandlot_hub.domain.pods.manifest import complete_manifest, read_admin_parts
from sandlot_hub.domain.pods.plan import PodRequest, build_pod_parts
from sandlot_hub.domain.values.quantities import read_amount
from support.catalogue import EVERYTHING_HERE, GIB, person
from support.counted import A100, GPU, L4, MIG, a_node, counted_settings
from support.manifests import kubespawner_manifest

NO_OPTIONS = HubPlacement()


@pytest.mark.parametrize(
    ("toleration", "tolerates"),
    [
        pytest.param(Toleration("team", "Equal", "physics", "NoSchedule"), True, id="all-equal"),
        pytest.param(Toleration("team", "Equal", "physics"), True, id="every-effect"),
        pytest.param(Toleration("team", "Equal", "maths"), False, id="other-value"),
        pytest.param(Toleration("team"), True, id="any-value"),
        pytest.param(Toleration("team", effect="NoExecute"), False, id="other-effect"),
        pytest.param(Toleration("pool"), False, id="other-key"),
        pytest.param(Toleration(), True, id="everything"),
        pytest.param(Toleration(effect="NoSchedule"), True, id="everything-of-an-effect"),
        pytest.param(Toleration("", "Equal", "physics"), False, id="value-without-a-key"),
    ],
)
def test_a_toleration(toleration: Toleration, *, tolerates: bool) -> None:
    wish = NodeWish(selector={}, tolerations=(Toleration("else"), toleration))
    assert wish.tolerates([Taint("team", "physics", "NoSchedule")]) is tolerates


@pytest.mark.parametrize(
    ("taint", "at_the_moment", "for_good"),
    [
        pytest.param(Taint("team", "", "NoSchedule"), False, False, id="no-schedule"),
        pytest.param(Taint("team", "", "NoExecute"), False, False, id="no-execute"),
        pytest.param(Taint("team", "", "PreferNoSchedule"), True, True, id="rather-not"),
        pytest.param(
            Taint("node.kubernetes.io/not-ready", "", "NoExecute"), False, True, id="passes"
        ),
        pytest.param(
            Taint("node.cloudprovider.kubernetes.io/uninitialized", "true", "NoSchedule"),
            False,
            True,
            id="passes-when-the-cloud-knows-it",
        ),
    ],
)
def test_a_taint(taint: Taint, *, at_the_moment: bool, for_good: bool) -> None:
    wish = NodeWish(selector={}, tolerations=())
    assert wish.tolerates([taint]) is at_the_moment
    assert wish.tolerates([taint], passing=False) is for_good


def test_a_node_has_all_labels_that_are_wanted() -> None:
    wish = NodeWish(selector={"a": "1", "b": ""}, tolerations=())
    assert wish.selects(a_node(labels={"a": "1", "b": "", "c": "3"}))
    assert not wish.selects(a_node(labels={"a": "1"}))
    assert not wish.selects(a_node(labels={"a": "2", "b": ""}))


# --- as the manifest has it -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "resource", "count", "selector"),
    [
        pytest.param("plain", "", 0, {}, id="no-accelerator"),
        pytest.param("one", GPU, 1, L4, id="one"),
        pytest.param("four", GPU, 4, L4, id="four"),
        pytest.param("a100", GPU, 2, A100, id="other-nodes"),
        pytest.param("slice", MIG, 1, {}, id="part-of-one"),
        pytest.param("odd", GPU, 3, {"product": "L4"}, id="parts-of-a-core"),
    ],
)
def test_what_is_counted_is_what_the_manifest_asks_for(
    size: str, resource: str, count: int, selector: dict[str, str]
) -> None:
    odd = {
        "display_name": "Odd",
        "cpus": "1100m",
        "memory": "1000 MB",
        "accelerator": {"flavor": "l4", "count": 3},
    }
    settings = counted_settings(
        sizes={"odd": odd},
        l4={"shm_size": "1 GiB"},
        kubernetes={
            "node_selector": {"pool": "people", "product": "any"},
            "tolerations": [
                {"key": "dedicated", "operator": "Equal", "value": "people"},
                {"key": "gpu-only"},
            ],
        },
    )
    demand = size_demand(settings, settings.sizes[size], NO_OPTIONS)
    assert demand is not None
    assert (demand.resource, demand.count) == (resource, count)
    assert demand.wish.selector == {"pool": "people", "product": "any", **selector}

    plan = resolve(
        {"profile": "people", "image": "base", "size": size},
        entitlements=person("ann"),
        settings=settings,
        facilities=EVERYTHING_HERE,
    )
    assert isinstance(plan, Plan)
    request = PodRequest(plan=plan, entitlements=person("ann"), spawn_id="1" * 32)
    base = kubespawner_manifest()
    manifest = complete_manifest(
        base, build_pod_parts(request, settings.kubernetes), read_admin_parts(base)
    )
    spec = manifest["spec"]
    asked = pod_amounts(map(_amounts, spec["containers"]))
    assert asked.unknown == frozenset()
    devices = {resource: count} if count else {}
    assert asked.known | {"pods": 1} == dict(demand.amounts) | devices
    assert spec["nodeSelector"] == demand.wish.selector
    assert tuple(map(_toleration, spec["tolerations"])) == demand.wish.tolerations


def _amounts(container: dict[str, Any]) -> ContainerAmounts:
    # Numbers go to the API server as JSON writes them.
    requests, limits = (
        {name: read_amount(name, str(each), up=True) for name, each in amounts.items()}
        for amounts in (container["resources"]["requests"], container["resources"]["limits"])
    )
    return ContainerAmounts(requests=requests, limits=limits)


def _toleration(document: dict[str, str]) -> Toleration:
    names = ("key", "operator", "value", "effect")
    return Toleration(*(document.get(name, "") for name in names))


def test_what_comes_with_every_server_is_counted() -> None:
    settings = counted_settings()
    hub = HubPlacement(beside={"cpu": 500, GPU: 1, "vendor.example/nic": 1, "memory": 0})
    plain = size_demand(settings, settings.sizes["plain"], hub)
    one = size_demand(settings, settings.sizes["one"], hub)
    assert plain is not None
    assert dict(plain.amounts) == {
        "cpu": 2500,
        "memory": 4 * GIB,
        "pods": 1,
        GPU: 1,
        "vendor.example/nic": 1,
    }
    assert one is not None
    assert dict(one.amounts).keys() == {"cpu", "memory", "pods", "vendor.example/nic"}
    assert (one.resource, one.count) == (GPU, 2)


def test_claimed_devices_are_not_counted() -> None:
    settings = counted_settings(
        claimed={"display_name": "C", "kubernetes": {"claim_template": "one"}},
        sizes={
            "claimed": {
                "display_name": "C",
                "cpus": 1,
                "memory": GIB,
                "accelerator": {"flavor": "claimed"},
            }
        },
    )
    assert size_demand(settings, settings.sizes["claimed"], NO_OPTIONS) is None
