"""What the watchdog sees through KubeSpawner's watches, and does for one start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sandlot_hub.domain.pods.documents import OthersWaiting, text
from sandlot_hub.domain.pods.names import SPAWN_ID
from sandlot_hub.domain.pods.queue import flavor_of, others_waiting, with_others_elsewhere
from sandlot_hub.domain.pods.steps import steps_behind

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence

    from sandlot_hub.domain.pods.documents import Document
    from sandlot_hub.domain.pods.outcomes import Waiting
    from sandlot_hub.domain.pods.ports import ClusterObjects
    from sandlot_hub.domain.pods.queue import CountedQueue, Queue

    from .kube_steps import StartSteps
    from .progress import StartStory


class PodWatch(Protocol):
    """KubeSpawner's reflector of pods."""

    @property
    def pods(self) -> Mapping[str, dict[str, Any]]:
        """The pods, by ``namespace/name``."""
        ...


class Watches(Protocol):
    """KubeSpawner's watches, which begin during a start."""

    @property
    def pod_reflector(self) -> PodWatch | None:
        """The pods of servers; None before it began."""
        ...

    def last_seen_pod(self, key: str) -> Document | None:
        """Return a pod that is gone as it was seen last."""
        ...

    def events_of(self, uid: str) -> Sequence[Document]:
        """Return the events about a pod that were seen, or of all pods."""
        ...

    def queues(self) -> Mapping[str, Queue]:
        """Return who waits, by the flavor that they wait for."""
        ...

    def counted_queue(self, flavor: str) -> CountedQueue | None:
        """Return who waits for a flavor in the whole cluster; None when that is not known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedStart:
    """Implements `kube_watchdog.Surroundings`."""

    objects: ClusterObjects
    spawn_id: str
    key: str
    """``namespace/name`` of the pod."""
    home: Callable[[], Document | None]
    """Returns the claim of the home as it is made; None without one."""
    story: StartStory
    """Knows how long the start has lasted."""
    steps: StartSteps
    """Is told what people read."""
    answered: asyncio.Event
    """Whether the server has answered."""
    watches: Watches
    """Where pods and events are seen."""

    def pod(self) -> Document | None:
        """Return the pod of this start as it was seen last; never that of an earlier one."""
        found = self._named()
        return found if is_of(found, self.spawn_id) else None

    def earlier_ends(self) -> bool:
        """Return whether a pod of an earlier start has the name, and is to end."""
        found = self._named() or {}
        return not is_of(found, self.spawn_id) and bool(
            text(found, "metadata", "deletionTimestamp")
        )

    def _named(self) -> Document | None:
        watch = self.watches.pod_reflector
        return None if watch is None else watch.pods.get(self.key)

    def gone_pod(self) -> Document | None:
        """Return the pod of this start as it was before it went away."""
        found = self.watches.last_seen_pod(self.key)
        return found if is_of(found, self.spawn_id) else None

    async def is_there(self) -> bool:
        """Return whether the cluster itself has the pod of this start."""
        _, _, name = self.key.partition("/")
        return is_of(await self.objects.read_pod(name), self.spawn_id)

    def events(self) -> Sequence[Document]:
        """Return the events about the pod that were seen."""
        uid = text(self.pod() or {}, "metadata", "uid")
        return self.watches.events_of(uid) if uid else ()

    def others(self) -> OthersWaiting:
        """Return who else waits for the same accelerators."""
        pod, waited_s = self.pod(), self.story.seconds
        others = others_waiting(pod, self.watches.queues(), waited_s=waited_s)
        flavor = "" if pod is None else flavor_of(pod)
        if not flavor:
            return others
        return with_others_elsewhere(others, self.watches.counted_queue(flavor), waited_s=waited_s)

    def answers(self) -> bool:
        """Return whether the server has answered."""
        return self.answered.is_set()

    async def claim(self) -> Document | None:
        """Return the claim of the home; None when there is none."""
        home = self.home()
        if home is None:
            return None
        return await self.objects.read_claim(text(home, "metadata", "name"))

    async def make_home_again(self) -> None:
        """Make the claim of the home, which is gone."""
        home = self.home()
        if home is not None:
            await self.objects.create_claim(home)

    def show_steps(self, pod: Document | None) -> None:
        """Tell people which steps are behind."""
        self.steps.show(steps_behind(pod))

    def tell(self, waiting: Waiting) -> None:
        """Tell people that the start waits."""
        self.steps.wait(waiting.sentence)


def is_of(pod: Document | None, spawn_id: str) -> bool:
    """Return whether a pod belongs to a start."""
    return pod is not None and text(pod, "metadata", "labels", SPAWN_ID) == spawn_id
