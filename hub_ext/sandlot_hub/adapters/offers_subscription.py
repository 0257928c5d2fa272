"""The hub's one subscription to the offers service: what can be started, without asking."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp
from pydantic import BaseModel, ValidationError

from sandlot_contracts.offers import TICKET_HEADER, Alive, AvailabilitySnapshot
from sandlot_hub.domain.values.names import printable

from .event_stream import EventDecoder, EventTooLongError
from .page_ticket import PageTicket, sign_ticket

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable

    from sandlot_hub.domain.values.ports import Clock

    from .event_stream import ServerEvent

EVENTS_S = 5.0
"""Seconds between two events of the service, when nothing changes."""
SILENCE_S = 3 * EVENTS_S
"""Seconds without any event after which a connection counts as broken, whatever it says itself."""
TICKET_EXPIRED = "ticket-expired"
"""Reason of an end that was agreed upon; the next connection has a new ticket."""

_CONNECT_S = 5.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0


class _Bye(BaseModel):
    """Event ``bye``: the service ends the stream."""

    reason: str = ""


class _LostError(Exception):
    """The stream has ended or never began; the text is a reason for the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OffersSource:
    """Where the service answers to the hub."""

    url: str
    """Address of the stream of snapshots."""
    key: bytes = field(repr=False)
    """Key of the service's tickets."""
    settings_hash: str
    """Hash of the hub's settings. Snapshots of others are refused: their slugs mean other things."""


class BackOff:
    """Pauses between attempts: longer each time, and never the same for two hubs.

    Parameters
    ----------
    random
        Returns a number from 0 to 1.
    sleep
        Waits for some seconds.
    """

    def __init__(
        self,
        *,
        random: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._random = random
        self._sleep = sleep
        self._failures = 0

    async def pause(self) -> None:
        """Wait, after one more failure."""
        longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        await self._sleep(longest * (0.5 + self._random() / 2))

    def reset(self) -> None:
        """Begin with the shortest pause again."""
        self._failures = 0


class OffersSubscription:
    """Holds the latest snapshot, and knows how old it is and whether it is live.

    Parameters
    ----------
    source
        The service.
    clock
        The time: of the day for tickets, monotonic for ages.
    log
        Is told when the stream breaks and when it works again, once each.
    back_off
        Waits between two connections.
    silence_s
        Seconds without any event after which the connection is given up.
    """

    def __init__(
        self,
        *,
        source: OffersSource,
        clock: Clock,
        log: logging.Logger,
        back_off: BackOff,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._source = source
        self._clock = clock
        self._log = log
        self._back_off = back_off
        self._silence_s = silence_s
        self._latest: AvailabilitySnapshot | None = None
        self._known = False
        self._true_at = 0.0
        self._heard_at = 0.0
        self._began_at = 0.0
        self._tried = asyncio.Event()
        self._complaint: str | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def latest(self) -> AvailabilitySnapshot | None:
        """The last snapshot with which something was known; None before the first."""
        return self._latest

    @property
    def connected(self) -> bool:
        """Whether `latest` is what the service knows now, and the service knows it."""
        return self._known and self._clock.monotonic() - self._heard_at < self._silence_s

    @property
    def true_at(self) -> float:
        """When `latest` was true, in seconds of the monotonic clock; 0 before the first."""
        return self._true_at

    def age_s(self) -> float:
        """Return how many seconds ago `latest` was true; 0 before the first."""
        return 0.0 if self._latest is None else max(0.0, self._clock.monotonic() - self._true_at)

    def start(self) -> None:
        """Subscribe, in the running loop, and again whenever the stream ends."""
        if self._task is None:
            # Ended with all other tasks of the hub when that shuts down: the connections are
            # closed on the way out.
            self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Unsubscribe."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def first(self, limit: float) -> None:
        """Return when there is a first snapshot, or none could be had, or after `limit` seconds.

        Once somebody has waited that long, nobody waits again.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._tried.wait()
        self._tried.set()

    async def _follow(self) -> None:
        while True:
            try:
                await self._read_stream()
            except (_LostError, aiohttp.ClientError, TimeoutError, EventTooLongError) as error:
                self._lose(error)
                await self._back_off.pause()

    def _lose(self, error: Exception) -> None:
        self._known = False
        self._tried.set()
        # aiohttp's errors repeat addresses and headers; its timeouts say nothing.
        reason = str(error) if isinstance(error, _LostError) else type(error).__name__
        if reason != self._complaint:
            self._complaint = reason
            self._log.warning("Sandlot: the spawn page is not live: offers service: %s", reason)

    async def _read_stream(self) -> None:
        """Follow one connection to its agreed end.

        Raises
        ------
        _LostError
            It ended otherwise. So do the errors of the client.
        """
        self._began_at = self._clock.monotonic()
        timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_S)
        async with (
            aiohttp.ClientSession(
                timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            ) as session,
            asyncio.timeout(self._silence_s) as watch,
            session.get(
                self._source.url, headers=self._headers(), allow_redirects=False
            ) as response,
        ):
            if response.status != HTTPStatus.OK:
                message = f"answered with status {response.status}"
                raise _LostError(message)
            decoder = EventDecoder()
            async for chunk in response.content.iter_any():
                for event in decoder.feed(chunk):
                    watch.reschedule(asyncio.get_running_loop().time() + self._silence_s)
                    if self._take(event):
                        return
        message = "ended the stream without a word"
        raise _LostError(message)

    def _headers(self) -> dict[str, str]:
        now = self._clock.now().timestamp()
        ticket = sign_ticket(PageTicket(kind="hub", user="hub"), key=self._source.key, now=now)
        return {TICKET_HEADER: ticket, "Accept": "text/event-stream"}

    def _take(self, event: ServerEvent) -> bool:
        """Take up what an event says; True when it is the agreed end."""
        self._heard_at = self._clock.monotonic()
        try:
            match event.name:
                case "snapshot":
                    self._take_snapshot(AvailabilitySnapshot.model_validate_json(event.data))
                case "alive":
                    self._take_alive(Alive.model_validate_json(event.data))
                case "bye":
                    return self._take_bye(_Bye.model_validate_json(event.data))
                case _:
                    pass  # of a later version
        except ValidationError as error:
            message = f"sent an event {event.name!r} of another version"
            raise _LostError(message) from error
        return False

    def _take_snapshot(self, snapshot: AvailabilitySnapshot) -> None:
        if snapshot.settings_hash != self._source.settings_hash:
            message = (
                "works from other settings than the hub; “sandlot restart hub” resolves them "
                "for both"
            )
            raise _LostError(message)
        self._known = snapshot.known
        if self._known:
            self._latest = snapshot
            self._true_at = self._heard_at - snapshot.age_s
        self._works()

    def _take_alive(self, alive: Alive) -> None:
        self._known = alive.known and self._latest is not None
        if self._known:
            self._true_at = self._heard_at - alive.age_s

    def _take_bye(self, bye: _Bye) -> bool:
        # Not at once, or clocks that are far apart would make the two run in a circle.
        if bye.reason == TICKET_EXPIRED and self._heard_at - self._began_at > self._silence_s:
            return True
        message = f"said goodbye ({printable(bye.reason) or 'no reason'})"
        raise _LostError(message)

    def _works(self) -> None:
        if self._complaint is not None:
            self._log.warning("Sandlot: the spawn page is live again")
            self._complaint = None
        self._back_off.reset()
        self._tried.set()
