"""Tests of answers that go on."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from typing_extensions import override

from sandlot_hub.adapters.page_ticket import TICKET_SECONDS, PageTicket
from sandlot_hub.services.access import Ticket
from sandlot_hub.services.app import Route, build_application
from sandlot_hub.services.drain import Ending
from sandlot_hub.services.errors import ProblemError
from sandlot_hub.services.event_stream import (
    EventStreamHandler,
    OpenStreams,
    StreamLimits,
    build_event,
)
from support.event_reader import reading, ticket
from support.service_process import RunningService, running_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from tornado.web import Application

    from sandlot_hub.adapters.settings_file import LoadedSettings
    from sandlot_hub.services.context import ServiceContext

QUICK = StreamLimits(per_user=2, total=3, alive_s=0.05, send_s=0.2)
SLOW = StreamLimits(alive_s=60)


@dataclass
class Board:
    """What there is to tell, and who reads it."""

    limits: StreamLimits = QUICK
    text: str = "1"
    began: int = 0
    ended: int = 0
    told: list[str] = field(default_factory=list)
    streams: OpenStreams = field(init=False)
    context: ServiceContext = field(init=False)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def post(self, text: str) -> None:
        self.text = text
        self.streams.wake()

    @asynccontextmanager
    async def build(self, context: ServiceContext) -> AsyncIterator[Application]:
        self.context = context
        self.streams = OpenStreams(limits=self.limits, ending=context.ending)
        arguments = {"streams": self.streams, "board": self}
        route = Route(
            template="stream", handler=BoardStream, access=Ticket(kind="page"), arguments=arguments
        )
        yield build_application(context, [route])


class BoardStream(EventStreamHandler):
    board: Board
    seen = ""

    @override
    async def begin(self) -> None:
        self.board.began += 1

    @override
    def end(self) -> None:
        self.board.ended += 1
        self.board.left.set()

    @override
    def news(self) -> Iterable[bytes]:
        if self.seen != self.board.text:
            self.seen = self.board.text
            self.board.told.append(self.seen)
            yield build_event("text", f'"{self.seen}"'.encode())

    @override
    def alive(self) -> bytes:
        return build_event("alive", b"{}")


@pytest.fixture
def board() -> Board:
    return Board()


@pytest_asyncio.fixture
async def running(board: Board, settings: LoadedSettings) -> AsyncIterator[RunningService]:
    async with running_service(board.build, settings, name="board", stop_grace=5.0) as service:
        yield service


pytestmark = pytest.mark.asyncio


async def test_everything_first_and_then_what_changes(
    running: RunningService, board: Board
) -> None:
    async with reading(f"{running.url}stream", ticket()) as events:
        assert events.response.status == 200
        headers = events.response.headers
        assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Accel-Buffering"] == "no"
        assert "Content-Encoding" not in headers
        assert (await events.next()).data == "1"
        assert (await events.next()).name == "alive"
        board.post("2")
        assert (await events.until("text")).data == "2"


async def test_what_is_told_while_nothing_is_new_sends_nothing(
    running: RunningService, board: Board
) -> None:
    async with reading(f"{running.url}stream", ticket()) as events:
        await events.next()
        board.streams.wake()
        await events.until("alive")
        assert board.told == ["1"]


async def test_a_reader_that_goes_away_frees_everything(settings: LoadedSettings) -> None:
    board = Board(limits=SLOW)
    async with running_service(board.build, settings, name="board") as service:
        async with reading(f"{service.url}stream", ticket()) as events:
            await events.next()
            assert len(board.streams) == 1
        async with asyncio.timeout(5):
            await board.left.wait()
        assert (board.began, board.ended) == (1, 1)
        assert await board.context.in_flight.wait_idle(within=5)
        assert len(board.streams) == 0


async def test_a_reader_that_does_not_read_is_cut_off(
    running: RunningService, board: Board
) -> None:
    header, value = next(iter(ticket().items()))
    request = f"GET /services/board/stream HTTP/1.1\r\nHost: x\r\n{header}: {value}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", running.port)) as silent:
        silent.sendall(request.encode())
        board.text = "x" * 30_000_000  # more than the system takes in for it
        async with asyncio.timeout(10):
            while not board.told:  # noqa: ASYNC110 (the handler tells nobody)
                await asyncio.sleep(0)
            for text in "234":
                board.post(text)
            await board.left.wait()
        # Nothing has piled up behind what it did not take.
        assert [text[:1] for text in board.told] == ["x"]
    assert await board.context.in_flight.wait_idle(within=5)
    assert len(board.streams) == 0


async def test_it_ends_with_its_ticket(running: RunningService) -> None:
    async with reading(f"{running.url}stream", ticket(age_s=TICKET_SECONDS - 0.5)) as events:
        assert (await events.until("bye")).data == {"reason": "ticket-expired"}
        with pytest.raises(EOFError):
            await events.next()


async def test_it_ends_with_the_service(running: RunningService, board: Board) -> None:
    async with reading(f"{running.url}stream", ticket()) as events:
        await events.next()
        running.stop.set()
        assert (await events.until("bye")).data == {"reason": "restarting"}
        async with asyncio.timeout(3):  # sooner than the grace of five seconds
            await running.task
    assert board.ended == 1


async def test_without_a_ticket_there_is_no_stream(running: RunningService, board: Board) -> None:
    answer = await running.ask("stream")
    assert (answer.status, answer.json["code"]) == (401, "ticket-missing")
    answer = await running.ask("stream", token="some-token")
    assert (answer.status, answer.json["code"]) == (401, "ticket-missing")
    assert board.began == 0


async def test_head_has_no_body_that_would_not_end(running: RunningService, board: Board) -> None:
    answer = await running.ask("stream", method="HEAD", headers=ticket())
    assert (answer.status, answer.text) == (200, "")
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert board.began == 0


async def test_it_takes_no_other_method(running: RunningService) -> None:
    for method in ("POST", "OPTIONS"):
        assert (await running.ask("stream", method=method, headers=ticket())).status == 405


async def test_nobody_opens_too_many(running: RunningService) -> None:
    url = f"{running.url}stream"
    async with reading(url, ticket("ann")) as one, reading(url, ticket("ann")) as two:
        await one.next()
        await two.next()
        answer = await running.ask("stream", headers=ticket("ann"))
        assert (answer.status, answer.json["code"]) == (429, "too-many-streams")
        assert answer.headers["Retry-After"] == "30"
        async with reading(url, ticket("bob")) as three:
            await three.next()
            # The last one of all.
            assert (await running.ask("stream", headers=ticket("eve"))).status == 429


async def test_places_are_given_back() -> None:
    streams = OpenStreams(limits=QUICK, ending=Ending())
    ann = PageTicket(kind="page", user="ann")
    for _ in range(5):
        with streams.opened(ann), streams.opened(ann), pytest.raises(ProblemError):
            streams.opened(ann).__enter__()
        assert len(streams) == 0


async def test_pages_leave_room_for_the_hub() -> None:
    streams = OpenStreams(limits=QUICK, ending=Ending())
    ann, bob = PageTicket(kind="page", user="ann"), PageTicket(kind="page", user="bob")
    hub = PageTicket(kind="hub", user="hub")
    with streams.opened(ann), streams.opened(ann), streams.opened(bob):
        with pytest.raises(ProblemError):
            streams.opened(bob).__enter__()
        with streams.opened(hub):
            assert len(streams) == 4


async def test_a_person_and_the_hub_are_counted_apart() -> None:
    streams = OpenStreams(limits=QUICK, ending=Ending())
    ann, hub = PageTicket(kind="page", user="ann"), PageTicket(kind="hub", user="ann")
    with streams.opened(ann), streams.opened(ann), streams.opened(hub):
        assert len(streams) == 3
