from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandlot_contracts.offers import TICKET_HEADER, Alive, AvailabilitySnapshot
from sandlot_hub.adapters.offers_subscription import BackOff, OffersSource, OffersSubscription
from sandlot_hub.adapters.page_ticket import read_ticket, ticket_key
from support.fake_supervisor import facilities

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pydantic import BaseModel

pytestmark = pytest.mark.asyncio

KEY = ticket_key("a-token")
HASH = "0123456789ab"
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
PATH = "/services/offers/api/v1/snapshots"


@dataclass
class StillClock:
    """Time that passes when the test says so."""

    seconds: float = 0.0
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        self.asked.set()
        return self.seconds


@dataclass
class Service:
    """The service at its protocol boundary: sends what a test tells it."""

    url: str = ""
    status: int = 200
    tickets: list[str] = field(default_factory=list)
    streams: asyncio.Queue[web.StreamResponse] = field(default_factory=asyncio.Queue)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.tickets.append(request.headers[TICKET_HEADER])
        if self.status != 200:
            return web.Response(status=self.status)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        self.streams.put_nowait(stream)
        await asyncio.Event().wait()
        return stream

    async def stream(self) -> Stream:
        """Return the next connection of the hub."""
        async with asyncio.timeout(10):
            return Stream(await self.streams.get())


@dataclass
class Stream:
    """One connection of the hub."""

    response: web.StreamResponse

    async def send(self, name: str, model: BaseModel) -> None:
        await self.write(f"event: {name}\ndata: {model.model_dump_json()}\n\n")

    async def write(self, text: str) -> None:
        await self.response.write(text.encode())

    async def cut(self) -> None:
        """Close the connection in the middle."""
        assert self.response._req is not None
        transport = self.response._req.transport
        assert transport is not None
        transport.abort()


