"""After any sequence of changes the inventory says what a recount of the cluster says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandlot_hub.domain.capacity.cluster_records import NodeRecord, PodRecord, Taint
from sandlot_hub.domain.capacity.inventory import Inventory
from sandlot_hub.domain.capacity.pod_requests import ContainerAmounts, pod_amounts
from sandlot_hub.domain.values.quantities import read_amount, read_amounts
from support.counted import A100, GIB, GPU, KEPT, L4, MIG, counted_settings, put_all
from support.recount import Recount

if TYPE_CHECKING:
    from sandlot_contracts.capacity import CapacityState
    from sandlot_hub.domain.settings.model import SandlotSettings

NOW = 1_800_000_000.0
SLOW = [HealthCheck.too_slow]
NODES = ["n1", "n2", "n3"]
PODS = ["a/1", "a/2", "b/1", "b/2"]

CATALOGUES = [
    counted_settings(),
    counted_settings(
        l4={"grows_to": 6, "new_node_takes": "5 min"}, kubernetes={"node_selector": {"pool": "a"}}
    ),
    # Two names for the same accelerators; one flavor whose devices are claimed.
    counted_settings(
        kubernetes={"tolerations": [{}], "new_node_takes": "2 min"},
        any={"display_name": "Any GPU", "resource": GPU},
        claimed={"display_name": "C", "kubernetes": {"claim_template": "one"}},
        sizes={
            "claimed": {
                "display_name": "C",
                "cpus": 1,
                "memory": "1 GiB",
                "accelerator": {"flavor": "claimed"},
            },
            "any": {
                "display_name": "A",
                "cpus": "500m",
                "memory": "1 GiB",
                "accelerator": {"flavor": "any", "count": 3},
            },
        },
    ),
]

AMOUNTS = st.fixed_dictionaries(
    {},
    optional={
        "cpu": st.sampled_from([0, 500, 2000, 8000, 16_000]),
        "memory": st.sampled_from([0, GIB, 4 * GIB, 32 * GIB]),
        "pods": st.integers(0, 4),
        GPU: st.integers(0, 8),
        MIG: st.integers(0, 3),
        "amd.com/gpu": st.integers(0, 2),
        "vendor.example/nic": st.integers(0, 2),
    },
)
UNKNOWN = st.frozensets(st.sampled_from(["cpu", "memory", GPU, MIG]), max_size=1)
NO_OR_SOME = st.one_of(st.just(frozenset[str]()), st.just(frozenset[str]()), UNKNOWN)
TIMES = st.sampled_from([None, -10.0, 0.0, 0.9, NOW - 3600, NOW - 60.5, NOW, NOW + 500, 1e300])


@st.composite
def a_node(draw: st.DrawFn) -> NodeRecord:
    unknown = draw(NO_OR_SOME)
    amounts = draw(AMOUNTS)
    return NodeRecord(
        name=draw(st.sampled_from(NODES)),
        ready=draw(st.sampled_from([True, True, True, False])),
        cordoned=draw(st.sampled_from([False, False, False, True])),
        labels=draw(st.sampled_from([L4, A100, {}, {**L4, "pool": "a"}, {"pool": "a"}])),
        taints=tuple(
            draw(
                st.lists(
                    st.sampled_from(
                        [
                            KEPT,
                            Taint("mine", "", "NoExecute"),
                            Taint("mine", "", "PreferNoSchedule"),
                            Taint("node.kubernetes.io/disk-pressure", "", "NoSchedule"),
                        ]
                    ),
                    max_size=1,
                )
            )
        ),
        allocatable={name: n for name, n in amounts.items() if name not in unknown},
        unknown=unknown,
        # No time at which it was ready: what is learnt depends on the order of changes.
        created=draw(TIMES),
    )


@st.composite
def a_pod(draw: st.DrawFn) -> PodRecord:
    key = draw(st.sampled_from(PODS))
    return PodRecord(
        key=key,
        uid=draw(st.sampled_from(["first", "second"])),
        node=draw(st.sampled_from(["", *NODES, "nowhere"])),
        nominated=draw(st.sampled_from(["", "", *NODES])),
        requests={
            name: n
            for name, n in draw(AMOUNTS).items()
            if name != "pods" and (n or draw(st.booleans()))
        },
        unknown=draw(NO_OR_SOME),
        deleting=draw(st.sampled_from([False, False, True])),
        gated=draw(st.booleans()),
        created=draw(TIMES.filter(lambda time: time != 1e300)),
        node_selector=draw(st.sampled_from([{}, L4, A100, {"pool": "a"}])),
        priority=draw(st.sampled_from([0, 0, 1000, -10])),
        flavor=draw(st.sampled_from(["", "", "l4", "gone"])),
        owner=draw(st.sampled_from(["", "ann"])),
    )


@dataclass(frozen=True)
class Change:
    """Something that happens to an inventory, or a look at it."""

    kind: str
    what: Any = None


CHANGES = st.one_of(
    a_node().map(lambda node: Change("put_node", node)),
    a_pod().map(lambda pod: Change("put_pod", pod)),
    a_pod().map(lambda pod: Change("put_pod", pod)),
    st.sampled_from([*NODES, "none"]).map(lambda name: Change("drop_node", name)),
    st.sampled_from([*PODS, "none"]).map(lambda key: Change("drop_pod", key)),
    st.lists(a_node(), max_size=4).map(lambda nodes: Change("replace_nodes", nodes)),
    st.lists(a_pod(), max_size=5).map(lambda pods: Change("replace_pods", pods)),
    st.just(Change("settle", 1)),
    st.just(Change("state", NOW)),
)


@dataclass
class Model:
    """What there is, as two dictionaries."""

    nodes: dict[str, NodeRecord] = field(default_factory=dict)
    pods: dict[str, PodRecord] = field(default_factory=dict)

    def apply(self, change: Change) -> None:
        match change.kind:
            case "put_node":
                self.nodes[change.what.name] = change.what
            case "put_pod":
                self.pods[change.what.key] = change.what
            case "drop_node":
                self.nodes.pop(change.what, None)
            case "drop_pod":
                self.pods.pop(change.what, None)
            case "replace_nodes":
                self.nodes = {node.name: node for node in change.what}
            case "replace_pods":
                self.pods = {pod.key: pod for pod in change.what}
            case _:  # nothing happens to the cluster
                pass

    def recount(self, catalogue: SandlotSettings) -> CapacityState:
        return Recount(catalogue, list(self.nodes.values()), list(self.pods.values()), NOW).state()


def _take(inventory: Inventory, change: Change) -> None:
    """Tell an inventory of a change; of a list as an informer does."""
    match change.kind:
        case "replace_nodes":
            put_all(inventory, nodes=change.what)
            listed = {node.name for node in change.what}
            for name in inventory.node_names():
                if name not in listed:
                    inventory.drop_node(name)
        case "replace_pods":
            put_all(inventory, pods=change.what)
            for key in {*inventory.pod_keys()} - {pod.key for pod in change.what}:
                inventory.drop_pod(key)
        case _:
            getattr(inventory, change.kind)(change.what)


@given(st.sampled_from(CATALOGUES), st.lists(CHANGES, max_size=25))
@settings(suppress_health_check=SLOW, max_examples=150)
def test_it_says_what_a_recount_says(catalogue: SandlotSettings, changes: list[Change]) -> None:
    inventory, model = Inventory(settings=catalogue), Model()
    for change in changes:
        _take(inventory, change)
        model.apply(change)
        if change.kind == "state":
            assert inventory.state(NOW) == model.recount(catalogue)
    assert inventory.state(NOW) == model.recount(catalogue)
    assert inventory.state(NOW) == model.recount(catalogue)


@given(st.lists(CHANGES, max_size=15))
@settings(suppress_health_check=SLOW, max_examples=50)
def test_when_all_is_gone_nothing_is_left(changes: list[Change]) -> None:
    inventory = Inventory(settings=CATALOGUES[0])
    for change in changes:
        _take(inventory, change)
    _take(inventory, Change("replace_nodes", []))
    _take(inventory, Change("replace_pods", []))
    assert inventory.state(NOW) == Inventory(settings=CATALOGUES[0]).state(NOW)
    assert inventory.holders() == {}


@given(st.lists(a_node(), max_size=4), st.lists(a_pod(), max_size=6), st.randoms())
@settings(suppress_health_check=SLOW, max_examples=50)
def test_the_order_does_not_matter(
    nodes: list[NodeRecord], pods: list[PodRecord], shuffler: Any
) -> None:
    last: list[NodeRecord | PodRecord] = [
        *{node.name: node for node in nodes}.values(),
        *{pod.key: pod for pod in pods}.values(),
    ]
    one, other = Inventory(settings=CATALOGUES[0]), Inventory(settings=CATALOGUES[0])
    put_all(one, nodes, pods)
    shuffler.shuffle(last)
    for record in [*last, *last]:
        if isinstance(record, NodeRecord):
            other.put_node(record)
        else:
            other.put_pod(record)
    assert one.state(NOW) == other.state(NOW)
    assert one.holders() == other.holders()


# --- bad input --------------------------------------------------------------------------------

ODD = st.one_of(
    st.sampled_from(["-1", "NaN", "1e99", "9" * 30, "1Q", "", "∞", "0x1", "1 Gi", "-0.5"]),
    st.text(max_size=45),
    st.none(),
    st.integers(max_value=-1),
    st.just(["1"]),
)


@given(
    st.sampled_from(["cpu", "memory", "pods", GPU]),
    ODD,
    st.sampled_from(["node", "request", "limit", "init", "overhead"]),
)
def test_bad_input_never_makes_more_free(resource: str, odd: object, where: str) -> None:
    """Whatever one quantity says: what is free is at most what it is when it says nothing odd."""
    honest = {"cpu": "4", "memory": "16Gi", "pods": "5", GPU: "4"}
    asked = {"cpu": "1", "memory": "1Gi", GPU: "1"}
    plain = _free_with(honest, asked, where="request")
    readable = read_amount(resource, odd, up=False)
    if where == "node":
        found = _free_with({**honest, resource: odd}, asked, where="request")
        if readable is not None:
            return
    else:
        # Beside what it asks for honestly, so nothing can be less than before.
        found = _free_with(honest, asked, where=where, also={resource: odd})
    for slug, state in found.sizes.items():
        assert state.fits <= plain.sizes[slug].fits
    for slug, counted in found.flavors.items():
        assert counted.free <= plain.flavors[slug].free
        assert counted.total == counted.free + counted.used + counted.down


def _free_with(
    node: dict[str, Any], asked: dict[str, Any], *, where: str, also: dict[str, Any] | None = None
) -> CapacityState:
    has = read_amounts(node, up=False)
    requests = ContainerAmounts(requests=_read(asked))
    more = _read(also or {})
    odd = ContainerAmounts(requests=more)
    amounts = pod_amounts(
        [requests, ContainerAmounts(limits=more) if where == "limit" else ContainerAmounts()]
        + ([odd] if where == "request" else []),
        [odd] if where == "init" else [],
        overhead=more if where == "overhead" else {},
    )
    inventory = Inventory(settings=CATALOGUES[0])
    record = NodeRecord(
        name="n1",
        ready=True,
        cordoned=False,
        labels=L4,
        allocatable=has.known,
        unknown=has.unknown,
    )
    inventory.put_node(record)
    pod = PodRecord(key="a/1", uid="1", node="n1", requests=amounts.known, unknown=amounts.unknown)
    inventory.put_pod(pod)
    inventory.put_pod(pod._replace(key="a/2"))
    return inventory.state(NOW)


def _read(quantities: dict[str, Any]) -> dict[str, int | None]:
    return {name: read_amount(name, each, up=True) for name, each in quantities.items()}
