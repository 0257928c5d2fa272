"""What the cluster tells of a start, read from the documents of its API.

Documents come as the API server sends them. A field may be missing or null wherever the
API allows that, so everything here reads with a default instead of an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Document = Mapping[str, Any]
"""A part of a JSON document."""

SERVER_CONTAINER = "notebook"
"""The name that KubeSpawner gives to the container of the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSubject:
    """What is being started, in the words of people."""

    image: str
    """Display name of the image."""
    accelerator: str = ""
    """Display name of the accelerator flavor; empty without."""
    resource: str = ""
    """Its resource name."""
    home_claim: str = ""
    """Name of the claim of the home; empty without."""
    new_node_s: float | None = None
    """How long a new node usually takes, in seconds; None when nobody said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OthersWaiting:
    """Who else waits for the same kind of node."""

    count: int = 0
    oldest_s: float = 0.0
    """How long the one that came first has waited, in seconds."""


NOBODY = OthersWaiting()


@dataclass(frozen=True, slots=True, kw_only=True)
class StartView:
    """All that is known of a start at one moment."""

    subject: StartSubject
    pod: Document | None
    """None when it is not there (yet, or any more)."""
    events: Sequence[Document] = ()
    """Events of the namespace; those of other objects are passed over."""
    claims: Mapping[str, Document] = field(default_factory=dict)
    """The claims that the server mounts, by name, as far as they are known."""
    others: OthersWaiting = NOBODY
    answers: bool = True
    """Whether the server answers, once it is ready."""
    last_seen: Document | None = None
    """The pod as it was before it went away."""
    earlier_ends: bool = False
    """Whether a pod of an earlier start has the name, and is to end."""


_MAPPINGS = (dict, Mapping)
"""What is nearly always there first: to ask an abstract class takes five times as long."""


def part(document: Document, *path: str) -> Document:
    """Return a mapping inside of a document; an empty one when it is not there."""
    current: Any = document
    for key in path:
        current = current.get(key) if isinstance(current, _MAPPINGS) else None
    return current if isinstance(current, _MAPPINGS) else {}


def text(document: Document, *path: str) -> str:
    """Return a text inside of a document; empty when it is not there."""
    found = part(document, *path[:-1]).get(path[-1])
    return found if isinstance(found, str) else ""


def number(document: Document, *path: str) -> int | None:
    """Return a whole number inside of a document; None when it is not there."""
    found = part(document, *path[:-1]).get(path[-1])
    return found if isinstance(found, int) else None


def items(document: Document, *path: str) -> tuple[Document, ...]:
    """Return a list of mappings inside of a document; empty when it is not there."""
    found = part(document, *path[:-1]).get(path[-1])
    listed = found if isinstance(found, list | tuple) else ()
    return tuple(each for each in listed if isinstance(each, Mapping))


def condition(pod: Document, kind: str) -> Document:
    """Return a condition of a pod; an empty one when it is not there."""
    found = (each for each in items(pod, "status", "conditions") if each.get("type") == kind)
    return next(found, {})


def containers(pod: Document) -> Iterator[Document]:
    """Yield the states of the containers, those that run before the server first."""
    yield from items(pod, "status", "initContainerStatuses")
    yield from items(pod, "status", "containerStatuses")


def pod_events(view: StartView) -> tuple[Document, ...]:
    """Return the events of the pod that is there now, the oldest first.

    An earlier pod of the same name had the same name in its events, but another uid.
    """
    uid = text(view.pod or {}, "metadata", "uid")
    own = (event for event in view.events if text(event, "involvedObject", "uid") == uid)
    return tuple(sorted(own, key=event_time)) if uid else ()


def event_time(event: Document) -> str:
    """Return when an event happened last, as text that sorts by time."""
    times = (
        text(event, "series", "lastObservedTime"),
        text(event, "lastTimestamp"),
        text(event, "eventTime"),
        text(event, "metadata", "creationTimestamp"),
    )
    # Some have a fraction of a second and some have not: without the Z both sort as text.
    return next(filter(None, times), "").rstrip("Z")


def last_event(events: Sequence[Document], *reasons: str) -> Document | None:
    """Return the newest event with one of these reasons."""
    return next((each for each in reversed(events) if text(each, "reason") in reasons), None)
