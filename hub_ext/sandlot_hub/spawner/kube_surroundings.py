"""What the watchdog sees through KubeSpawner's watches, and does for one start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sandlot_hub.domain.pod_documents import OthersWaiting, text
from sandlot_hub.domain.pod_names import SPAWN_ID
from sandlot_hub.domain.pod_queue import others_waiting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandlot_hub.domain.cluster_ports import ClusterObjects
    from sandlot_hub.domain.pod_documents import Document
    from sandlot_hub.domain.start_outcomes import Waiting

    from .progress import StartStory, Step


class PodWatch(Protocol):
    """KubeSpawner's reflector of pods."""

    @property
    def pods(self) -> Mapping[str, dict[str, Any]]:
        """The pods, by ``namespace/name``."""
        ...


class EventWatch(Protocol):
    """KubeSpawner's reflector of events."""

    @property
    def events(self) -> Sequence[dict[str, Any]]:
        """The events, the oldest first."""
        ...


class Watches(Protocol):
    """KubeSpawner's watches, which begin during a start."""

    @property
    def pod_reflector(self) -> PodWatch | None:
        """The pods of servers; None before it began."""
        ...

    @property
    def event_reflector(self) -> EventWatch | None:
        """Their events; None before it began, or when an administrator wants none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedStart:
    """Implements `kube_watchdog.Surroundings`."""

    objects: ClusterObjects
    spawn_id: str
    key: str
    """``namespace/name`` of the pod."""
    home: Document | None
    """The claim of the home as it is made; None without one."""
    story: StartStory
    """Is told what people read."""
    watches: Watches
    """Where pods and events are seen."""

    def pod(self) -> Document | None:
        """Return the pod of this start as it was seen last; never that of an earlier one."""
        watch = self.watches.pod_reflector
        found = None if watch is None else watch.pods.get(self.key)
        return found if is_of(found, self.spawn_id) else None

    def events(self) -> Sequence[Document]:
        """Return the events that were seen."""
        watch = self.watches.event_reflector
        return () if watch is None else watch.events

    def others(self) -> OthersWaiting:
        """Return who else waits for the same accelerators."""
        watch = self.watches.pod_reflector
        pods = () if watch is None else watch.pods.values()
        return others_waiting(self.pod(), pods, waited_s=self.story.seconds)

    async def claim(self) -> Document | None:
        """Return the claim of the home; None when there is none."""
        if self.home is None:
            return None
        return await self.objects.read_claim(text(self.home, "metadata", "name"))

    async def make_home_again(self) -> None:
        """Make the claim of the home, which is gone."""
        if self.home is not None:
            await self.objects.create_claim(self.home)

    def tell(self, waiting: Waiting) -> None:
        """Tell people that the start waits."""
        step: Step = "answer" if waiting.step == "answer" else "process"
        self.story.tell(step, waiting.sentence)


def is_of(pod: Document | None, spawn_id: str) -> bool:
    """Return whether a pod belongs to a start."""
    return pod is not None and text(pod, "metadata", "labels", SPAWN_ID) == spawn_id
