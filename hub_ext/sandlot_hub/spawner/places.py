"""How many servers of each size this hub starts or runs, exact at every moment."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

PLACES_KEY = "sandlot_places"
"""Where the hub's settings hold the one `Places`."""

_OLDEST_S = 60.0
"""Seconds by which a count may be older than another one that was asked about before."""


class Places:
    """Who holds a place of which size.

    One place is taken in the same turn of the event loop as the decision that grants it,
    so two starts never get the same one. It is given back when the hub forgets the
    server (`clear_state`), which it does after every stop and every failed start, and
    before every new one. Nothing is counted by looking at all servers.
    """

    def __init__(self) -> None:
        self._sizes: dict[Hashable, str] = {}
        self._running: Counter[str] = Counter()
        self._begun: dict[Hashable, float | None] = {}

    def running(self) -> dict[str, int]:
        """Return how many servers start or run, by the slug of their size."""
        return dict(self._running)

    def begun_since(self, moment: float) -> dict[str, int]:
        """Return how many servers take room that was not counted yet at a moment, by size.

        Those are the ones that begin, and those that were placed later.

        Parameters
        ----------
        moment
            When the count was true, in seconds of the monotonic clock.
        """
        self._begun = {
            server: placed
            for server, placed in self._begun.items()
            if placed is None or placed >= moment - _OLDEST_S
        }
        later = (
            self._sizes[server]
            for server, placed in self._begun.items()
            if placed is None or placed >= moment
        )
        return dict(Counter(later))

    def begin(self, server: Hashable, size: str) -> None:
        """Let a server that starts now hold a place of a size, in place of what it held."""
        self.take(server, size)
        self._begun[server] = None

    def placed(self, server: Hashable, moment: float) -> None:
        """Note when a server was handed over to what runs it: whoever counts next sees it."""
        if server in self._begun:
            self._begun[server] = moment

    def take(self, server: Hashable, size: str) -> None:
        """Let a server hold a place of a size, in place of what it held."""
        self.release(server)
        self._sizes[server] = size
        self._running[size] += 1

    def release(self, server: Hashable) -> None:
        """Give back what a server holds, if anything."""
        self._begun.pop(server, None)
        size = self._sizes.pop(server, None)
        if size is None:
            return
        self._running[size] -= 1
        if not self._running[size]:
            del self._running[size]
