"""Knows all objects of one kind in a cluster: lists them once, then hears of every change.

A watch asks to be ended after a few seconds, and goes on from where it was. That costs one small
request, and proves what no timer could: an API server, or something in between, that has fallen
silent does not end it, so that silence is told from quiet whatever the connection says. The
cluster is listed again only when it has forgotten what came next (410).
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError

from .cluster_access import ClusterAccessError
from .cluster_informer_pages import pages_of
from .cluster_informer_types import InformerPace
from .cluster_informer_wire import PageTooLargeError, SilentError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from sandlot_hub.domain.values.ports import Clock

    from .cluster_informer_types import Change, Kind, Reader, Sink

Record = TypeVar("Record")

logger = logging.getLogger(__name__)

FORBIDDEN = 403
_EXPIRED = 410
_BEHIND = "the answer is older than one before"
_SLICE = 100
"""Objects that are taken in before others have their turn: some milliseconds."""


class Heard(NamedTuple):
    """A moment, by both clocks."""

    at: datetime
    monotonic: float


@dataclass(slots=True)
class InformerCounts:
    """What has happened since the start."""

    events: int = 0
    lists: int = 0
    """Lists that were begun, the first one too."""
    watches: int = 0
    failures: int = 0


class StaleAnswerError(Exception):
    """What answers is behind what was heard before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InformerMeans:
    """What all informers of a process work with."""

    reader: Reader
    """Asks the API server."""
    clock: Clock
    """The time."""
    jitter: Callable[[], float]
    """Returns a number between 0 and 1, another one each time."""
    pace: InformerPace = field(default_factory=InformerPace)
    """How often and how long."""
    sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep
    """Waits for so many seconds."""


