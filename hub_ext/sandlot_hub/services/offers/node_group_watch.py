"""Asks now and then what an autoscaler says of its node groups.

Only where the settings name such groups. It is written anew every ten seconds, whether something has
changed or not, so that a watch would bring more than questions do; nobody waits for the answer.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from sandlot_hub.adapters.autoscaler_status import read_node_groups
from sandlot_hub.adapters.cluster_access import ClusterAccessError
from sandlot_hub.adapters.cluster_informer_wire import PageTooLargeError
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sandlot_hub.adapters.cluster_informer import InformerMeans
    from sandlot_hub.domain.capacity.node_groups import NodeGroup

logger = logging.getLogger(__name__)

EVERY_S = 30.0
"""Between two questions. A node takes minutes."""


class NodeGroupWatch:
    """Takes what is said to where it counts.

    Whatever is wrong with it leaves the rest alone: people are then not told by it what may be added.

    Parameters
    ----------
    config_map
        Where it is said: namespace and name; None where it does not matter.
    take
        Takes the groups; None when nothing is known of them.
    means
        The same as of informers.
    changed
        Called when what is known is something else.
    """

    def __init__(
        self,
        *,
        config_map: str | None,
        take: Callable[[Collection[NodeGroup] | None], None],
        means: InformerMeans,
        changed: Callable[[], None],
    ) -> None:
        self._config_map = config_map
        self._take = take
        self._means = means
        self._changed = changed
        self._known: tuple[NodeGroup, ...] | None = None
        self._warned = False

    async def run(self) -> None:
        """Ask for ever; at once done where it does not matter."""
        if self._config_map is None:
            return
        namespace, _, name = self._config_map.partition("/")
        path = f"/api/v1/namespaces/{namespace}/configmaps/{name}"
        while True:
            self._learn(await self._look(path))
            await self._means.sleep(EVERY_S * (1 + self._means.jitter() / 2))

    async def _look(self, path: str) -> tuple[NodeGroup, ...] | None:
        try:
            body = await self._means.reader.page(path, {}, begun=_nothing)
        except (
            ClusterAccessError,
            ClusterRefusedError,
            ClusterUnreachableError,
            PageTooLargeError,
        ) as error:
            self._warn(f"{type(error).__name__}: {error}")
            return None
        # A hundred groups take a fifth of a second to read.
        groups = await asyncio.to_thread(read_node_groups, body, now=self._means.clock.now())
        if groups is None:
            self._warn("it is old, or not written as the cluster autoscaler does")
        else:
            self._warned = False
        return groups

    def _learn(self, groups: tuple[NodeGroup, ...] | None) -> None:
        if groups != self._known:
            self._known = groups
            self._take(groups)
            self._changed()

    def _warn(self, reason: str) -> None:
        if not self._warned:
            self._warned = True
            logger.warning("%s says nothing of node groups: %.200s", self._config_map, reason)


def _nothing(head: bytes) -> None:
    """Need nothing of an answer before it is complete."""
