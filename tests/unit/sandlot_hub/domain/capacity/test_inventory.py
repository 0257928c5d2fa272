from __future__ import annotations

import pytest

from sandlot_contracts.capacity import FlavorState, SizeState
from sandlot_hub.domain.capacity.cluster_records import NodeRecord, PodRecord, Taint
from sandlot_hub.domain.capacity.device_records import (
    ClaimRecord,
    DeviceId,
    DeviceRecord,
    SliceRecord,
)
from sandlot_hub.domain.capacity.inventory import Inventory
from sandlot_hub.domain.capacity.size_demand import HubPlacement, Toleration
from support.counted import (
    A100,
    GIB,
    GPU,
    KEPT,
    MIG,
    a_node,
    a_pod,
    an_inventory,
    counted_settings,
    has,
)

NOW = 1_800_000_000.0


def _flavor(state: FlavorState) -> tuple[int, int, int, int, int]:
    return state.total, state.down, state.used, state.free, state.largest_block


# --- flavors ----------------------------------------------------------------------------------

WHOLE = {"cpu": 1000, GPU: 4}


@pytest.mark.parametrize(
    ("nodes", "pods", "l4"),
    [
        pytest.param([], [], (0, 0, 0, 0, 0), id="no-node"),
        pytest.param([a_node()], [], (4, 0, 0, 4, 4), id="all-free"),
        pytest.param([a_node()], [a_pod()], (4, 0, 1, 3, 3), id="one-used"),
        pytest.param([a_node()], [a_pod(requests=WHOLE)], (4, 0, 4, 0, 0), id="all-used"),
        pytest.param(
            [a_node("n1"), a_node("n2")],
            [a_pod(requests={GPU: 3})],
            (8, 0, 3, 5, 4),
            id="block-is-that-of-one-node",
        ),
        pytest.param([a_node(ready=False)], [a_pod()], (4, 3, 1, 0, 0), id="not-ready"),
        pytest.param([a_node(cordoned=True)], [a_pod()], (4, 3, 1, 0, 0), id="cordoned"),
        pytest.param(
            [a_node(taints=(KEPT, Taint("team", "physics", "NoSchedule")))],
            [],
            (4, 4, 0, 0, 0),
            id="kept-for-others",
        ),
        pytest.param(
            [a_node(taints=(Taint("team", "", "PreferNoSchedule"),))],
            [],
            (4, 0, 0, 4, 4),
            id="rather-for-others",
        ),
        pytest.param([a_node()], [a_pod(deleting=True)], (4, 0, 1, 3, 3), id="ends-and-holds"),
        pytest.param(
            [a_node()], [a_pod(node="", nominated="n1")], (4, 0, 1, 3, 3), id="room-is-kept"
        ),
        pytest.param(
            [a_node()],
            [a_pod(node="", nominated="n1", deleting=True)],
            (4, 0, 0, 4, 4),
            id="no-room-is-kept-for-one-that-goes",
        ),
        pytest.param([a_node()], [a_pod(node="")], (4, 0, 0, 4, 4), id="waits-and-holds-nothing"),
        pytest.param([a_node()], [a_pod(node="gone")], (4, 0, 0, 4, 4), id="node-is-gone"),
        pytest.param(
            [a_node()], [a_pod(requests={GPU: 9})], (4, 0, 4, 0, 0), id="more-held-than-there"
        ),
        pytest.param(
            [a_node()],
            [a_pod(requests={}, unknown=frozenset({GPU}))],
            (4, 0, 4, 0, 0),
            id="unclear",
        ),
        pytest.param(
            [a_node(allocatable=has(), unknown=frozenset({GPU}))],
            [],
            (0, 0, 0, 0, 0),
            id="node-says-nonsense",
        ),
        pytest.param([a_node(labels=A100)], [], (0, 0, 0, 0, 0), id="another-flavor"),
        pytest.param(
            [a_node()], [a_pod(priority=-10)], (4, 0, 1, 3, 3), id="accelerator-of-a-placeholder"
        ),
    ],
)
def test_accelerators_of_a_flavor(
    nodes: list[NodeRecord], pods: list[PodRecord], l4: tuple[int, ...]
) -> None:
    assert _flavor(an_inventory(nodes, pods).state(NOW).flavors["l4"]) == l4


