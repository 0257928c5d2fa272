"""Removes the pods that no server of this hub has.

A hub that is killed while it starts a server, a stop that the cluster refused, an order that
arrived late: each leaves a pod that holds its GPU, and nobody would ever stop it. The hub's
own list of servers decides, so this runs beside it for as long as the hub does. A pod says
which hub made it: hubs that share a namespace leave each other's alone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.exc import SQLAlchemyError

from sandlot_hub.domain.pods.documents import text
from sandlot_hub.domain.pods.names import HUB, SPAWN_ID
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError
from sandlot_hub.domain.pods.runs import is_over

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from sandlot_hub.domain.pods.documents import Document
    from sandlot_hub.domain.pods.ports import ClusterObjects

LOOK_S = 5.0
"""Seconds between two looks. What two looks in a row find unknown is removed."""


class HubServer(Protocol):
    """The part of the hub's spawners that is read here."""

    spawn_id: str

    @property
    def active(self) -> bool:
        """Whether the hub starts, has, or stops the server."""
        ...


class HubUser(Protocol):
    """The part of the hub's users that is read here."""

    @property
    def spawners(self) -> Mapping[str, HubServer]:
        """The user's servers, by name."""
        ...


def active_spawn_ids(users: Iterable[HubUser]) -> frozenset[str]:
    """Return the spawn ids of all servers that the hub starts, has, or stops.

    Parameters
    ----------
    users
        Those of the hub, with at least everybody who has such a server.
    """
    servers = (server for user in users for server in list(user.spawners.values()))
    return frozenset(server.spawn_id for server in servers if server.active)


@dataclass(slots=True, kw_only=True)
class Leftovers:
    """Looks after the pods of one namespace."""

    hub: str
    """Value of the label by which this hub's pods are known."""
    objects: ClusterObjects
    """The cluster."""
    pods: Callable[[], Iterable[Document]]
    """What a watch has of the namespace's pods at this moment."""
    known: Callable[[], AbstractSet[str]]
    """The spawn ids of the servers that the hub has at this moment."""
    keeps_ended: bool = False
    """Whether an administrator wants to look at what has ended by itself."""
    grace_s: int
    """How long a server may take to end by itself, in seconds."""
    log: logging.Logger
    """Is told what was removed, and what could not be."""

    _suspects: frozenset[str] = frozenset()
    _task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look from now on, in the background."""
        self._task = asyncio.create_task(self.look_after())

    async def look_after(
        self, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """Look again and again, for ever."""
        while True:
            await self.look()
            await sleep(LOOK_S)

    async def look(self) -> None:
        """Remove what was unknown at the last look already, and take note of what is now."""
        try:
            unknown = {text(pod, "metadata", "uid"): pod for pod in self._unknown()}
        except SQLAlchemyError as error:
            self.log.warning("No look for leftover pods, the database does not answer: %s", error)
            return
        # Twice, so that an order of this hub and its own list may cross by a moment.
        seen_before, self._suspects = self._suspects, frozenset(unknown)
        for uid in unknown.keys() & seen_before:
            await self._remove(text(unknown[uid], "metadata", "name"), uid)

    def _unknown(self) -> Iterator[Document]:
        known = self.known()
        for pod in self.pods():
            spawn_id = text(pod, "metadata", "labels", SPAWN_ID)
            if spawn_id and spawn_id not in known and self._is_ours(pod):
                yield pod

    def _is_ours(self, pod: Document) -> bool:
        if text(pod, "metadata", "deletionTimestamp") or (self.keeps_ended and is_over(pod)):
            return False
        return text(pod, "metadata", "labels", HUB) == self.hub

    async def _remove(self, name: str, uid: str) -> None:
        try:
            await self.objects.delete_pod(name, uid=uid, grace_s=self.grace_s)
        except (ClusterRefusedError, ClusterUnreachableError) as error:
            self.log.warning("The pod %s is left over, and stays: %s", name, error)
        else:
            self.log.warning("Removed the pod %s: no server of this hub has it", name)
