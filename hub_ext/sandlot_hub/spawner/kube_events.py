"""KubeSpawner's watch of events, by the pods that they are about.

A cluster keeps its events for an hour. Looking through those of everybody twice a second, for
every start that waits, would leave the hub no time for anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubespawner.spawner import EventReflector
from traitlets import validate
from typing_extensions import override

from sandlot_hub.domain.pods.documents import text

from .kube_resuming import ResumingWatch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandlot_hub.domain.pods.documents import Document


class _Events(dict[str, "Document"]):
    """Events by ``namespace/name``, and the same by the uid of what they are about."""

    def __init__(self, events: Mapping[str, Document]) -> None:
        super().__init__()
        self.by_uid: dict[str, dict[str, Document]] = {}
        for key, event in events.items():
            self[key] = event

    @override
    def __setitem__(self, key: str, event: Document) -> None:
        self.by_uid.setdefault(_uid(event), {})[key] = event
        super().__setitem__(key, event)

    @override
    def pop(self, key: str, *default: Any) -> Any:
        if key in self:
            uid = _uid(self[key])
            del self.by_uid[uid][key]
            if not self.by_uid[uid]:
                del self.by_uid[uid]
        return super().pop(key, *default)


class EventsOfPods(ResumingWatch, EventReflector):
    """The events of servers."""

    def of(self, uid: str) -> Sequence[Document]:
        """Return the events about one pod, in no order.

        Parameters
        ----------
        uid
            Of the pod: the next one of the same name has another.
        """
        # Before the first list there is no index: a watch that has ended is replaced during starts.
        index = getattr(self.resources, "by_uid", {})
        return tuple(index.get(uid, {}).values())

    @validate("resources")
    def _index(self, proposal: Mapping[str, Any]) -> _Events:
        return _Events(proposal["value"])


def _uid(event: Document) -> str:
    return text(event, "involvedObject", "uid")
