"""What is free in a cluster, counted the long way: every node and pod gone through each time.

Written apart from the inventory, to be compared with it: nothing here is shared with it but the
records and the shape of the answer. Servers are placed one by one until none fits any more.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sandlot_contracts.capacity import CapacityState, FlavorState, SizeState

if TYPE_CHECKING:
    from collections.abc import Collection

    from sandlot_contracts.capacity import Lack
    from sandlot_hub.domain.capacity.cluster_records import NodeRecord, PodRecord, Taint
    from sandlot_hub.domain.settings.model import (
        AcceleratorFlavorSettings,
        SandlotSettings,
        SizeSettings,
    )

VENDORS = ("nvidia.com/", "amd.com/gpu", "gpu.intel.com/", "habana.ai/gaudi")
PASSING = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")
ORDER: tuple[Lack, ...] = ("memory", "cpus", "servers", "unknown")
WORDS: dict[str, Lack] = {"cpu": "cpus", "memory": "memory", "pods": "servers"}


class Recount:
    """Counts what there is at one moment."""

    def __init__(
        self,
        settings: SandlotSettings,
        nodes: Collection[NodeRecord],
        pods: Collection[PodRecord],
        now: float,
    ) -> None:
        self.settings, self.nodes, self.pods, self.now = settings, nodes, pods, now
        self.flavors = {
            slug: flavor
            for slug, flavor in settings.accelerators.items()
            if flavor.kubernetes.claim_template is None
        }

    def state(self) -> CapacityState:
        """Return everything."""
        flavors = {slug: self.flavor(slug, flavor) for slug, flavor in self.flavors.items()}
        return CapacityState(
            scope="cluster",
            flavors=flavors,
            sizes={
                slug: self.size(size, flavors)
                for slug, size in self.settings.sizes.items()
                if size.accelerator is None or size.accelerator.flavor in flavors
            },
            unknown_flavor=self.unclaimed(),
        )

    # --- flavors ----------------------------------------------------------------------------

    def flavor(self, slug: str, flavor: AcceleratorFlavorSettings) -> FlavorState:
        resource, where = flavor.resource, flavor.kubernetes
        total = used = free = 0
        block = 0
        for node in self.nodes:
            if not self.has_flavor(node, flavor):
                continue
            there = node.allocatable[resource]
            held = self.held(node, resource)
            left = 0 if held is None else max(0, there - held)
            total += there
            used += there - left
            if self.usable(node, flavor):
                free += left
                block = max(block, left)
        waiting = [pod for pod in self.pods if self.waits(pod, slug, flavor)]
        times = [pod.created for pod in waiting if pod.created is not None and pod.created >= 0]
        oldest = min([*times, self.now]) if times else None
        return FlavorState(
            total=total,
            used=used,
            free=free,
            down=total - used - free,
            largest_block=block,
            waiting=len(waiting),
            oldest_waiting=None
            if oldest is None
            else f"{datetime.fromtimestamp(int(oldest), UTC):%Y-%m-%dT%H:%M:%SZ}",
            may_grow=None if where.grows_to is None else max(0, where.grows_to - total),
            growth_takes_s=where.new_node_takes or self.settings.kubernetes.new_node_takes,
        )

    def has_flavor(self, node: NodeRecord, flavor: AcceleratorFlavorSettings) -> bool:
        there = node.allocatable.get(flavor.resource, 0) > 0
        return there and flavor.kubernetes.node_selector.items() <= dict(node.labels).items()

    def waits(self, pod: PodRecord, slug: str, flavor: AcceleratorFlavorSettings) -> bool:
        if pod.node or pod.deleting:
            return False
        if pod.flavor in self.flavors:
            return pod.flavor == slug
        asks = pod.requests.get(flavor.resource, 0) > 0 or flavor.resource in pod.unknown
        wanted = dict(pod.node_selector)
        return asks and not any(
            key in wanted and wanted[key] != value
            for key, value in flavor.kubernetes.node_selector.items()
        )

    def unclaimed(self) -> dict[str, int]:
        found: dict[str, int] = {}
        ours = {flavor.resource for flavor in self.flavors.values()}
        for node in self.nodes:
            for resource, amount in node.allocatable.items():
                accelerator = resource in ours or resource.startswith(VENDORS)
                claimed = any(
                    flavor.resource == resource and self.has_flavor(node, flavor)
                    for flavor in self.flavors.values()
                )
                if accelerator and amount > 0 and not claimed:
                    found[resource] = found.get(resource, 0) + amount
        return found

    # --- nodes ------------------------------------------------------------------------------

    def held(self, node: NodeRecord, resource: str) -> int | None:
        """Return how much of a resource others hold; None when that cannot be known."""
        if resource in node.unknown:
            return None
        total = 0
        for pod in self.pods:
            here = pod.node == node.name or (
                not pod.node and not pod.deleting and pod.nominated == node.name
            )
            if not here or (pod.priority < 0 and not self.is_accelerator(resource)):
                continue
            if resource in pod.unknown:
                return None
            total += 1 if resource == "pods" else max(0, pod.requests.get(resource, 0))
        return total

    def is_accelerator(self, resource: str) -> bool:
        ours = {flavor.resource for flavor in self.flavors.values()}
        return resource in ours or resource.startswith(VENDORS)

    def of_kind(self, node: NodeRecord, flavor: AcceleratorFlavorSettings | None) -> bool:
        wanted = dict(self.settings.kubernetes.node_selector)
        if flavor is not None:
            wanted |= flavor.kubernetes.node_selector
        lasting = [taint for taint in node.taints if not taint.key.startswith(PASSING)]
        labels = dict(node.labels)
        return wanted.items() <= labels.items() and self.let_in(lasting, flavor)

    def usable(self, node: NodeRecord, flavor: AcceleratorFlavorSettings | None) -> bool:
        open_to_all = node.ready and not node.cordoned
        return open_to_all and self.of_kind(node, flavor) and self.let_in(node.taints, flavor)

    def let_in(self, taints: Collection[Taint], flavor: AcceleratorFlavorSettings | None) -> bool:
        tolerations = [*self.settings.kubernetes.tolerations]
        if flavor is not None:
            tolerations += flavor.kubernetes.tolerations
        for key, value, effect in taints:
            tolerated = any(
                each.key in (None, key)
                and each.effect in (None, effect)
                and (each.operator == "Exists" or each.value == value)
                for each in tolerations
            )
            if effect != "PreferNoSchedule" and not tolerated:
                return False
        return True

    # --- sizes ------------------------------------------------------------------------------

    def size(self, size: SizeSettings, flavors: dict[str, FlavorState]) -> SizeState:
        wanted = size.accelerator
        flavor = None if wanted is None else self.flavors[wanted.flavor]
        demand = {"cpu": round(size.cpus * 1000), "memory": size.memory, "pods": 1}
        devices = {} if flavor is None or wanted is None else {flavor.resource: wanted.count}
        kind = [node for node in self.nodes if self.of_kind(node, flavor)]
        counted = None if wanted is None else flavors[wanted.flavor]
        ever = self.may_be_added(counted, 0 if wanted is None else wanted.count) or any(
            all(node.allocatable.get(name, 0) >= n for name, n in (demand | devices).items())
            for node in kind
        )
        usable = [node for node in kind if self.usable(node, flavor)]
        fits = sum(self.places(node, demand | devices) for node in usable)
        if fits:
            return SizeState(fits=fits, fits_ever=ever)
        return SizeState(
            fits=0,
            fits_ever=ever,
            lacking=self.lacking(usable, demand, devices, counted),
            fits_smaller=None
            if not devices or wanted is None
            else max((self.smaller(node, demand, devices) for node in usable), default=0),
        )

    def may_be_added(self, counted: FlavorState | None, count: int) -> bool:
        if counted is None:
            return self.settings.kubernetes.new_node_takes is not None
        if counted.may_grow is None:
            return counted.growth_takes_s is not None
        return counted.may_grow >= count

    def places(self, node: NodeRecord, demand: dict[str, int]) -> int:
        placed = 0
        while all(
            (held := self.held(node, name)) is not None
            and held + (placed + 1) * amount <= node.allocatable.get(name, 0)
            for name, amount in demand.items()
        ):
            placed += 1
        return placed

    def smaller(self, node: NodeRecord, demand: dict[str, int], devices: dict[str, int]) -> int:
        ((resource, count),) = devices.items()
        return max(
            (n for n in range(1, count) if self.places(node, demand | {resource: n})), default=0
        )

    def lacking(
        self,
        usable: list[NodeRecord],
        demand: dict[str, int],
        devices: dict[str, int],
        counted: FlavorState | None,
    ) -> tuple[Lack, ...]:
        if not usable:
            return ("node",)
        near: list[set[Lack]] = []
        for node in usable:
            lacks: set[Lack] = set()
            for name, amount in (demand | devices).items():
                held = self.held(node, name)
                if held is None:
                    lacks.add("unknown")
                elif held + amount > node.allocatable.get(name, 0):
                    lacks.add(WORDS.get(name, "accelerator"))
            if "accelerator" not in lacks:
                near.append(lacks)
        if not near:
            enough = counted is not None and counted.free >= sum(devices.values())
            return ("block",) if enough else ("accelerator",)
        fewest = min(map(len, near))
        told = set().union(*(lacks for lacks in near if len(lacks) == fewest))
        return tuple(word for word in ORDER if word in told)