class Sleeps:
    """Pauses that take no time, and that a test may hold."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self.news = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        self.news.set()
        await asyncio.sleep(0)

    async def count(self, number: int) -> None:
        async with asyncio.timeout(10):
            while len(self.taken) < number:
                self.news.clear()
                await self.news.wait()


@dataclass
class Running:
    """A subscription to a service."""

    service: Service
    subscription: OffersSubscription
    clock: StillClock
    sleeps: Sleeps

    async def until(self, condition: Any) -> None:
        """Wait for what the subscription makes of what was sent."""
        async with asyncio.timeout(10):
            while not condition(self.subscription):
                # It asks for the time with every event, and with every connection.
                self.clock.asked.clear()
                await self.clock.asked.wait()


@asynccontextmanager
async def _serving(service: Service) -> AsyncIterator[Service]:
    app = web.Application()
    app.router.add_get(PATH, service.answer)
    server = TestServer(app)
    await server.start_server(shutdown_timeout=0.1)
    try:
        service.url = str(server.make_url(PATH))
        yield service
    finally:
        await server.close()


@asynccontextmanager
async def _subscribed(*, silence_s: float = 10.0, status: int = 200) -> AsyncIterator[Running]:
    clock, sleeps = StillClock(), Sleeps()
    async with _serving(Service(status=status)) as service:
        subscription = OffersSubscription(
            source=OffersSource(url=service.url, key=KEY, settings_hash=HASH),
            clock=clock,
            log=logging.getLogger("a hub"),
            back_off=BackOff(random=lambda: 1.0, sleep=sleeps),
            silence_s=silence_s,
        )
        subscription.start()
        try:
            yield Running(service, subscription, clock, sleeps)
        finally:
            await subscription.close()


def _snapshot(**changes: Any) -> AvailabilitySnapshot:
    known = {
        "as_of": "2026-11-21T12:00:00Z",
        "age_s": 0.5,
        "settings_hash": HASH,
        "machine": facilities(),
    }
    return AvailabilitySnapshot.model_validate({**known, **changes})


def _alive(*, age_s: float, known: bool = True) -> Alive:
    return Alive(as_of="2026-11-21T12:00:00Z", age_s=age_s, known=known)


async def test_it_holds_the_latest_and_knows_its_age() -> None:
    async with _subscribed() as running:
        subscription, clock = running.subscription, running.clock
        assert (subscription.latest, subscription.connected) == (None, False)
        stream = await running.service.stream()
        await stream.send("snapshot", _snapshot())
        await subscription.first(10)
        assert subscription.connected
        assert subscription.latest == _snapshot()
        clock.seconds = 4
        assert subscription.age_s() == 4.5
        await stream.send("alive", _alive(age_s=0.25))
        await running.until(lambda s: s.age_s() == 0.25)
        full = facilities(running={"small": 1}, version=2)
        await stream.send("snapshot", _snapshot(machine=full, age_s=0))
        await running.until(lambda s: s.latest.machine == full)
        assert subscription.age_s() == 0
        assert running.sleeps.taken == []


async def test_it_asks_as_the_hub_and_as_nobody_else() -> None:
    async with _subscribed() as running:
        await running.service.stream()
        ticket = read_ticket(running.service.tickets[0], key=KEY, now=START.timestamp())
    assert (ticket.kind, ticket.groups, ticket.admin) == ("hub", frozenset(), False)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(("alive", _alive(age_s=2, known=False)), id="alive"),
        pytest.param(("snapshot", _snapshot(known=False, machine=None)), id="snapshot"),
    ],
)
async def test_a_service_that_does_not_know_is_not_live(event: tuple[str, BaseModel]) -> None:
    async with _subscribed() as running:
        stream = await running.service.stream()
        await stream.send("snapshot", _snapshot())
        await running.until(lambda s: s.connected)
        running.clock.seconds = 3
        await stream.send(*event)
        await running.until(lambda s: not s.connected)
        assert running.subscription.latest == _snapshot()
        assert running.subscription.age_s() == 3.5
        await stream.send("alive", _alive(age_s=0))
        await running.until(lambda s: s.connected)


async def test_after_a_cut_it_comes_back_and_the_age_grows() -> None:
    async with _subscribed() as running:
        stream = await running.service.stream()
        await stream.send("snapshot", _snapshot(age_s=0))
        await running.until(lambda s: s.connected)
        await stream.write("event: snapshot\ndata: {")
        await stream.cut()
        again = await running.service.stream()
        running.clock.seconds = 7
        assert not running.subscription.connected
        assert running.subscription.age_s() == 7
        assert running.subscription.latest is not None
        await again.send("snapshot", _snapshot(age_s=0))
        await running.until(lambda s: s.connected)
        assert running.subscription.age_s() == 0
        assert running.sleeps.taken == [0.5]


async def test_pauses_grow_to_a_limit_and_start_anew_after_a_success() -> None:
    async with _subscribed(status=503) as running:
        await running.sleeps.count(7)
        assert running.sleeps.taken[:7] == [0.5, 1, 2, 4, 8, 15, 15]
        running.service.status = 200
        stream = await running.service.stream()
        tried = len(running.sleeps.taken)
        await stream.send("snapshot", _snapshot())
        await running.until(lambda s: s.connected)
        await stream.cut()
        await running.sleeps.count(tried + 1)
        assert running.sleeps.taken[tried] == 0.5


async def test_two_hubs_do_not_pause_alike() -> None:
    sleeps = Sleeps()
    await BackOff(random=lambda: 0.0, sleep=sleeps).pause()
    await BackOff(random=lambda: 1.0, sleep=sleeps).pause()
    assert sleeps.taken == [0.25, 0.5]


async def test_silence_is_a_broken_connection() -> None:
    async with _subscribed(silence_s=0.05) as running:
        stream = await running.service.stream()
        await stream.send("snapshot", _snapshot())
        await running.until(lambda s: s.connected)
        # Nothing more comes, and the connection stays open.
        await running.service.stream()
        assert running.sleeps.taken == [0.5]
        assert not running.subscription.connected


async def test_a_clock_that_ran_on_makes_it_stale_at_once() -> None:
    async with _subscribed() as running:
        stream = await running.service.stream()
        await stream.send("snapshot", _snapshot())
        await running.until(lambda s: s.connected)
        running.clock.seconds = 11
        assert not running.subscription.connected


async def test_an_expired_ticket_is_renewed_without_a_pause() -> None:
    async with _subscribed() as running:
        stream = await running.service.stream()
        await stream.send("snapshot", _snapshot())
        running.clock.seconds = 600
        await stream.write('event: bye\ndata: {"reason": "ticket-expired"}\n\n')
        await running.service.stream()
        assert running.sleeps.taken == []
        first, second = running.service.tickets
        assert first != second


@pytest.mark.parametrize(
    "said",
    [
        pytest.param('event: bye\ndata: {"reason": "ticket-expired"}\n\n', id="expired at once"),
        pytest.param('event: bye\ndata: {"reason": "shutdown"}\n\n', id="shutdown"),
        pytest.param("event: snapshot\ndata: {}\n\n", id="not a snapshot"),
        pytest.param("event: alive\ndata: nonsense\n\n", id="not JSON"),
    ],
)
async def test_other_ends_are_followed_by_a_pause(said: str) -> None:
    async with _subscribed() as running:
        stream = await running.service.stream()
        await stream.write(said)
        await running.service.stream()
        assert running.sleeps.taken == [0.5]


async def test_a_reason_makes_no_line_of_its_own_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with _subscribed() as running:
        stream = await running.service.stream()
        await stream.write('event: bye\ndata: {"reason": "\\u001b[2J\\n[I] all is well"}\n\n')
        await running.sleeps.count(1)
    (line,) = [record.message for record in caplog.records]
    assert line.isprintable()


async def test_events_of_a_later_version_are_skipped() -> None:
    async with _subscribed() as running:
        stream = await running.service.stream()
        await stream.write("event: weather\ndata: sunny\n\n")
        await stream.send("snapshot", _snapshot())
        await running.until(lambda s: s.connected)


async def test_snapshots_of_other_settings_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    async with _subscribed() as running:
        for _ in range(3):
            stream = await running.service.stream()
            await stream.send("snapshot", _snapshot(settings_hash="another"))
        await running.sleeps.count(3)
        assert (running.subscription.latest, running.subscription.connected) == (None, False)
    (record,) = caplog.records  # once, not at every attempt
    assert "works from other settings than the hub" in record.message


async def test_a_log_tells_the_loss_and_the_return_and_no_ticket(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with _subscribed(status=403) as running:
        await running.sleeps.count(3)
        running.service.status = 200
        stream = await running.service.stream()
        await stream.send("snapshot", _snapshot())
        await running.until(lambda s: s.connected)
    assert [record.message for record in caplog.records] == [
        "Sandlot: the spawn page is not live: offers service: answered with status 403",
        "Sandlot: the spawn page is live again",
    ]


async def test_the_first_question_does_not_wait_for_a_service_that_fails() -> None:
    async with _subscribed(status=503) as running, asyncio.timeout(10):
        await running.subscription.first(1000)
    assert running.subscription.latest is None


async def test_the_first_question_waits_no_longer_than_it_says() -> None:
    async with _subscribed() as running:
        await running.service.stream()
        await running.subscription.first(0.01)
        assert running.subscription.latest is None
        # A service that says nothing must not cost every view of the form that time.
        async with asyncio.timeout(5):  # before the silence counts as a failure
            await running.subscription.first(1000)


async def test_the_key_is_in_no_traceback() -> None:
    source = OffersSource(url="http://x", key=b"secret-key", settings_hash=HASH)
    assert "secret-key" not in repr(source)
