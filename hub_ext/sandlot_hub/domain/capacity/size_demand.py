"""What a server of a size asks of a node, for its manifest and for what fits where alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from sandlot_hub.domain.settings.cluster import FlavorClusterSettings
from sandlot_hub.domain.values.quantities import CPU, MEMORY, PODS

from .cluster_records import no_labels, nothing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandlot_hub.domain.settings.cluster import ClusterSettings, TolerationSettings
    from sandlot_hub.domain.settings.model import (
        AcceleratorFlavorSettings,
        SandlotSettings,
        SizeSettings,
    )

    from .cluster_records import NodeRecord, Taint

_KEEPING_OFF = frozenset({"NoSchedule", "NoExecute"})
_PASSING = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")
"""Taints that say how a node is at the moment, and not whom it is for."""
_NO_FLAVOR = FlavorClusterSettings()


class Toleration(NamedTuple):
    """A taint that does not keep servers off a node; empty fields stand for every one."""

    key: str = ""
    operator: str = "Exists"
    value: str = ""
    effect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubPlacement:
    """What the options of KubeSpawner ask for every server, beside the settings."""

    node_selector: Mapping[str, str] = field(default_factory=no_labels)
    tolerations: tuple[Toleration, ...] = ()
    beside: Mapping[str, int] = field(default_factory=nothing)
    """What containers beside the server's ask for: thousandths of a CPU, bytes, pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWish:
    """Which nodes a server can be on."""

    selector: Mapping[str, str]
    tolerations: tuple[Toleration, ...]

    def selects(self, node: NodeRecord) -> bool:
        """Return whether a node is of the kind."""
        return has_labels(node.labels, self.selector)

    def tolerates(self, taints: Iterable[Taint], *, passing: bool = True) -> bool:
        """Return whether no taint keeps servers off.

        Parameters
        ----------
        taints
            Those of a node.
        passing
            Whether taints count that say how a node is at the moment.
        """
        return not any(
            each.effect in _KEEPING_OFF
            and (passing or not each.key.startswith(_PASSING))
            and not any(_tolerated(each, toleration) for toleration in self.tolerations)
            for each in taints
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeDemand:
    """One server of a size."""

    wish: NodeWish
    amounts: tuple[tuple[str, int], ...]
    """What it takes of CPUs, memory and places for pods, each more than none."""
    resource: str = ""
    """Name of the resource of its accelerators; empty without."""
    count: int = 0
    """How many accelerators."""
    flavor: str = ""
    """Slug of their flavor; empty without."""


def has_labels(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Return whether a node has all of some labels."""
    return all(labels.get(key) == value for key, value in wanted.items())


def flavor_selector(cluster: ClusterSettings, flavor: FlavorClusterSettings) -> dict[str, str]:
    """Return the labels of the nodes for servers with a flavor."""
    return {**cluster.node_selector, **flavor.node_selector}


def flavor_tolerations(
    cluster: ClusterSettings, flavor: FlavorClusterSettings
) -> tuple[TolerationSettings, ...]:
    """Return which taints do not keep servers with a flavor off, each once."""
    return tuple(dict.fromkeys((*cluster.tolerations, *flavor.tolerations)))


def extended_resources(flavor: AcceleratorFlavorSettings, count: int) -> dict[str, int]:
    """Return the units of device plug-ins that a server asks for; none where devices are claimed."""
    return {} if flavor.kubernetes.claim_template else {flavor.resource: count}


def counted_resource(slug: str, flavor: AcceleratorFlavorSettings) -> str:
    """Return the name under which a flavor's accelerators are counted; empty when they are not."""
    where = flavor.kubernetes
    if where.claim_template is None:
        return flavor.resource
    # No resource of the cluster has a colon in its name.
    return "" if where.devices is None else f"claim:{slug}"


def node_wish(
    cluster: ClusterSettings, flavor: FlavorClusterSettings | None, hub: HubPlacement
) -> NodeWish:
    """Return which nodes servers with a flavor, or without one, can be on."""
    where = _NO_FLAVOR if flavor is None else flavor
    ours = (
        Toleration(each.key or "", each.operator, each.value or "", each.effect or "")
        for each in flavor_tolerations(cluster, where)
    )
    return NodeWish(
        selector={**hub.node_selector, **flavor_selector(cluster, where)},
        tolerations=tuple(dict.fromkeys((*hub.tolerations, *ours))),
    )


def size_demand(
    settings: SandlotSettings, size: SizeSettings, hub: HubPlacement
) -> SizeDemand | None:
    """Return what a server of a size asks for; None where its devices are not counted."""
    wanted = size.accelerator
    flavor = None if wanted is None else settings.accelerators[wanted.flavor]
    resource = "" if flavor is None or wanted is None else counted_resource(wanted.flavor, flavor)
    if flavor is not None and not resource:
        return None
    amounts = {CPU: round(size.cpus * 1000), MEMORY: size.memory, PODS: 1}
    for name, amount in hub.beside.items():
        amounts[name] = amounts.get(name, 0) + amount
    where = None if flavor is None else flavor.kubernetes
    count = 0 if wanted is None else wanted.count
    # What comes with every server is not what this size is for.
    count += amounts.pop(resource, 0)
    return SizeDemand(
        wish=node_wish(settings.kubernetes, where, hub),
        amounts=tuple((name, amount) for name, amount in amounts.items() if amount > 0),
        resource=resource,
        count=count,
        flavor="" if wanted is None else wanted.flavor,
    )


def _tolerated(taint: Taint, toleration: Toleration) -> bool:
    if toleration.effect not in ("", taint.effect) or toleration.key not in ("", taint.key):
        return False
    if toleration.operator == "Exists":
        return True
    return bool(toleration.key) and toleration.value == taint.value
