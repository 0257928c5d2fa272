"""What an informer is made of, and how often it asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from contextlib import AbstractAsyncContextManager

Record = TypeVar("Record")


class Page(NamedTuple, Generic[Record]):
    """A part of a list."""

    version: str
    """Of the whole list."""
    go_on: str
    """Where the next part begins; empty with the last one."""
    records: Iterable[Record]


class Change(NamedTuple, Generic[Record]):
    """What a watch tells."""

    version: str
    key: str = ""
    """Of the object; empty when only the version is told."""
    record: Record | None = None
    """What is known of it now; None when it is gone."""


class Kind(Protocol[Record]):
    """Reads what the API server says of one kind of object.

    Both methods raise `ClusterUnreachableError` for what is no such answer, and `change` raises
    `ClusterRefusedError` for an event that reports an error.
    """

    @property
    def resource(self) -> str:
        """Its name, such as ``nodes``."""
        ...

    @property
    def path(self) -> str:
        """Where the API has all of them."""
        ...

    def page(self, body: bytes) -> Page[Record]:
        """Read a page of a list."""
        ...

    def change(self, line: bytes) -> Change[Record]:
        """Read an event of a watch."""
        ...

    def key(self, record: Record) -> str:
        """Return the key of an object."""
        ...


class Reader(Protocol):
    """The part of `ClusterReader` that this needs."""

    async def page(
        self, path: str, query: Mapping[str, str], *, begun: Callable[[bytes], None]
    ) -> bytes:
        """Return a page of a list; hand over its first bytes as soon as they are here."""
        ...

    def watch(
        self, path: str, query: Mapping[str, str], *, silence_s: float
    ) -> AbstractAsyncContextManager[AsyncIterator[list[bytes]]]:
        """Open a watch; give its events as they come."""
        ...


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink(Generic[Record]):
    """Where what is known goes."""

    put: Callable[[Record], None]
    """This one is new, or another."""
    drop: Callable[[str], None]
    """The one of this key is gone; nobody may have heard of it."""
    known: Callable[[], Iterable[str]]
    """Returns the keys of all that are known."""
    listed: Callable[[], None] = _nothing
    """Those that are known now are all there are, as a list says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InformerPace:
    """How often the API server is asked, and how long it may be silent; in seconds."""

    watch: int = 10
    """How long a watch lasts. A cluster in which nothing happens is heard of so often."""
    grace: float = 3.0
    """How much longer it may take to end."""
    proof: int = 1
    """How long one lasts after another fell silent, to show soon whether anything comes through."""
    between: float = 1.0
    """At least, between two requests that are not pages of one list."""
    longest_pause: float = 10.0
    """After many failures; by up to a half longer, so that not all clients come at once."""
    longest_wait: float = 120.0
    """The most that the API server can ask for by ``Retry-After``."""
    patience: float = 2.5
    """How long what is known counts as true when a watch has broken off."""
    relist: float = 1.0
    """At most, before the cluster is listed again: others may have to at the same moment."""
    restored: float = 600.0
    """After so long an older list is believed: the cluster was restored from a backup."""
    page: int = 500
    """Objects of a page."""

    @property
    def silence(self) -> float:
        """How long nothing may be heard."""
        return self.watch + self.grace
