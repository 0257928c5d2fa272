"""Keeps up with what is free in a cluster: from its nodes and pods, as they change."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from typing_extensions import override

from sandlot_contracts.capacity import CapacityState
from sandlot_hub.adapters.cluster_access import ClusterAccessError
from sandlot_hub.adapters.cluster_informer import Informer
from sandlot_hub.adapters.cluster_informer_projection import NodeKind, PodKind
from sandlot_hub.adapters.cluster_informer_types import Reader, Sink
from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError
from sandlot_hub.services.logs import FIELDS

from .availability import Snapshot
from .device_watch import DeviceWatch
from .node_group_watch import NodeGroupWatch
from .told import ToldSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandlot_hub.adapters.cluster_informer import InformerMeans
    from sandlot_hub.adapters.service_config import ClusterPlace
    from sandlot_hub.domain.capacity.cluster_records import NodeRecord, PodRecord
    from sandlot_hub.domain.capacity.flavor_availability import Holders
    from sandlot_hub.domain.capacity.inventory import Inventory

logger = logging.getLogger(__name__)

_NEEDED = tuple((verb, kind) for kind in ("nodes", "pods") for verb in ("list", "watch"))
_NOT_SHOWN = CapacityState(scope="namespace", flavors={}, sizes={})
_SETTLED = 100
"""Nodes that are counted before others have their turn: some milliseconds."""


class ClusterReader(Reader, Protocol):
    """The part of `adapters.cluster_informer_wire.ClusterReader` that this needs."""

    async def may(self, verb: str, resource: str, *, group: str = "") -> bool:
        """Return whether the account may do something with all objects of a kind."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPace:
    """How often there is news, and how often it is asked what may be looked at; in seconds."""

    between: float = 0.25
    """Between two snapshots: whatever happens in between is told at once."""
    first: float = 10.0
    """How long the first list may take until people are told that nothing is known yet."""
    denied: float = 180.0
    """Until it is asked again whether the account may look: somebody may have given it the role."""
    first_pause: float = 1.0
    """After the first question without an answer; twice as long after each further one."""
    longest_pause: float = 10.0


