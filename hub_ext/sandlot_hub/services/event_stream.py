"""Answers that go on: server-sent events, for as long as a ticket is good.

Every stream waits in its own handler and writes what is the newest then. So a reader that is
slow never has more than one event waiting for it, and one that does not read at all is cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from abc import abstractmethod
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError
from typing_extensions import override

from .errors import ProblemError, build_problem
from .handlers import ServiceHandler

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandlot_hub.adapters.page_ticket import PageTicket

    from .drain import Ending

RETRY_AFTER = 30
"""Seconds to wait when there are too many streams."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """How many streams there may be, and how long things may take."""

    per_user: int = 20
    total: int = 2000
    """Of all people together. The hub's own is not one of them: without it every page it renders
    would say that nothing is known."""
    alive_s: float = 5.0
    """Seconds after which a stream says that nothing has changed."""
    send_s: float = 10.0
    """Seconds that a reader has to take one event."""


class OpenStream:
    """One stream that somebody reads."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        """Set when there may be something to say."""
        self.gone = False
        """Whether nobody reads it any more."""

    def leave(self) -> None:
        """Note that its reader has gone away."""
        self.gone = True
        self.woken.set()


class OpenStreams:
    """The streams that are read now.

    Parameters
    ----------
    limits
        How many there may be.
    ending
        Tells when the service ends, which ends all of them.
    """

    def __init__(self, *, limits: StreamLimits, ending: Ending) -> None:
        self.limits = limits
        self.ending = ending
        self._streams: set[OpenStream] = set()
        self._users: Counter[tuple[str, str]] = Counter()
        ending.listen(self.wake)

    def __len__(self) -> int:
        return len(self._streams)

    def wake(self) -> None:
        """Have all of them look whether there is something to say."""
        for stream in self._streams:
            stream.woken.set()

    @contextlib.contextmanager
    def opened(self, ticket: PageTicket) -> Iterator[OpenStream]:
        """Count one more while the context lasts.

        Raises
        ------
        ProblemError
            429 when that is one too many.
        """
        who = (ticket.kind, ticket.user)
        is_full = ticket.kind == "page" and len(self) >= self.limits.total
        if is_full or self._users[who] >= self.limits.per_user:
            raise self._too_many()
        stream = OpenStream()
        self._streams.add(stream)
        self._users[who] += 1
        try:
            yield stream
        finally:
            self._streams.discard(stream)
            self._users -= Counter({who: 1})

    def _too_many(self) -> ProblemError:
        problem = build_problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too-many-streams",
            f"Too many pages follow what is available: {self.limits.per_user} of one person "
            "at most. Next: close those that you do not need.",
        )
        return ProblemError(problem, headers={"Retry-After": str(RETRY_AFTER)})


class EventStreamHandler(ServiceHandler):
    """A route whose answer goes on. Subclasses say what there is to tell.

    Attributes
    ----------
    streams
        All streams of the service.
    """

    streams: OpenStreams
    _stream: OpenStream | None = None

    @abstractmethod
    async def begin(self) -> None:
        """Prepare what `news` needs; called once."""

    @abstractmethod
    def news(self) -> Iterable[bytes]:
        """Return the events that tell what has changed since the last call, at first all."""

    @abstractmethod
    def alive(self) -> bytes:
        """Return the event that tells that nothing has changed."""

    def end(self) -> None:
        """Let go of what `begin` took; called once after it."""

    def reader(self) -> PageTicket:
        """Return who reads, and until when without being checked anew."""
        if self.ticket is None:
            message = f"{self.template} needs a ticket"
            raise RuntimeError(message)
        return self.ticket

    @override
    async def get(self) -> None:
        """Send events until the reader goes away, the ticket expires or the service ends."""
        ticket = self.reader()
        with self.streams.opened(ticket) as self._stream:
            self._set_stream_headers()
            await self.begin()
            try:
                reason = await self._tell(self._stream, self.context.tickets.seconds_left(ticket))
                if reason:
                    await self._send(build_event("bye", json.dumps({"reason": reason}).encode()))
            except StreamClosedError:
                return
            finally:
                self.end()

    @override
    async def head(self, *_args: str, **_kwargs: str) -> None:
        """Answer without a body, which would not end."""
        self._set_stream_headers()

    @override
    def on_connection_close(self) -> None:
        """End the stream at once when its reader goes away."""
        if self._stream is not None:
            self._stream.leave()

    def _set_stream_headers(self) -> None:
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        # nginx would otherwise collect events before it passes them on.
        self.set_header("X-Accel-Buffering", "no")

    async def _tell(self, stream: OpenStream, seconds: float) -> str:
        """Send events for up to `seconds`; return why it ends, nothing when nobody reads."""
        monotonic = self.context.clock.monotonic
        expires = monotonic() + seconds
        quiet = monotonic()
        while not stream.gone:
            # Before looking: what comes while an event is sent sets it again.
            stream.woken.clear()
            now = monotonic()
            if self.streams.ending.begun:
                return "restarting"
            if now >= expires:
                return "ticket-expired"
            events = list(self.news())
            if not events and now >= quiet:
                events = [self.alive()]
            for event in events:
                await self._send(event)
                quiet = monotonic() + self.streams.limits.alive_s
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(quiet, expires) - monotonic()):
                    await stream.woken.wait()
        return ""

    async def _send(self, event: bytes) -> None:
        self.write(event)
        try:
            async with asyncio.timeout(self.streams.limits.send_s):
                await self.flush()
        except TimeoutError as error:
            # Whoever does not read must not hold memory here for ever.
            connection = self.request.connection
            if isinstance(connection, HTTP1Connection):
                connection.close()
            raise StreamClosedError(error) from error


def build_event(name: str, data: bytes) -> bytes:
    """Return one server-sent event; `data` must be one line, such as JSON."""
    return b"event: " + name.encode("ascii") + b"\ndata: " + data + b"\n\n"
