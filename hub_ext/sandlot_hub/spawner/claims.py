"""Two requests to start one server at the same moment: a double click."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

CLAIM_AGE = 1.0
"""Seconds after which a claim means nothing: its start ended before it was decided."""


class StartClaims:
    """Which servers were asked for, in the moments before the hub calls them pending.

    The hub asks whether a server is pending, reads the options, and marks it pending in
    a later turn of its event loop. A second request in between passes the first question
    and is then an error of the hub (500).

    Parameters
    ----------
    monotonic
        Seconds that never go back.
    """

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._claims: dict[Hashable, float] = {}

    def take(self, server: Hashable) -> bool:
        """Claim the start of a server; False when another request has done so just now."""
        now = self._monotonic()
        self._claims = {
            each: taken for each, taken in self._claims.items() if now - taken < CLAIM_AGE
        }
        if server in self._claims:
            return False
        self._claims[server] = now
        return True

    def release(self, server: Hashable) -> None:
        """Give a claim back: by now the hub knows that the server is pending."""
        self._claims.pop(server, None)
