"""An offers service that knows of accelerators what a test tells it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.services.offers.app import serve_offers
from sandlot_hub.services.offers.availability import Snapshot

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Mapping

    from tornado.web import Application

    from sandlot_contracts.capacity import CapacityState
    from sandlot_hub.domain.values.ports import Clock
    from sandlot_hub.services.context import ServiceContext


class ToldSource:
    """Knows what it is told, at once and without asking anybody."""

    def __init__(self, capacity: CapacityState | None, *, clock: Clock) -> None:
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []
        self.latest = Snapshot(version=0, as_of=clock.now(), taken=clock.monotonic())
        if capacity is not None:
            self.tell(capacity)

    def tell(
        self, capacity: CapacityState, holders: Mapping[str, Mapping[str, int]] | None = None
    ) -> None:
        """Know this from now on."""
        self.latest = Snapshot(
            version=self.latest.version + 1,
            as_of=self._clock.now(),
            taken=self._clock.monotonic(),
            facilities=Facilities(mode=Mode.KUBERNETES, capacity=capacity),
            holders=holders or {},
        )
        self._spread()

    def lose(self, *, facilities: Facilities | None = None) -> None:
        """Know nothing more, since what was told last."""
        self.latest = replace(self.latest.forgotten(), facilities=facilities)
        self._spread()

    def count(self) -> None:
        """Know nothing yet: it is being counted for the first time."""
        self.latest = replace(self.latest.forgotten(), counting=True)
        self._spread()

    def known(self) -> bool:
        """Return whether anything is known."""
        return self.latest.known

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever something is told."""
        self._listeners.append(listener)

    async def snapshot(self) -> Snapshot:
        """Return what is known."""
        return self.latest

    async def run(self) -> None:
        """Do nothing: the test tells."""

    def _spread(self) -> None:
        for listener in self._listeners:
            listener()


class ToldService:
    """Builds the service around a `ToldSource`, which is there once it serves."""

    def __init__(self, capacity: CapacityState | None, *, started: asyncio.Event) -> None:
        self._capacity = capacity
        self._started = started
        self.source: ToldSource

    @asynccontextmanager
    async def build(self, context: ServiceContext) -> AsyncIterator[Application]:
        """Make the application."""
        self.source = ToldSource(self._capacity, clock=context.clock)
        self._started.set()
        async with serve_offers(context, self.source) as application:
            yield application