def test_same_resource_is_told_apart_by_the_node() -> None:
    nodes = [a_node("n1"), a_node("n2", labels=A100, allocatable=has(**{GPU: 8}))]
    found = an_inventory(nodes, [a_pod(node="n2")]).state(NOW).flavors
    assert _flavor(found["l4"]) == (4, 0, 0, 4, 4)
    assert _flavor(found["a100"]) == (8, 0, 1, 7, 7)


def test_nodes_that_servers_never_use_are_down() -> None:
    nodes = [a_node("n1"), a_node("n2", labels={"product": "L4", "pool": "people"})]
    found = an_inventory(nodes, kubernetes={"node_selector": {"pool": "people"}}).state(NOW)
    assert _flavor(found.flavors["l4"]) == (8, 4, 0, 4, 4)


def test_accelerators_that_belong_to_no_flavor() -> None:
    there = has(**{GPU: 2, "amd.com/gpu": 8, MIG: 7, "vendor.example/nic": 4, "habana.ai/gaudi": 0})
    found = an_inventory([a_node(labels={}, allocatable=there), a_node("n2")]).state(NOW)
    assert found.unknown_flavor == {"amd.com/gpu": 8, GPU: 2}
    assert found.flavors["slice"].total == 7


# --- who waits --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pod", "l4", "a100"),
    [
        pytest.param(a_pod(node=""), 1, 1, id="takes-either"),
        pytest.param(a_pod(node="", node_selector=A100), 0, 1, id="takes-one"),
        pytest.param(a_pod(node="", node_selector={"zone": "a"}), 1, 1, id="wants-something-else"),
        pytest.param(a_pod(node="", gated=True), 1, 1, id="queue-holds-it-back"),
        pytest.param(a_pod(node="", requests={}, unknown=frozenset({GPU})), 1, 1, id="unclear"),
        pytest.param(a_pod(node="", flavor="a100"), 0, 1, id="our-own-says-which"),
        pytest.param(a_pod(node="", flavor="gone"), 1, 1, id="flavor-that-is-gone"),
        pytest.param(a_pod(node="", requests={"cpu": 1000}), 0, 0, id="no-accelerator"),
        pytest.param(a_pod(node="", requests={GPU: 0}), 0, 0, id="none-of-it"),
        pytest.param(a_pod(node="", deleting=True), 0, 0, id="goes"),
        pytest.param(a_pod(), 0, 0, id="has-a-node"),
        pytest.param(a_pod(node="", nominated="n1"), 1, 1, id="room-is-being-made"),
    ],
)
def test_who_waits(pod: PodRecord, l4: int, a100: int) -> None:
    inventory = an_inventory([a_node()], [pod])
    found = inventory.state(NOW).flavors
    assert (found["l4"].waiting, found["a100"].waiting) == (l4, a100)
    inventory.put_pod(pod._replace(node="n1"))
    assert inventory.state(NOW).flavors["l4"].waiting == 0


def test_since_when_the_oldest_waits() -> None:
    def oldest() -> str | None:
        return inventory.state(NOW).flavors["l4"].oldest_waiting

    inventory = an_inventory(
        [], [a_pod(f"ns/{age}", node="", created=NOW - age) for age in (60.9, 3600, 5)]
    )
    inventory.put_pod(a_pod("ns/unclear", node=""))
    assert oldest() == "2027-01-15T07:00:00Z"
    inventory.put_pod(a_pod("ns/3600"))
    assert oldest() == "2027-01-15T07:58:59Z"
    inventory = an_inventory([], [a_pod("ns/skewed", node="", created=NOW + 500)])
    assert oldest() == "2027-01-15T08:00:00Z"
    for absurd in (1e300, -10.0, float("nan")):
        inventory = an_inventory([], [a_pod("ns/absurd", node="", created=absurd)])
        assert oldest() is None
        assert inventory.state(NOW).flavors["l4"].waiting == 1


# --- what may be added, what is left out -------------------------------------------------------


def test_how_many_may_be_added() -> None:
    found = (
        an_inventory([a_node()], l4={"grows_to": 6, "new_node_takes": "4 min"}).state(NOW).flavors
    )
    assert (found["l4"].may_grow, found["l4"].growth_takes_s) == (2, 240)
    assert (found["a100"].may_grow, found["a100"].growth_takes_s) == (None, None)
    assert an_inventory([a_node()], l4={"grows_to": 3}).state(NOW).flavors["l4"].may_grow == 0


