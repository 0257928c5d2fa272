"""`a.form.live.*`: a change shown on many open spawn pages.

The real offers service, a real hub and 200 open pages: streams with tickets of 200 people in
four groups. Each change alters what is taken of a size that every profile has. The hub must
not notice how many pages are open, and no page may miss a change.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import statistics
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from bench.choices import GROUP, TEAMS, large_settings
from bench.form_render import p99
from bench.harness import Measure, Mutation, Size, interval, progress
from bench.hub_process import HubOptions, HubProcess, cpu_seconds, hub_process
from bench.offers_service import offers_service, service_in_hub
from sandlot_contracts.offers import TICKET_HEADER
from sandlot_contracts.supervisor import LocalImage
from sandlot_hub.adapters.event_stream import EventDecoder
from sandlot_hub.adapters.page_ticket import PageTicket, sign_ticket, ticket_key
from support.fake_supervisor import FakeSupervisor, facilities
from support.hub_app import NAVIGATION, Browser
from support.service_process import TOKEN
from support.stack import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from support.installed_offers import OffersProcess

PAGES = {Size.SMOKE: 50, Size.FULL: 200}
PAIRS = {Size.SMOKE: 3, Size.FULL: 20}
CHANGES = 5
"""Changes of each half of a pair."""
SETTLE_S = 0.1
"""What the hub and the service still do about a change when the last page has it."""
EVENT_S = 10.0
"""A page that has not heard of a change by then has missed it."""
HUB_SECONDS = 0.0002
"""Noise of the hub's own timers, for each change."""
VISIBLE_SECONDS = 1.0
SIZE = "size-0"
_TAKEN = re.compile(rb'"taken":(\d+)')


