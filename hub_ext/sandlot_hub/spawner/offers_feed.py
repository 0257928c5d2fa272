"""The offers service as all spawners of one hub share it: snapshots for the hub, tickets for pages."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sandlot_hub.adapters.clock import SystemClock
from sandlot_hub.adapters.offers_subscription import BackOff, OffersSource, OffersSubscription
from sandlot_hub.adapters.page_ticket import PageTicket, sign_ticket, ticket_key
from sandlot_hub.domain.access import named_groups

if TYPE_CHECKING:
    import logging

    from sandlot_contracts.supervisor import LocalFacilities
    from sandlot_hub.domain.entitlements import Entitlements
    from sandlot_hub.domain.ports import Clock
    from sandlot_hub.domain.settings import SandlotSettings

FEED_KEY = "sandlot_offers"
"""Where the hub's settings hold the one `OffersFeed`."""
SERVICE = "offers"
"""Name of the service."""

_FIRST_S = 1.0
"""Seconds that the first form of this hub waits for the first snapshot."""


class HubService(Protocol):
    """The part of the hub's entry of a service that is used."""

    url: str
    api_token: str
    host: str

    @property
    def prefix(self) -> str:
        """Path of the service, with slashes at both ends."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenMachine:
    """What the service said of this machine."""

    machine: LocalFacilities
    age_s: float
    """Seconds since that was true."""
    live: bool
    """Whether it still is, as far as anybody knows."""


class OffersFeed:
    """What the service says, and how an open page gets to hear it.

    Parameters
    ----------
    subscription
        Holds the latest snapshot.
    stream_url
        Where browsers find the stream of changes.
    key
        Key of the service's tickets.
    groups
        The groups that the settings name. Others would only make a ticket longer.
    clock
        The time.
    """

    def __init__(
        self,
        *,
        subscription: OffersSubscription,
        stream_url: str,
        key: bytes,
        groups: frozenset[str],
        clock: Clock,
    ) -> None:
        self._subscription = subscription
        self.stream_url = stream_url
        self._key = key
        self._groups = groups
        self._clock = clock

    async def machine(self) -> SeenMachine | None:
        """Return what is known of this machine, without asking; None when nothing is.

        Only the first question of a hub waits, for at most a second, and not for a
        service that does not answer.
        """
        subscription = self._subscription
        subscription.start()
        await subscription.first(_FIRST_S)
        latest = subscription.latest
        if latest is None or latest.machine is None:
            return None
        return SeenMachine(
            machine=latest.machine, age_s=subscription.age_s(), live=subscription.connected
        )

    def ticket(self, owner: Entitlements) -> str:
        """Return a ticket for the pages that show what `owner` may start."""
        ticket = PageTicket(
            kind="page",
            user=owner.user,
            groups=owner.groups & self._groups,
            admin=owner.admin,
        )
        return sign_ticket(ticket, key=self._key, now=self._clock.now().timestamp())


def build_feed(
    service: HubService, *, settings: SandlotSettings, settings_hash: str, log: logging.Logger
) -> OffersFeed:
    """Return the feed of a service of this hub."""
    clock = SystemClock()
    key = ticket_key(service.api_token)
    source = OffersSource(
        url=f"{service.url.rstrip('/')}{service.prefix}api/v1/snapshots",
        key=key,
        settings_hash=settings_hash,
    )
    subscription = OffersSubscription(
        source=source, clock=clock, log=log, back_off=BackOff(random=random.random)
    )
    return OffersFeed(
        subscription=subscription,
        stream_url=f"{service.host}{service.prefix}api/v1/stream",
        key=key,
        groups=named_groups(settings),
        clock=clock,
    )