class ClusterWatch(ToldSource):
    """Facilities of a cluster.

    Parameters
    ----------
    reader
        Asks the API server; closed at the end.
    inventory
        Counts.
    place
        The cluster. Where it names no credentials it is no error that there are none, and what is
        free is just not shown.
    means
        What informers work with.
    pace
        How often there is news.
    """

    def __init__(
        self,
        *,
        reader: ClusterReader,
        inventory: Inventory,
        place: ClusterPlace,
        means: InformerMeans,
        pace: WatchPace | None = None,
    ) -> None:
        super().__init__(clock=means.clock)
        self._reader = reader
        self._inventory = inventory
        self._place = place
        self._means = means
        self._pace = pace or WatchPace()
        self._news = asyncio.Event()
        self._informers: Sequence[Informer[NodeRecord] | Informer[PodRecord]] = ()
        self._devices = DeviceWatch(
            book=inventory.devices,
            rights=reader,
            means=means,
            changed=self._news.set,
            again_s=self._pace.denied,
        )
        self._groups = NodeGroupWatch(
            config_map=inventory.autoscaler_status,
            take=inventory.take_groups,
            means=means,
            changed=self._news.set,
        )
        self._shown = True
        """Whether the account may look, as far as is known."""
        self._given_up = False
        """Whether the API server does not even say whether it may."""

    @property
    def informers(self) -> Sequence[Informer[Any]]:
        """Those at work."""
        return (*self._informers, *self._devices.informers)

    @property
    @override
    def latest(self) -> Snapshot:
        """What is known now. Asks nobody."""
        if not self._latest.known:
            return self._latest
        if not self._shown:
            return replace(self._latest, as_of=self._clock.now(), taken=self._clock.monotonic())
        return self._as_heard(self._latest)

    async def run(self) -> None:
        """Keep up for ever."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tell())
                group.create_task(self._look())
        finally:
            await self._reader.close()

    # --- what is asked ----------------------------------------------------------------------

    async def _look(self) -> None:
        """Look at the cluster while the account may, and ask now and then while it may not."""
        unanswered = 0
        while True:
            try:
                self._shown = await self._may_look()
            except (ClusterAccessError, ClusterRefusedError, ClusterUnreachableError) as error:
                unanswered += 1
                if unanswered == 1:
                    reason = f"{type(error).__name__}: {error}"
                    logger.warning("the cluster is not known", extra={FIELDS: {"reason": reason}})
                self._given_up = True
                self._news.set()
                await asyncio.sleep(self._unanswered_pause(unanswered))
                continue
            unanswered, self._given_up = 0, False
            if self._shown:
                await self._watch_both()
                # Only somebody who takes the role away ends that: no reason to hurry.
                await asyncio.sleep(self._pace.longest_pause)
            else:
                logger.info("the account of this service may not look at nodes and pods")
                self._news.set()
                await asyncio.sleep(self._pace.denied * (1 + self._means.jitter() / 2))

    async def _may_look(self) -> bool:
        try:
            may = await asyncio.gather(*(self._reader.may(*each) for each in _NEEDED))
        except ClusterAccessError:
            if self._place.credentials is None:
                return False
            raise
        return all(may)

    def _unanswered_pause(self, unanswered: int) -> float:
        doubled = self._pace.first_pause * 2.0 ** min(unanswered - 1, 20)
        return min(doubled, self._pace.longest_pause) * (1 + self._means.jitter() / 2)

    async def _watch_both(self) -> None:
        """Keep up with nodes and pods until the account may not any more."""
        labels, inventory = self._inventory.label_keys, self._inventory
        nodes = Informer(
            kind=NodeKind(labels=labels),
            sink=Sink(put=inventory.put_node, drop=inventory.drop_node, known=inventory.node_names),
            means=self._means,
            changed=self._news.set,
        )
        pods = Informer(
            kind=PodKind(trusted=self._place.namespace, labels=labels),
            sink=Sink(put=inventory.put_pod, drop=inventory.drop_pod, known=inventory.pod_keys),
            means=self._means,
            changed=self._news.set,
        )
        self._informers = (nodes, pods)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(nodes.run())
                group.create_task(pods.run())
                group.create_task(self._devices.run())
                group.create_task(self._groups.run())
        except* ClusterRefusedError:
            logger.warning("the account of this service may not look at the cluster any more")
        finally:
            # Else nobody could say any more when they heard of it last.
            self._latest = self.latest
            self._informers = ()
            self._news.set()

    # --- what is told -----------------------------------------------------------------------

    async def _tell(self) -> None:
        """Make a snapshot of what has changed, not too often."""
        deadline = self._clock.monotonic() + self._pace.first
        while True:
            await self._news_until(deadline)
            self._news.clear()
            await self._settle()
            late = self._clock.monotonic() >= deadline
            if self._first.is_set() or late or self._can_say():
                self._publish()
                deadline = self._next_doubt()
                await asyncio.sleep(self._pace.between)

    async def _news_until(self, deadline: float) -> None:
        """Wait for news, and no longer than what is known can be trusted."""
        left = deadline - self._clock.monotonic()
        try:
            async with asyncio.timeout(max(0.0, left) if self._waits_for(deadline) else None):
                await self._news.wait()
        except TimeoutError:
            pass

    def _waits_for(self, deadline: float) -> bool:
        return deadline > float("-inf") and (self._latest.known or not self._first.is_set())

    async def _settle(self) -> None:
        """Count what has changed, a part at a time: after a list that is every node."""
        settled = False
        while not settled:
            settled = self._inventory.settle(most=_SETTLED)
            await asyncio.sleep(0)

    def _can_say(self) -> bool:
        """Whether there is a first answer, were it that nothing is known."""
        failed = any(each.counts.failures for each in self._informers)
        return not self._shown or self._given_up or failed or self._is_trusted()

    def _is_counting(self) -> bool:
        """Whether the first lists are still being read, and nothing has failed."""
        lists = [each for each in self._informers if each.heard is None]
        failed = any(each.counts.failures for each in self._informers)
        return bool(lists) and not (failed or self._given_up)

    def _is_trusted(self) -> bool:
        return self._trusted_until() > self._clock.monotonic()

    def _trusted_until(self) -> float:
        untrusted = float("-inf")
        return min((each.trusted_until for each in self._informers), default=untrusted)

    def _next_doubt(self) -> float:
        """Return when something stops to count as known: monotonic seconds."""
        devices = self._devices.trusted_until
        trusted = self._trusted_until()
        return min(trusted, devices) if devices > self._clock.monotonic() else trusted

    def _publish(self) -> None:
        capacity, holders = self._found()
        before = self._latest
        if capacity is None:
            if before.known or not self._first.is_set():
                logger.warning("what is free is not known")
                # Since when: nobody knows of anything later than what was heard last.
                before = self._as_heard(before).forgotten() if before.known else before
                self._say(replace(before, counting=self._is_counting()))
            elif before.counting is not self._is_counting():
                self._say(replace(before, version=before.version + 1, counting=not before.counting))
            return
        facilities = Facilities(mode=Mode.KUBERNETES, capacity=capacity)
        if before.facilities == facilities and before.holders == holders:
            return
        if not before.known and self._first.is_set():
            logger.info("what is free is known again")
        self._say(
            Snapshot(
                version=before.version + 1,
                as_of=self._clock.now(),
                taken=self._clock.monotonic(),
                facilities=facilities,
                holders=holders,
            )
        )

    def _found(self) -> tuple[CapacityState | None, Holders]:
        """Return what is free, and who has it; None when that is not known."""
        if not self._shown:
            return _NOT_SHOWN, {}
        if not self._is_trusted():
            return None, {}
        devices = self._devices.trusted_until > self._clock.monotonic()
        state = self._inventory.state(self._clock.now().timestamp(), devices=devices)
        images = self._place.uncounted_images
        return state.model_copy(update={"uncounted_images": images}), self._inventory.holders()

    def _as_heard(self, snapshot: Snapshot) -> Snapshot:
        """Return the same, true at the moment when something was heard of both kinds last."""
        heard = [each.heard for each in self._informers if each.heard is not None]
        if not heard or len(heard) != len(self._informers):
            return snapshot
        first = min(heard, key=lambda each: each.monotonic)
        return replace(snapshot, as_of=first.at, taken=first.monotonic)
