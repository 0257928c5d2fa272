"""The pages of one list, of which the next is on its way while one still comes or is taken in.

A page begins with where the next one does, so that this can be asked for before the rest has
arrived. At most one page is ahead: memory is that of two.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from .cluster_informer_types import Page

Record = TypeVar("Record")

_TEXT = rb'"[^"\\]*"'
_FIELD = rb'"\w+":\s*(?:%s|\d+),\s*' % _TEXT
# Only plain fields may come before it, so that nothing which somebody wrote into an object is taken
# for it.
_GO_ON = re.compile(
    rb'\s*\{\s*(?:%s)*"metadata":\s*\{\s*(?:%s)*"continue":\s*"([^"\\]+)"' % (_FIELD, _FIELD)
)
_HEAD = 4096
"""Bytes in which it is looked for; it is itself about 150 of them long."""


class AskPage(Protocol):
    """Asks for a page."""

    def __call__(self, go_on: str, begun: Callable[[bytes], None]) -> Awaitable[bytes]:
        """Return the page that begins there; hand over its first bytes as soon as they are here."""
        ...


def early_go_on(head: bytes) -> str:
    """Return where the next page begins, by the first bytes of one; empty when they do not say."""
    found = _GO_ON.match(head[:_HEAD])
    return "" if found is None else found[1].decode(errors="replace")


async def pages_of(
    ask: AskPage, read: Callable[[bytes], Page[Record]]
) -> AsyncGenerator[Page[Record], None]:
    """Yield the pages of one list.

    Whatever `ask` or `read` raises ends it. Close it, so that nobody asks for more.

    Parameters
    ----------
    ask
        Asks for a page; the first one begins at the empty string.
    read
        Reads it.
    """
    requests = _Requests(ask, read)
    try:
        while (page := await requests.next()) is not None:
            yield page
    finally:
        await requests.close()


class _Requests(Generic[Record]):
    """The page that comes and the one after it."""

    def __init__(self, ask: AskPage, read: Callable[[bytes], Page[Record]]) -> None:
        self._ask = ask
        self._read = read
        self._coming: _Request | None = _Request(ask, "")
        self._following: _Request | None = None

    async def next(self) -> Page[Record] | None:
        """Return the next page; None after the last one."""
        coming = self._coming
        if coming is None:
            return None
        go_on = await coming.go_on()
        if go_on:
            self._following = _Request(self._ask, go_on)
            # Its request is on its way before the work on this page begins.
            await asyncio.sleep(0)
        page = self._read(await coming.body)
        if page.go_on != go_on:
            await self._call_off(self._following)
            self._following = _Request(self._ask, page.go_on) if page.go_on else None
        self._coming, self._following = self._following, None
        return page

    async def close(self) -> None:
        """Ask for nothing any more."""
        await self._call_off(self._coming)
        await self._call_off(self._following)

    async def _call_off(self, request: _Request | None) -> None:
        if request is not None:
            request.body.cancel()
            await asyncio.gather(request.body, return_exceptions=True)


class _Request:
    """A page that was asked for."""

    def __init__(self, ask: AskPage, go_on: str) -> None:
        self._head = asyncio.get_running_loop().create_future()
        self.body = asyncio.ensure_future(ask(go_on, self._begin))

    async def go_on(self) -> str:
        """Return where the page after it begins, as soon as its first bytes are here."""
        await asyncio.wait((self._head, self.body), return_when=asyncio.FIRST_COMPLETED)
        return early_go_on(self._head.result()) if self._head.done() else ""

    def _begin(self, head: bytes) -> None:
        if not self._head.done():
            self._head.set_result(head)
