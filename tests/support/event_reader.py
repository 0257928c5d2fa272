"""Reads server-sent events as a page does, and signs the tickets that it needs."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from sandlot_contracts.offers import TICKET_HEADER
from sandlot_hub.adapters.page_ticket import PageTicket, sign_ticket, ticket_key

from .service_process import TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from sandlot_hub.adapters.page_ticket import TicketKind

_WAIT_S = 20.0


def ticket(
    user: str = "alice",
    *,
    groups: Iterable[str] = (),
    kind: TicketKind = "page",
    age_s: float = 0.0,
    token: str = TOKEN,
) -> dict[str, str]:
    """Return the header of a ticket that was signed some seconds ago."""
    made = PageTicket(kind=kind, user=user, groups=frozenset(groups))
    signed = sign_ticket(made, key=ticket_key(token), now=time.time() - age_s)
    return {TICKET_HEADER: signed}


@dataclass(frozen=True)
class Event:
    """One event."""

    name: str
    data: Any


@dataclass
class EventReader:
    """An open stream."""

    response: aiohttp.ClientResponse

    async def next(self) -> Event:
        """Return the next event.

        Raises
        ------
        EOFError
            If the stream has ended.
        """
        name, data = "", ""
        async with asyncio.timeout(_WAIT_S):
            while line := (await self.response.content.readline()).decode():
                field, _, value = line.rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data += value
                elif name:
                    return Event(name, json.loads(data))
        raise EOFError

    async def until(self, name: str, **parts: Any) -> Event:
        """Return the next event of that name whose data has these parts; others are skipped."""
        while True:
            event = await self.next()
            if event.name == name and (not parts or parts.items() <= event.data.items()):
                return event


@asynccontextmanager
async def reading(url: str, headers: dict[str, str]) -> AsyncIterator[EventReader]:
    """Open a stream; the connection is cut when the block ends."""
    async with (
        aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_WAIT_S),
            connector=aiohttp.TCPConnector(force_close=True),
            read_bufsize=2**22,
        ) as session,
        session.get(url, headers=headers) as response,
    ):
        yield EventReader(response)