def test_what_cannot_be_counted_is_left_out() -> None:
    claimed = {"display_name": "C", "kubernetes": {"claim_template": "one"}}
    size = {"display_name": "C", "cpus": 1, "memory": GIB, "accelerator": {"flavor": "claimed"}}
    settings = counted_settings(claimed=claimed, sizes={"claimed": size})
    found = Inventory(settings=settings, left_out={"four"}).state(NOW)
    assert found.flavors.keys() == {"l4", "a100", "slice"}
    assert found.sizes.keys() == {"plain", "one", "big", "a100", "slice"}


def _claimed() -> Inventory:
    """Return an inventory with a flavor whose devices are claimed, before any was seen."""
    where = {
        "claim_template": "one",
        "devices": {
            "driver": "gpu.example.com",
            "attributes": {"gpu.example.com/product": "H100"},
        },
    }
    size = {"display_name": "C", "cpus": 1, "memory": GIB}
    sizes = {
        "claimed": {**size, "accelerator": {"flavor": "claimed"}},
        "pair": {**size, "accelerator": {"flavor": "claimed", "count": 2}},
    }
    flavor = {"display_name": "C", "kubernetes": where}
    inventory = Inventory(settings=counted_settings(claimed=flavor, sizes=sizes))
    inventory.put_node(a_node(labels={}, taints=(), allocatable=has()))
    return inventory


def _announced(*names: str) -> SliceRecord:
    return SliceRecord(
        name="s1",
        driver="gpu.example.com",
        pool="n1",
        generation=1,
        slices=1,
        node="n1",
        devices=tuple(DeviceRecord(name, {"product": "H100"}) for name in names),
    )


def test_claimed_devices_are_counted_once_all_of_them_were_seen() -> None:
    inventory = _claimed()
    assert inventory.devices is not None
    assert not {"claimed", "pair"} & inventory.state(NOW).sizes.keys()
    inventory.devices.put_slice(_announced("a", "b"))
    inventory.devices.all_slices()
    assert "claimed" not in inventory.state(NOW).flavors
    inventory.devices.all_claims()
    found = inventory.state(NOW)
    assert _flavor(found.flavors["claimed"]) == (2, 0, 0, 2, 2)
    assert (found.sizes["claimed"].fits, found.sizes["pair"].fits) == (2, 1)

    taken = ClaimRecord(key="ns/c", devices=(DeviceId("gpu.example.com", "n1", "a"),))
    inventory.devices.put_claim(taken)
    inventory.put_pod(a_pod(node="", requests={"cpu": 1}, flavor="claimed"))
    found = inventory.state(NOW)
    assert _flavor(found.flavors["claimed"]) == (2, 0, 1, 1, 1)
    assert found.flavors["claimed"].waiting == 1
    expected = SizeState(fits=0, fits_ever=True, lacking=("accelerator",), fits_smaller=1)
    assert found.sizes["pair"] == expected

    inventory.drop_node("n1")
    assert inventory.state(NOW).flavors["claimed"].total == 0
    inventory.put_node(a_node(labels={}, taints=(), allocatable=has(), cordoned=True))
    assert _flavor(inventory.state(NOW).flavors["claimed"]) == (2, 1, 1, 0, 0)
    assert "claimed" not in inventory.state(NOW, devices=False).flavors
    inventory.devices.drop_slice("s1")
    assert inventory.state(NOW).flavors["claimed"].total == 0


def test_nobody_looks_at_devices_that_no_flavor_has() -> None:
    assert Inventory(settings=counted_settings()).devices is None


def test_options_of_kubespawner_count() -> None:
    hub = HubPlacement(
        node_selector={"pool": "people"},
        tolerations=(Toleration("dedicated", "Equal", "people"),),
        beside={"cpu": 2000, GPU: 1},
    )
    inventory = Inventory(settings=counted_settings(), hub=hub)
    inventory.put_node(a_node("elsewhere"))
    taints = (KEPT, Taint("dedicated", "people", "NoSchedule"))
    inventory.put_node(a_node(labels={"product": "L4", "pool": "people"}, taints=taints))
    found = inventory.state(NOW)
    assert found.sizes["one"].fits == 2
    assert _flavor(found.flavors["l4"]) == (8, 4, 0, 4, 4)
    assert inventory.label_keys == {"pool", "product"}


