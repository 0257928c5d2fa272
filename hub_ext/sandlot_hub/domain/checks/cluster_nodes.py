"""Whether a cluster's nodes are what settings think: kinds of GPUs, and the largest size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_hub.domain.capacity.inventory import Inventory
from sandlot_hub.domain.capacity.placing_options import uncounted_sizes
from sandlot_hub.domain.capacity.size_demand import HubPlacement, has_labels, node_wish, size_demand
from sandlot_hub.domain.values.names import printable
from sandlot_hub.domain.values.quantities import CPU, MEMORY
from sandlot_hub.domain.values.units import describe_memory, format_cpus, format_memory

from .cluster import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sandlot_hub.domain.capacity.cluster_records import NodeRecord, Taint
    from sandlot_hub.domain.capacity.size_demand import NodeWish, SizeDemand
    from sandlot_hub.domain.settings.model import (
        AcceleratorFlavorSettings,
        SandlotSettings,
        SizeSettings,
    )

PRODUCT_LABELS = ("nvidia.com/gpu.product", "amd.com/gpu.product-name", "gpu.intel.com/product")
"""Labels by which vendors say which GPU a node has."""
_NO_OPTIONS = HubPlacement()
_ADD_TOLERATIONS = "add `tolerations` for it, unless the hub's c.KubeSpawner.tolerations has them."
_COMPARE_LABELS = "compare `node_selector` with `kubectl get nodes --show-labels`."

Told = tuple[str, str]
"""What is wrong, and what to do next."""


def node_labels(settings: SandlotSettings) -> frozenset[str]:
    """Return the labels of nodes that `node_findings` looks at."""
    return Inventory(settings=settings).label_keys | frozenset(PRODUCT_LABELS)


def node_findings(settings: SandlotSettings, nodes: Sequence[NodeRecord]) -> Iterator[Finding]:
    """Yield what no node has, and what nodes have that nobody can choose.

    What options of KubeSpawner say about nodes is not known here.

    Parameters
    ----------
    settings
        What is offered.
    nodes
        All of the cluster, with at least the labels of `node_labels`.
    """
    without = set()
    for slug, flavor in settings.accelerators.items():
        found = _flavor_finding(slug, flavor, settings, nodes)
        if found is not None:
            without.add(slug)
            yield found
    inventory = Inventory(settings=settings, left_out=uncounted_sizes(settings))
    for node in nodes:
        inventory.put_node(node)
    state = inventory.state(0)
    for slug, size in settings.sizes.items():
        counted = state.sizes.get(slug)
        demand = size_demand(settings, size, _NO_OPTIONS)
        if counted is None or demand is None or counted.fits_ever or demand.flavor in without:
            continue
        message, next_step = _why_never(size, demand, nodes)
        yield Finding(
            code="size-never-fits", path=f"sizes.{slug}", message=message, next_step=next_step
        )
    for resource, count in state.unknown_flavor.items():
        yield _unclaimed_finding(resource, count, nodes)


def _flavor_finding(
    slug: str,
    flavor: AcceleratorFlavorSettings,
    settings: SandlotSettings,
    nodes: Sequence[NodeRecord],
) -> Finding | None:
    where = flavor.kubernetes
    takes = where.new_node_takes or settings.kubernetes.new_node_takes
    grows = bool(where.node_groups or takes)
    if where.grows_to is not None:
        grows = where.grows_to > 0
    # Devices that are claimed belong to no node, and of what can be added there may be none now.
    if where.claim_template is not None or grows:
        return None
    wish = node_wish(settings.kubernetes, where, _NO_OPTIONS)
    labelled = [node for node in nodes if has_labels(node.labels, wish.selector)]
    having = [node for node in labelled if node.allocatable.get(flavor.resource, 0)]
    if any(wish.tolerates(node.taints, passing=False) for node in having):
        return None
    message, next_step = _why_no_node(flavor.resource, wish, labelled, having)
    name = printable(flavor.display_name)
    return Finding(
        code="flavor-without-nodes",
        path=f"accelerators.{slug}.kubernetes",
        message=f"{message}: nobody can have {name}.",
        next_step=next_step,
    )


def _why_no_node(
    resource: str, wish: NodeWish, labelled: Sequence[NodeRecord], having: Sequence[NodeRecord]
) -> Told:
    if not labelled:
        return f"No node has {_labels(wish.selector)}", _COMPARE_LABELS
    if not having:
        these = " with these labels" if wish.selector else ""
        what = f"Of {_nodes(labelled)}{these} none offers {resource}"
        return what, "look whether the device plug-in runs there, and what it calls its resource."
    what = f"Of {_nodes(having)} with {resource} none lets servers in ({_taints(having, wish)})"
    return what, _ADD_TOLERATIONS


def _why_never(size: SizeSettings, demand: SizeDemand, nodes: Sequence[NodeRecord]) -> Told:
    wish = demand.wish
    kind = [node for node in nodes if wish.selects(node)]
    if not kind:
        what = f"No node has {_labels(wish.selector)}" if wish.selector else "There are no nodes"
        return f"{what}.", _COMPARE_LABELS
    open_to = [node for node in kind if wish.tolerates(node.taints, passing=False)]
    if not open_to:
        return f"Of {_nodes(kind)} none lets servers in ({_taints(kind, wish)}).", _ADD_TOLERATIONS
    what = (
        f"No node can ever hold it: it needs {_wanted(demand, size)}, and of {_nodes(open_to)} "
        f"the most that one has of each is {_largest(demand, open_to)}."
    )
    next_step = (
        "make the size smaller (a node keeps some CPU and memory for itself), or say with "
        "`grows_to` or `new_node_takes` that the cluster adds such nodes."
    )
    return what, next_step


def _unclaimed_finding(resource: str, count: int, nodes: Sequence[NodeRecord]) -> Finding:
    there = [node for node in nodes if node.allocatable.get(resource, 0)]
    products = sorted(
        {
            f"{label}: {node.labels[label]}"
            for node in there
            for label in PRODUCT_LABELS
            if label in node.labels
        }
    )
    labels = f" (nodes with {', '.join(products)})" if products else ""
    return Finding(
        code="accelerators-without-flavor",
        path="accelerators",
        message=f"{count} × {resource} belong to no flavor{labels}: nobody can choose them.",
        next_step=f"add an entry to `accelerators` with `resource: {resource}`, and a size with it.",
    )


def _nodes(nodes: Sequence[NodeRecord]) -> str:
    return "1 node" if len(nodes) == 1 else f"{len(nodes)} nodes"


def _labels(selector: Mapping[str, str]) -> str:
    words = ", ".join(f"{key}={value}" for key, value in sorted(selector.items()))
    return f"the label{'s' * (len(selector) > 1)} {words}"


def _taints(nodes: Sequence[NodeRecord], wish: NodeWish) -> str:
    found = {
        _taint(each)
        for node in nodes
        for each in node.taints
        if not wish.tolerates([each], passing=False)
    }
    return ", ".join(sorted(found))


def _taint(taint: Taint) -> str:
    value = f"={taint.value}" if taint.value else ""
    return f"{taint.key}{value}:{taint.effect}"


def _wanted(demand: SizeDemand, size: SizeSettings) -> str:
    words = [f"{format_cpus(size.cpus)} CPUs", format_memory(size.memory)]
    return ", ".join([*words, *([f"{demand.count} × {demand.resource}"] if demand.count else [])])


def _largest(demand: SizeDemand, nodes: Sequence[NodeRecord]) -> str:
    def most(resource: str) -> int:
        return max(node.allocatable.get(resource, 0) for node in nodes)

    words = [f"{format_cpus(most(CPU) / 1000)} CPUs", describe_memory(most(MEMORY))]
    if demand.count:
        words.append(f"{most(demand.resource)} × {demand.resource}")
    return ", ".join(words)
