"""What can go wrong between a client and its API server, each as it looks on the wire.

A fault is told what it happens to by a `Match`, and does it to an `Exchange`: a request that has
arrived, and whatever goes back. None of them knows who the client is.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import re
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from support.cluster.exchange import Exchange
    from support.cluster.http1 import Head


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client has asked for."""

    method: str
    path: str
    query: dict[str, str]

    @property
    def watches(self) -> bool:
        """Whether the answer is a stream of changes."""
        return self.query.get("watch", "") in {"1", "true", "True"}


@dataclass(frozen=True, kw_only=True)
class Match:
    """Which requests are meant; what is left out matches all."""

    method: str = ""
    path: str = ""
    """Regular expression for the whole path."""
    watch: bool | None = None

    def __call__(self, request: Request) -> bool:
        return (
            self.method in {"", request.method}
            and (not self.path or re.fullmatch(self.path, request.path) is not None)
            and self.watch in {None, request.watches}
        )


EVERYTHING = Match()
PODS = r"/api/v1/namespaces/[^/]+/pods"
LIST_PODS = Match(method="GET", path=PODS, watch=False)
WATCH_PODS = Match(method="GET", path=PODS, watch=True)
CREATE_POD = Match(method="POST", path=PODS)


class Ending(Enum):
    """How an answer stops before it is complete."""

    CUT = auto()
    """The connection is reset."""
    CLOSE = auto()
    """The stream ends as the API server ends it: complete, and without a reason."""
    HALF_OPEN = auto()
    """Nothing comes any more, and nothing says so."""
    EXPIRED = auto()
    """A last event says that the version is too old (410); then the stream ends."""


class Fault(Protocol):
    """Something that happens to a request."""

    async def act(self, exchange: Exchange) -> None:
        """Let it happen."""


@dataclass(frozen=True)
class Pass:
    """Nothing: the API server answers."""

    async def act(self, exchange: Exchange) -> None:
        """Pass the request on, and the answer back."""
        await exchange.relay(await exchange.forward())


@dataclass(frozen=True)
class Delay:
    """The request takes its time to arrive."""

    seconds: float

    async def act(self, exchange: Exchange) -> None:
        """Wait, then pass it on."""
        await asyncio.sleep(self.seconds)
        await exchange.relay(await exchange.forward())


@dataclass(frozen=True)
class Hold:
    """The request arrives when the test lets it, from whatever thread."""

    _released: concurrent.futures.Future[None] = field(default_factory=concurrent.futures.Future)

    def release(self) -> None:
        """Let all go on that were held, and hold no more."""
        if not self._released.done():
            self._released.set_result(None)

    async def act(self, exchange: Exchange) -> None:
        """Wait for the test or for the client to give up, then pass it on."""
        released = asyncio.wrap_future(self._released)
        if await exchange.unless_gone(released):
            await exchange.relay(await exchange.forward())


@dataclass(frozen=True)
class Late(Hold):
    """A held request that arrives all the same when its client is long gone."""

    async def act(self, exchange: Exchange) -> None:
        """Wait for the test, then pass it on; nobody gets the answer."""
        await asyncio.wrap_future(self._released)
        response = await exchange.forward()
        await response.read()
        exchange.cut()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The API server answers something else, and does nothing."""

    code: int
    reason: str
    message: str = "injected by a test"
    retry_after_s: int | None = None

    async def act(self, exchange: Exchange) -> None:
        """Answer at once."""
        more = () if self.retry_after_s is None else (("Retry-After", str(self.retry_after_s)),)
        await exchange.answer(self.code, self.document(), more)

    def document(self) -> dict[str, Any]:
        """Return the Status that the API server would send."""
        details = {} if self.retry_after_s is None else {"retryAfterSeconds": self.retry_after_s}
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": details,
            "code": self.code,
        }


EXPIRED = Answer(code=410, reason="Expired", message="too old resource version: 1 (2)")
TOO_MANY = Answer(code=429, reason="TooManyRequests", retry_after_s=1)
BROKEN = Answer(code=500, reason="InternalError")
TIMEOUT = Answer(code=504, reason="Timeout", message="request did not complete within the time")


@dataclass(frozen=True, kw_only=True)
class EndStream:
    """An answer begins and does not go on.

    With a watch, `after_events` counts its events. Before any, `CUT` takes even the head of the
    answer away.
    """

    ending: Ending
    after_events: int = 0

    async def act(self, exchange: Exchange) -> None:
        """Pass so much back, and then no more."""
        response = await exchange.forward()
        if self.ending is Ending.CUT and not self.after_events:
            exchange.cut()
        await exchange.relay(response, ending=self.ending, after_events=self.after_events)


@dataclass(frozen=True, kw_only=True)
class Lost:
    """The API server does what it was asked to do, and its answer never arrives."""

    then: Ending | Answer = Ending.HALF_OPEN
    """What comes instead; `CLOSE` and `EXPIRED` make no sense here."""

    async def act(self, exchange: Exchange) -> None:
        """Pass the request on, wait for the answer, and lose it."""
        response = await exchange.forward()
        await response.read()
        if isinstance(self.then, Answer):
            await self.then.act(exchange)
        elif self.then is Ending.CUT:
            exchange.cut()
        else:
            await exchange.silence()


@dataclass(frozen=True)
class Stale:
    """A cache that stopped: the first answer to a path is given again and again."""

    _kept: dict[str, tuple[Head, bytes]] = field(default_factory=dict)

    async def act(self, exchange: Exchange) -> None:
        """Pass on what was never asked; answer what was as it was answered then."""
        path = exchange.request.path
        if path not in self._kept:
            response = await exchange.forward()
            self._kept[path] = response.head, await response.read()
        await exchange.send(*self._kept[path])


def expired_event() -> bytes:
    """Return the event with which a watch says that its version is too old."""
    return json.dumps({"type": "ERROR", "object": EXPIRED.document()}).encode() + b"\n"