# --- changes ----------------------------------------------------------------------------------


def test_a_key_that_another_pod_has_meanwhile() -> None:
    inventory = an_inventory([a_node("n1"), a_node("n2")], [a_pod()])
    inventory.put_pod(a_pod(uid="another", node="n2", requests={GPU: 2}))
    assert _flavor(inventory.state(NOW).flavors["l4"]) == (8, 0, 2, 6, 4)
    inventory.drop_pod("ns/p1")
    inventory.drop_pod("ns/p1")
    assert _flavor(inventory.state(NOW).flavors["l4"]) == (8, 0, 0, 8, 4)


def test_pods_outlive_their_node_and_come_before_it() -> None:
    inventory = an_inventory([], [a_pod()])
    assert inventory.state(NOW).flavors["l4"].total == 0
    inventory.put_node(a_node())
    assert _flavor(inventory.state(NOW).flavors["l4"]) == (4, 0, 1, 3, 3)
    inventory.drop_node("n1")
    assert inventory.state(NOW).flavors["l4"].total == 0
    inventory.put_node(a_node())
    assert inventory.state(NOW).flavors["l4"].used == 1


def test_work_can_be_done_in_parts() -> None:
    inventory = an_inventory([a_node(f"n{number}") for number in range(5)])
    assert [inventory.settle(2), inventory.settle(2), inventory.settle(2)] == [False, False, True]
    assert inventory.state(NOW).flavors["l4"].total == 20


def test_who_holds_what() -> None:
    inventory = an_inventory(
        [a_node()],
        [
            a_pod("ns/1", owner="ann", flavor="l4"),
            a_pod("ns/2", owner="ann", flavor="l4", requests={GPU: 2}),
            a_pod("ns/3", owner="bob", flavor="a100"),
            a_pod("ns/4", owner="eve", flavor="l4", node=""),
            a_pod("ns/5", owner="eve", flavor="l4", requests={"cpu": 1}),
            a_pod("ns/6", owner="eve", flavor="gone"),
            a_pod("ns/7"),
        ],
    )
    assert inventory.holders() == {"l4": {"ann": 3}, "a100": {"bob": 1}}
    inventory.drop_pod("ns/3")
    assert inventory.holders() == {"l4": {"ann": 3}}


# --- what is learnt ---------------------------------------------------------------------------


def _added(name: str, takes: float) -> tuple[PodRecord, NodeRecord]:
    """Return a pod and the node that was added for it, as fast as that."""
    pod = a_pod(f"ns/{name}", node=name, created=NOW - 1000)
    return pod, a_node(name, created=NOW - 995, ready_since=NOW - 1000 + takes)


@pytest.mark.parametrize("pod_first", [True, False], ids=["pod-first", "node-first"])
def test_how_long_a_node_takes_is_learnt(*, pod_first: bool) -> None:
    inventory = an_inventory([])
    for name, takes in {"n1": 100, "n2": 300, "n3": 500}.items():
        pod, node = _added(name, takes)
        if pod_first:
            inventory.put_pod(pod)
            inventory.state(NOW)
        inventory.put_node(node)
        inventory.state(NOW)
        inventory.put_pod(pod)
    found = inventory.state(NOW)
    assert found.flavors["l4"].growth_takes_s == 300
    assert found.flavors["a100"].growth_takes_s is None
    # All of them go again, and what was learnt says that others may come.
    for name in inventory.node_names():
        inventory.drop_node(name)
    found = inventory.state(NOW)
    assert found.flavors["l4"].growth_takes_s == 300
    assert found.sizes["one"].fits_ever


def test_what_came_to_a_node_of_the_same_name_teaches_nothing() -> None:
    inventory = an_inventory([a_node(created=NOW - 5000)], [a_pod(created=NOW - 2000)])
    inventory.put_node(a_node(created=NOW - 1000, ready_since=NOW - 900))
    assert inventory.state(NOW).flavors["l4"].growth_takes_s is None
    inventory.drop_node("n1")
    inventory.put_node(a_node(created=NOW - 1000, ready_since=NOW - 900))
    assert inventory.state(NOW).flavors["l4"].growth_takes_s is None
