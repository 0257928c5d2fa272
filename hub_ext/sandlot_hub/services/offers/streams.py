"""The streams of this service: for open pages, and for the hub."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from typing_extensions import override

from sandlot_contracts.offers import TICKET_HEADER, Alive, AvailabilitySnapshot
from sandlot_hub.domain.values.entitlements import Entitlements
from sandlot_hub.services.event_stream import EventStreamHandler, build_event

from .availability import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandlot_hub.adapters.page_ticket import PageTicket

    from .audiences import Audience, Audiences
    from .availability import Edition, Offers, Snapshot
    from .metrics import OffersMetrics

PREFLIGHT_S = 600
"""Seconds that a browser may remember that it may send a ticket."""


class OffersStream(EventStreamHandler):
    """What all streams have in common."""

    offers: Offers
    metrics: OffersMetrics
    _told: Snapshot | None = None
    """What the reader knows."""

    @override
    async def begin(self) -> None:
        """Wait for the first answer of the supervisor, right after the start."""
        await self.offers.source.snapshot()

    @override
    def alive(self) -> bytes:
        """Return the event that tells how old what is shown is."""
        return self._event("alive", self._alive(self.offers.source.latest))

    def untold(self) -> Snapshot | None:
        """Return what is known now, which then counts as told; None when the reader knows it."""
        snapshot, told = self.offers.source.latest, self._told
        if told is not None and told.version == snapshot.version:
            return None
        self._told = snapshot
        return snapshot

    def knows(self, snapshot: Snapshot) -> bool:
        """Return whether what the reader looks at is known."""
        return snapshot.known

    def _alive(self, snapshot: Snapshot) -> bytes:
        alive = Alive(
            as_of=iso(snapshot.as_of),
            age_s=self.offers.age_s(snapshot),
            known=self.knows(snapshot),
            counting=snapshot.counting,
        )
        return alive.model_dump_json().encode()

    def _event(self, name: str, data: bytes) -> bytes:
        self.metrics.count_event(name)
        return build_event(name, data)


class PageStream(OffersStream):
    """``GET api/v1/stream``: what an open spawn page shows its user, as it changes.

    The page comes from the hub, which may be another origin: every origin may read it, with a
    ticket. Cookies play no part, so no other site gets anything by a visit.
    """

    audiences: Audiences
    _audience: Audience | None = None
    _edition: Edition | None = None

    @override
    def set_default_headers(self) -> None:
        """Let pages of every origin read the answer, errors included."""
        super().set_default_headers()
        self.set_header("Access-Control-Allow-Origin", "*")

    @override
    async def options(self, *_args: str, **_kwargs: str) -> None:
        """Answer whether a page may send its ticket."""
        self.set_header("Access-Control-Allow-Methods", "GET")
        self.set_header("Access-Control-Allow-Headers", TICKET_HEADER)
        self.set_header("Access-Control-Max-Age", str(PREFLIGHT_S))
        self.set_status(HTTPStatus.NO_CONTENT)

    @override
    async def begin(self) -> None:
        """Find the audience that the ticket's user belongs to."""
        await super().begin()
        if self.ticket is not None:
            self._audience = self.audiences.join(_entitlements(self.ticket))

    @override
    def end(self) -> None:
        """Leave the audience."""
        if self._audience is not None:
            self.audiences.leave(self._audience)

    @override
    def news(self) -> Iterator[bytes]:
        """Return everything, or what has changed since the last event."""
        snapshot, told = self.offers.source.latest, self._told
        if self._audience is None or self._edition == self.offers.edition(snapshot):
            return
        view = self._audience.view(snapshot)
        name, profiles = view.since(self._edition)
        self._told, self._edition = snapshot, view.edition
        if profiles:
            yield self._event(name, self._page_offers(snapshot, profiles))
        elif told is not None and told.known != snapshot.known:
            yield self._event("alive", self._alive(snapshot))

    def _page_offers(self, snapshot: Snapshot, profiles: bytes) -> bytes:
        """Return `PageOffers` as JSON, around profiles that are JSON already.

        The head is another one for each event, because of the age; the profiles are what is
        long, and the same for everybody.
        """
        head = self._alive(snapshot).removesuffix(b"}")
        settings_hash = self.context.settings.hash.encode()
        return b'%b,"settings_hash":"%b","profiles":%b}' % (head, settings_hash, profiles)


class SnapshotStream(OffersStream):
    """``GET api/v1/snapshots``: what the installation can do, for the hub."""

    @override
    def news(self) -> Iterator[bytes]:
        """Return the snapshot when it is another one."""
        snapshot = self.untold()
        if snapshot is None:
            return
        found = AvailabilitySnapshot(
            as_of=iso(snapshot.as_of),
            age_s=self.offers.age_s(snapshot),
            settings_hash=self.context.settings.hash,
            known=snapshot.known,
            machine=snapshot.machine,
            capacity=snapshot.capacity,
        )
        yield self._event("snapshot", found.model_dump_json().encode())


def _entitlements(ticket: PageTicket) -> Entitlements:
    return Entitlements(user=ticket.user, groups=ticket.groups, admin=ticket.admin)
