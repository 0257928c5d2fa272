"""What is to be counted: the flavors and sizes of the settings, made ready for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .device_book import DeviceWish
from .size_demand import HubPlacement, NodeWish, counted_resource, node_wish, size_demand

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sandlot_hub.domain.settings.model import SandlotSettings

    from .size_demand import SizeDemand

_VENDORS = ("nvidia.com/", "amd.com/gpu", "gpu.intel.com/", "habana.ai/gaudi")
"""How the names of resources begin that are accelerators, whether a flavor has them or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlavorPlan:
    """A flavor, as far as its accelerators are counted."""

    slug: str
    resource: str
    selector: Mapping[str, str]
    """Labels of the nodes that have it, whoever may use those."""
    wish: int
    """Which of the plan's wishes says where servers can use it."""
    grows_to: int | None
    node_groups: Mapping[str, int]
    """How many accelerators a node has, by the name of its autoscaler's group."""
    new_node_s: float | None
    """How long adding a node takes, in seconds, where the settings say it."""

    @property
    def largest_added(self) -> int:
        """The most accelerators of a node that an autoscaler adds; 0 where nothing says it."""
        return max(self.node_groups.values(), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizePlan:
    """A size, as far as it is counted what fits."""

    slug: str
    demand: SizeDemand
    wish: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityPlan:
    """What is counted. A flavor or size that is left out is not known."""

    flavors: tuple[FlavorPlan, ...]
    sizes: tuple[SizePlan, ...]
    wishes: tuple[NodeWish, ...]
    """The different kinds of nodes that are asked for."""
    resources: frozenset[str]
    """Names of the resources of the flavors."""
    devices: tuple[DeviceWish, ...]
    """Which devices the flavors count as theirs that are claimed."""
    nodes_added: bool
    """Whether the settings say that the cluster adds nodes where it has none."""
    autoscaler_status: str | None
    """ConfigMap in which an autoscaler tells of node groups; None where no flavor has such."""

    @property
    def label_keys(self) -> frozenset[str]:
        """Keys of all labels that are asked for."""
        return frozenset().union(
            *(flavor.selector for flavor in self.flavors), *(each.selector for each in self.wishes)
        )

    @property
    def claimed(self) -> frozenset[str]:
        """Names under which devices are counted that are claimed."""
        return frozenset(wish.resource for wish in self.devices)

    def is_accelerator(self, resource: str) -> bool:
        """Return whether a resource counts as an accelerator."""
        return resource in self.resources or resource.startswith(_VENDORS)


def capacity_plan(
    settings: SandlotSettings, *, hub: HubPlacement, left_out: Collection[str]
) -> CapacityPlan:
    """Return what is to be counted for these settings.

    Parameters
    ----------
    settings
        Flavors whose devices are claimed (``claim_template``), and of which nothing says what
        these are (``devices``), are left out, and so are their sizes.
    hub
        What KubeSpawner asks for every server beside them.
    left_out
        Slugs of sizes that options of KubeSpawner place in a way that cannot be foreseen.
    """
    wishes: list[NodeWish] = []
    flavors = [
        FlavorPlan(
            slug=slug,
            resource=resource,
            selector=flavor.kubernetes.node_selector,
            wish=_number(wishes, node_wish(settings.kubernetes, flavor.kubernetes, hub)),
            grows_to=flavor.kubernetes.grows_to,
            node_groups=flavor.kubernetes.node_groups,
            new_node_s=flavor.kubernetes.new_node_takes or settings.kubernetes.new_node_takes,
        )
        for slug, flavor in settings.accelerators.items()
        if (resource := counted_resource(slug, flavor))
    ]
    demands = {
        slug: size_demand(settings, size, hub)
        for slug, size in settings.sizes.items()
        if slug not in left_out
    }
    sizes = [
        SizePlan(slug=slug, demand=demand, wish=_number(wishes, demand.wish))
        for slug, demand in demands.items()
        if demand is not None
    ]
    return CapacityPlan(
        flavors=tuple(flavors),
        sizes=tuple(sizes),
        wishes=tuple(wishes),
        resources=frozenset(each.resource for each in flavors),
        devices=tuple(_device_wishes(settings)),
        nodes_added=settings.kubernetes.new_node_takes is not None,
        autoscaler_status=(
            settings.kubernetes.autoscaler_status
            if any(flavor.node_groups for flavor in flavors)
            else None
        ),
    )


def _device_wishes(settings: SandlotSettings) -> Iterator[DeviceWish]:
    for slug, flavor in settings.accelerators.items():
        resource, devices = counted_resource(slug, flavor), flavor.kubernetes.devices
        if resource and devices is not None:
            own = f"{devices.driver}/"
            attributes = {
                name.removeprefix(own): value for name, value in devices.attributes.items()
            }
            yield DeviceWish(resource, devices.driver, attributes)


def _number(wishes: list[NodeWish], wish: NodeWish) -> int:
    if wish not in wishes:
        wishes.append(wish)
    return wishes.index(wish)
