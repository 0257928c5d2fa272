"""What is free in a cluster: every node and pod counted, from one change to the next.

A change costs the same however large the cluster is: it goes into the sums of one node, and that
node's part of the whole is made anew when somebody asks for the whole.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from sandlot_contracts.capacity import CapacityState, FlavorState

from .device_book import DeviceBook
from .holders import Holders
from .node_groups import may_add
from .node_growth import NodeGrowth
from .node_tally import NodeTally, node_shares
from .plan import capacity_plan
from .size_demand import HubPlacement
from .sums import Sums
from .waiting_line import WaitingLines

if TYPE_CHECKING:
    from collections.abc import Collection

    from sandlot_contracts.capacity import SizeState
    from sandlot_hub.domain.settings.model import SandlotSettings

    from .cluster_records import NodeRecord, PodRecord
    from .node_groups import NodeGroup
    from .plan import FlavorPlan, SizePlan

_NO_OPTIONS = HubPlacement()


class Inventory:
    """Counts a cluster.

    Changes may come in any order and more than once: a pod before its node, a node that goes
    before its pods, a key that another pod has meanwhile. What it says depends only on what
    was last put under each name, except for what it has learnt about added nodes.

    Parameters
    ----------
    settings
        What is offered.
    hub
        What options of KubeSpawner ask for every server, beside the settings.
    left_out
        Slugs of sizes of which it cannot be said what fits; see `capacity_plan`.
    """

    def __init__(
        self,
        *,
        settings: SandlotSettings,
        hub: HubPlacement = _NO_OPTIONS,
        left_out: Collection[str] = (),
    ) -> None:
        self._plan = capacity_plan(settings, hub=hub, left_out=left_out)
        self._sums = Sums(flavors=len(self._plan.flavors), sizes=len(self._plan.sizes))
        self._lines = WaitingLines(self._plan.flavors)
        self._holders = Holders(self._plan.flavors)
        self._growth = {
            each.slug: NodeGrowth(each.grows_to, each.largest_added) for each in self._plan.flavors
        }
        self._tallies: dict[str, NodeTally] = {}
        self._pods: dict[str, PodRecord] = {}
        self._changed: set[str] = set()
        self._devices = DeviceBook(self._plan.devices, self._count_devices)

    @property
    def label_keys(self) -> frozenset[str]:
        """Keys of the labels of nodes that are looked at; no other changes what is free."""
        return self._plan.label_keys

    @property
    def devices(self) -> DeviceBook | None:
        """Where devices are counted that are claimed; None when no flavor has such.

        Until all of them were seen, flavors and sizes that need them are not known.
        """
        return self._devices if self._plan.devices else None

    @property
    def autoscaler_status(self) -> str | None:
        """Where an autoscaler tells of its node groups; None where no flavor has such."""
        return self._plan.autoscaler_status

    # --- nodes ------------------------------------------------------------------------------

    def put_node(self, node: NodeRecord) -> None:
        """Take a node as it is now."""
        tally = self._tally(node.name)
        if tally.record == node:
            return
        tally.become(node)
        self._changed.add(node.name)

    def drop_node(self, name: str) -> None:
        """Take a node that is gone; what its pods hold is nowhere until it comes back."""
        tally = self._tallies.get(name)
        if tally is not None and tally.record is not None:
            tally.become(None)
            self._changed.add(name)

    def node_names(self) -> list[str]:
        """Return the names of all nodes that are there."""
        return [name for name, tally in self._tallies.items() if tally.record is not None]

    # --- pods -------------------------------------------------------------------------------

    def put_pod(self, pod: PodRecord) -> None:
        """Take a pod as it is now. One that has ended is dropped instead."""
        earlier = self._pods.get(pod.key)
        if earlier == pod:
            return
        if earlier is not None:
            self._count(earlier, -1)
        self._pods[pod.key] = pod
        self._count(pod, 1)

    def drop_pod(self, key: str) -> None:
        """Take a pod that is gone or has ended, by ``namespace/name``."""
        pod = self._pods.pop(key, None)
        if pod is not None:
            self._count(pod, -1)

    def pod_keys(self) -> Collection[str]:
        """Return the keys of all pods that are there."""
        return self._pods.keys()

    def _count(self, pod: PodRecord, sign: int) -> None:
        where = pod.node or ("" if pod.deleting else pod.nominated)
        if where:
            tally = self._tally(where)
            tally.take(pod, self._plan, sign)
            self._changed.add(where)
        if not pod.node and not pod.deleting:
            (self._lines.join if sign > 0 else self._lines.leave)(pod)
        self._holders.take(pod, sign)

    def _count_devices(self, node: str, resource: str, *, there: int, held: int) -> None:
        self._tally(node).change_devices(resource, there=there, held=held)
        self._changed.add(node)

    def take_groups(self, groups: Collection[NodeGroup] | None) -> None:
        """Take what an autoscaler says of its node groups; None when that is not known."""
        for flavor in self._plan.flavors:
            told = None if groups is None else may_add(groups, flavor.node_groups)
            self._growth[flavor.slug].told = told

    # --- the whole --------------------------------------------------------------------------

    def state(self, now: float, *, devices: bool = True) -> CapacityState:
        """Return what there is, is used and is free.

        Parameters
        ----------
        now
            Seconds since 1970. Nobody waits since later than that, whatever the clock of the
            cluster says.
        devices
            Whether what was last heard of devices that are claimed still holds; else flavors
            and sizes that need them are left out, as before all of them were seen.
        """
        self.settle()
        claimed = () if devices and self._devices.is_known else self._plan.claimed
        flavors = {
            flavor.slug: self._flavor_state(number, flavor, now)
            for number, flavor in enumerate(self._plan.flavors)
            if flavor.resource not in claimed
        }
        return CapacityState(
            scope="cluster",
            flavors=flavors,
            sizes={
                size.slug: self._size_state(number, size, flavors.get(size.demand.flavor))
                for number, size in enumerate(self._plan.sizes)
                if size.demand.resource not in claimed
            },
            unknown_flavor=dict(sorted(self._sums.unclaimed.items())),
        )

    def holders(self) -> dict[str, dict[str, int]]:
        """Return who of Sandlot's users holds how many accelerators: by flavor, then by user."""
        return self._holders.found()

    def settle(self, most: int | None = None) -> bool:
        """Bring the whole up to date with what changed, and return whether it is.

        `state` does that itself. Who must not work long at a stretch calls this before.

        Parameters
        ----------
        most
            How many nodes to look at in this go; all when None.
        """
        names = list(islice(self._changed, most))
        for name in names:
            tally = self._tallies[name]
            self._sums.add(tally.shares, -1)
            tally.shares = node_shares(tally, self._plan)
            self._sums.add(tally.shares, 1)
            self._learn(tally)
            if tally.is_empty:
                del self._tallies[name]
        self._changed.difference_update(names)
        return not self._changed

    def _learn(self, tally: NodeTally) -> None:
        if tally.record is not None:
            for share in tally.shares.flavors:
                flavor = self._plan.flavors[share.flavor]
                asked = tally.earliest.get(flavor.resource)
                self._growth[flavor.slug].note(tally.record, asked)

    def _flavor_state(self, number: int, flavor: FlavorPlan, now: float) -> FlavorState:
        sums, line = self._sums.flavors[number], self._lines.of(flavor)
        oldest = line.oldest()
        growth, usual = self._growth[flavor.slug], flavor.new_node_s
        return FlavorState(
            total=sums.total,
            down=sums.down,
            used=sums.used,
            free=sums.free,
            largest_block=sums.largest_block,
            waiting=len(line),
            oldest_waiting=None if oldest is None else _written(min(oldest, now)),
            may_grow=growth.more(total=sums.total),
            growth_takes_s=growth.usual() if usual is None else usual,
        )

    def _size_state(self, number: int, size: SizePlan, flavor: FlavorState | None) -> SizeState:
        grows = self._plan.nodes_added
        if flavor is not None:
            held = self._growth[size.demand.flavor].holds(size.demand.count, total=flavor.total)
            grows = flavor.growth_takes_s is not None if held is None else held
        return self._sums.sizes[number].state(
            size, free=0 if flavor is None else flavor.free, grows=grows
        )

    def _tally(self, name: str) -> NodeTally:
        return self._tallies.get(name) or self._tallies.setdefault(name, NodeTally())


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