class Informer(Generic[Record]):
    """Keeps up with one kind of object.

    Parameters
    ----------
    kind
        Which.
    sink
        Where it goes.
    means
        What it works with.
    changed
        Called when what is known, or how far it can be trusted, may be something else.
    """

    def __init__(
        self,
        *,
        kind: Kind[Record],
        sink: Sink[Record],
        means: InformerMeans,
        changed: Callable[[], None],
    ) -> None:
        self.resource = kind.resource
        self.counts = InformerCounts()
        self.heard: Heard | None = None
        """When what is known was true last; None before the first list."""
        self._kind = kind
        self._sink = sink
        self._reader = means.reader
        self._clock = means.clock
        self._jitter = means.jitter
        self._pace = means.pace
        self._sleep = means.sleep
        self._changed = changed
        self._version = ""
        """Where a watch goes on; empty when the cluster must be listed."""
        self._seen = ""
        """The newest version that was heard of."""
        self._limit = self._pace.page
        self._asked = float("-inf")
        self._failures = 0
        """Since something was heard last."""
        self._broken_at: float | None = None
        """Since when there is no watch."""
        self._doubted = False
        """Whether the last watch fell silent: that an answer begins proves nothing then."""
        self._complained = False
        self._behind_since: float | None = None
        """Since when only answers come that are older than what is known."""

    @property
    def trusted_until(self) -> float:
        """Until when what is known counts as true, if nothing more is heard: monotonic seconds."""
        if self.heard is None:
            return float("-inf")
        silent = self.heard.monotonic + self._pace.silence
        if self._broken_at is None:
            return silent
        return min(silent, self._broken_at + self._pace.patience)

    async def run(self) -> None:
        """Keep up for ever.

        Raises
        ------
        ClusterRefusedError
            The account may not look (403). Everything else is tried again.
        """
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._watch()
            except ClusterRefusedError as error:
                if error.status == FORBIDDEN:
                    self._break()
                    raise
                pause = self._refused(error)
            except (
                ClusterAccessError,
                ClusterUnreachableError,
                PageTooLargeError,
                StaleAnswerError,
            ) as error:
                if isinstance(error, PageTooLargeError):
                    self._limit = max(1, self._limit // 4)
                pause = self._failed(f"{type(error).__name__}: {error}")
            else:
                pause = self._left_of(self._pace.between)
            await self._sleep(pause)

    async def _list(self) -> None:
        """Take everything that is there, and drop what is not there any more.

        Objects are taken as their pages come: waiting for the last one would need room for all of
        them twice, and much time at once. Until then nothing more than before counts as heard.
        """
        self.counts.lists += 1
        began = self._now()
        listed: set[str] = set()
        version = ""
        async with aclosing(pages_of(self._ask_page, self._kind.page)) as pages:
            async for page in pages:
                if not version:
                    self._check_list(page.version)
                version = page.version
                for number, record in enumerate(page.records):
                    self._sink.put(record)
                    listed.add(self._kind.key(record))
                    if number % _SLICE == _SLICE - 1:
                        await asyncio.sleep(0)
        gone = [key for key in self._sink.known() if key not in listed]
        for number, key in enumerate(gone):
            self._sink.drop(key)
            if number % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)
        self._sink.listed()
        self._version = self._seen = version
        # What the list says may have changed while it came; the watch tells what.
        self.heard = began
        self._changed()

    def _ask_page(self, go_on: str, begun: Callable[[bytes], None]) -> Awaitable[bytes]:
        self._asked = self._clock.monotonic()
        # Without a version the answer is the newest there is, whoever answers.
        query = {"limit": str(self._limit), **({"continue": go_on} if go_on else {})}
        return self._reader.page(self._kind.path, query, begun=begun)

    def _check_list(self, version: str) -> None:
        """Refuse a list from before what was heard: it would bring back what has ended.

        Raises
        ------
        StaleAnswerError
            It is older.
        """
        if _is_older(version, self._seen) and not self._is_restored():
            raise StaleAnswerError(_BEHIND)
        self._behind_since = None

    def _is_restored(self) -> bool:
        """Whether answers are older for so long that the cluster must be an older one now."""
        now = self._clock.monotonic()
        if self._behind_since is None:
            self._behind_since = now
        return now - self._behind_since >= self._pace.restored

    async def _watch(self) -> None:
        """Take in every change until the watch ends as asked."""
        self.counts.watches += 1
        self._asked = self._clock.monotonic()
        lasts = self._pace.proof if self._doubted else self._pace.watch
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(lasts),
        }
        path, silence_s = self._kind.path, lasts + self._pace.grace
        try:
            async with self._reader.watch(path, query, silence_s=silence_s) as batches:
                if not self._doubted:
                    self._trust()
                async for lines in batches:
                    await self._take(lines)
                    self._recover()
        except SilentError:
            # What begins to answer and lets nothing through would be believed for ever.
            self._doubted = True
            raise
        if self._doubted:
            self._trust()
        self._recover()

    async def _take(self, lines: list[bytes]) -> None:
        """Apply events that came together."""
        for number, line in enumerate(lines):
            self._apply(self._kind.change(line))
            if number % _SLICE == _SLICE - 1:
                self._changed()
                await asyncio.sleep(0)
        # A part of an event proves that somebody is there, too.
        self._trust()

    def _apply(self, change: Change[Record]) -> None:
        if _is_older(change.version, self._seen):
            # Another API server than before, which is behind: what it says next may be, too.
            if self._is_restored():
                self._version = ""
            raise StaleAnswerError(_BEHIND)
        self._behind_since = None
        if change.key:
            self.counts.events += 1
            if change.record is None:
                self._sink.drop(change.key)
            else:
                self._sink.put(change.record)
        if change.version:
            self._version = self._seen = change.version

    def _trust(self) -> None:
        """Know that there is a watch, which has told everything up to now."""
        self._doubted = False
        self._broken_at = None
        self.heard = self._now()
        self._changed()

    def _now(self) -> Heard:
        return Heard(self._clock.now(), self._clock.monotonic())

    def _break(self) -> None:
        if self._broken_at is None:
            self._broken_at = self._clock.monotonic()
        self._failures += 1
        self._changed()

    def _recover(self) -> None:
        """Hold nothing against the API server any more: it does what it was asked to do."""
        self._failures = 0
        if self._complained:
            self._complained = False
            logger.info("%s are watched again", self.resource)

    def _refused(self, error: ClusterRefusedError) -> float:
        """Return how long to wait after an error of the API server."""
        if error.status == _EXPIRED:
            return self._expired()
        pause = self._failed(str(error))
        details = error.document.get("details")
        after = details.get("retryAfterSeconds") if isinstance(details, dict) else None
        if isinstance(after, int | float) and after > 0:
            return max(pause, min(float(after), self._pace.longest_wait))
        return pause

    def _expired(self) -> float:
        """Forget where a watch would go on; return how long to wait before the list."""
        self._version = ""
        self._break()
        logger.info("%s are listed again: the cluster forgot what came next", self.resource)
        # One list is no outage; another one at once would be.
        least = self._pace.between if self._failures == 1 else self._doubled()
        return max(self._left_of(least), self._jitter() * self._pace.relist)

    def _failed(self, reason: str) -> float:
        """Return how long to wait after a failure."""
        self.counts.failures += 1
        self._break()
        if not self._complained:
            self._complained = True
            # Nobody outside wrote more of it than the name of an error.
            logger.warning("%s are not watched: %.200s", self.resource, reason)
        return self._left_of(self._doubled())

    def _doubled(self) -> float:
        doubled = self._pace.between * 2.0 ** min(self._failures - 1, 20)
        return min(doubled, self._pace.longest_pause) * (1 + self._jitter() / 2)

    def _left_of(self, least: float) -> float:
        """Return how long it is until so many seconds after the last request."""
        return max(0.0, self._asked + least - self._clock.monotonic())


def _is_older(version: str, than: str) -> bool:
    """Whether a version is certainly from before another; Kubernetes counts them up."""
    return version.isdecimal() and than.isdecimal() and (len(version), version) < (len(than), than)