@dataclass
class OpenPage:
    """The stream of one open spawn page."""

    url: str
    ticket: str
    dropping: bool = False
    """Whether it throws away the next change."""
    heard: float = 0.0
    """When the last change came."""
    taken: set[bytes] = field(default_factory=set)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self, session: aiohttp.ClientSession) -> None:
        """Read the stream until cancelled."""
        async with session.get(self.url, headers={TICKET_HEADER: self.ticket}) as answer:
            answer.raise_for_status()
            decoder = EventDecoder()
            async for chunk in answer.content.iter_any():
                for event in decoder.feed(chunk):
                    if event.name in {"offers", "change"}:
                        self._take(event.data.encode())

    def _take(self, data: bytes) -> None:
        if self.dropping and self.taken:
            self.dropping = False
            return
        self.heard = time.monotonic()
        self.taken = set(_TAKEN.findall(data))
        self.news.set()

    async def shows(self, taken: int) -> bool:
        """Return whether the page comes to show that so many places are taken."""
        try:
            async with asyncio.timeout(EVENT_S):
                while b"%d" % taken not in self.taken:
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """What so many changes cost with so many pages open, each change on average."""

    hub: float
    service: float
    latencies: list[float]
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that runs."""

    supervisor: FakeSupervisor
    hub: HubProcess
    service: OffersProcess
    numbers: Iterator[int]
    """What is taken next; never the same twice in a row."""

    async def changes(self, pages: list[OpenPage], mutation: Mutation) -> Half:
        """Let things change and watch the pages."""
        extra_s = 1.0 if mutation is Mutation.SLOW_START else 0.0
        assert self.service.process is not None
        service_pid = self.service.process.pid
        hub, service = self.hub.cpu_seconds(), cpu_seconds(service_pid)
        latencies: list[float] = []
        missed = 0
        for _ in range(CHANGES):
            taken = next(self.numbers)
            began = time.monotonic()
            self.supervisor.change(running={SIZE: taken})
            shown = await asyncio.gather(*(page.shows(taken) for page in pages))
            latencies.append(max(page.heard for page in pages) - began + extra_s)
            missed += shown.count(False)
            if mutation is Mutation.EXTRA_CALL:
                await self._ask_the_hub(len(pages))
        await asyncio.sleep(SETTLE_S)
        return Half(
            hub=(self.hub.cpu_seconds() - hub) / CHANGES,
            service=(cpu_seconds(service_pid) - service) / CHANGES,
            latencies=latencies,
            missed=missed,
        )

    async def _ask_the_hub(self, times: int) -> None:
        async with aiohttp.ClientSession() as session:
            for _ in range(times):
                async with session.get(f"{self.hub.url}hub/health"):
                    pass


def run(size: Size, mutation: Mutation) -> Iterator[Measure]:
    """Let things change with many pages open and with one, in turn."""
    many, one = asyncio.run(_halves(PAGES[size], PAIRS[size], mutation))
    pages = f"{PAGES[size]} open pages"
    common: dict[str, Any] = {
        "peer_version": "the same with one open page",
        "ratio": None,
        "pairs": len(many),
        "load": os.getloadavg()[0],
    }
    added = interval([a.hub - b.hub for a, b in zip(many, one, strict=True)])
    yield Measure(
        id="a.form.live.hub",
        what=f"CPU of the hub for a change, more with {pages} than with one",
        ours=statistics.median(half.hub for half in many),
        peer=statistics.median(half.hub for half in one),
        target=f"0 more (noise of {HUB_SECONDS * 1000:g} ms)",
        # Three pairs are all noise.
        ok=added.high <= HUB_SECONDS if size is Size.FULL else None,
        interval=(added.low, added.high),
        **common,
    )
    service = interval([half.service for half in many])
    yield Measure(
        id="a.form.live.service",
        what=f"CPU of the offers service for a change, {pages}",
        ours=service.median,
        peer=statistics.median(half.service for half in one),
        target="(read beside the number of pages; never decides)",
        ok=None,
        interval=(service.low, service.high),
        **common,
    )
    latencies = [value for half in many for value in half.latencies]
    middle = interval(latencies)
    yield Measure(
        id="a.form.live.seconds",
        what=f"from a change until the last of {pages} has it, 99th percentile",
        ours=p99(latencies),
        peer=p99([value for half in one for value in half.latencies]),
        target=f"<= {VISIBLE_SECONDS:g} s",
        ok=p99(latencies) <= VISIBLE_SECONDS if size is Size.FULL else None,
        interval=(middle.low, middle.high),
        **common,
    )
    missed = sum(half.missed for half in (*many, *one))
    yield Measure(
        id="a.form.live.missed",
        what=f"changes that a page did not show, {CHANGES * len(many)} changes on {pages}",
        ours=missed,
        peer=0,
        target="0",
        ok=missed == 0,
        unit="changes",
        **common,
    )


async def _halves(pages: int, pairs: int, mutation: Mutation) -> tuple[list[Half], list[Half]]:
    many: list[Half] = []
    one: list[Half] = []
    async with _stage() as stage:
        for number in range(pairs):
            for count in (pages, 1) if number % 2 else (1, pages):
                async with _open_pages(stage, count) as opened:
                    opened[0].dropping = mutation is Mutation.DROP_EVENT
                    half = await stage.changes(opened, mutation)
                    (one if count == 1 else many).append(half)
            progress(f"a.form.live: pair {number + 1} of {pairs}")
    return many, one


@asynccontextmanager
async def _open_pages(stage: Stage, count: int) -> AsyncIterator[list[OpenPage]]:
    key = ticket_key(TOKEN)
    url = str(stage.service.url / "api/v1/stream")
    pages = [
        OpenPage(
            url,
            sign_ticket(
                PageTicket(
                    kind="page",
                    user=f"user-{number}",
                    groups=frozenset({TEAMS[number % len(TEAMS)]}),
                ),
                key=key,
                now=time.time(),
            ),
        )
        for number in range(count)
    ]
    async with (
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
        ) as session,
        asyncio.TaskGroup() as following,
    ):
        tasks = [following.create_task(page.follow(session)) for page in pages]
        await asyncio.gather(*(page.news.wait() for page in pages))
        yield pages
        for task in tasks:
            task.cancel()


@asynccontextmanager
async def _stage() -> AsyncIterator[Stage]:
    settings = large_settings()
    images = {slug: LocalImage(state="ready") for slug in settings.images}
    port = free_port()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        supervisor = FakeSupervisor(
            socket=folder / "supervisor.sock", facilities=facilities(images=images)
        )
        await stack.enter_async_context(supervisor.serve())
        options = HubOptions(
            settings=settings,
            socket=supervisor.socket,
            users={"ann": [GROUP]},
            config=service_in_hub(port),
        )
        hub = stack.enter_context(hub_process(options))
        service = await stack.enter_async_context(
            offers_service(
                folder,
                settings,
                socket=supervisor.socket,
                port=port,
                hub_api_url=f"{hub.url}hub/api",
            )
        )
        await _view_the_form(hub.url)
        numbers = itertools.cycle(range(1, 90))
        yield Stage(supervisor=supervisor, hub=hub, service=service, numbers=numbers)


async def _view_the_form(url: str) -> None:
    """Look at the spawn page once: with the first view the hub subscribes to the service."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, headers=NAVIGATION) as session:
        browser = Browser(session, URL(url) / "hub/")
        await browser.log_in("ann")
        reply = await browser.get("spawn")
        assert "Profile 19" in reply.text, reply.text
