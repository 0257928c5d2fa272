"""The offers service as all spawners of one hub share it: snapshots for the hub, tickets for pages."""

from __future__ import annotations

import ipaddress
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from sandlot_hub.adapters.clock import SystemClock
from sandlot_hub.adapters.offers_subscription import BackOff, OffersSource, OffersSubscription
from sandlot_hub.adapters.page_ticket import PageTicket, sign_ticket, ticket_key
from sandlot_hub.adapters.service_config import LOOPBACK
from sandlot_hub.domain.settings.access import named_groups

if TYPE_CHECKING:
    import logging

    from sandlot_contracts.capacity import CapacityState
    from sandlot_contracts.offers import AvailabilitySnapshot
    from sandlot_hub.domain.settings.model import SandlotSettings
    from sandlot_hub.domain.values.entitlements import Entitlements
    from sandlot_hub.domain.values.ports import Clock

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
class Seen:
    """What the service said."""

    snapshot: AvailabilitySnapshot
    age_s: float
    """Seconds since that was true."""
    counted_at: float
    """When that was, in seconds of the monotonic clock."""
    live: bool
    """Whether it still is, as far as anybody knows."""


class OffersFeed:
    """What the service says, and how an open page gets to hear it.

    Parameters
    ----------
    subscription
        Holds the latest snapshot.
    public_url
        Where browsers find the service, with a slash at its end.
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
        public_url: str,
        key: bytes,
        groups: frozenset[str],
        clock: Clock,
    ) -> None:
        self._subscription = subscription
        self.stream_url = f"{public_url}api/v1/stream"
        self.availability_url = f"{public_url}availability"
        self._key = key
        self._groups = groups
        self._clock = clock

    async def seen(self) -> Seen | None:
        """Return what is known, without asking; None when nothing is.

        Only the first question of a hub waits, for at most a second, and not for a
        service that does not answer.
        """
        subscription = self._subscription
        subscription.start()
        await subscription.first(_FIRST_S)
        latest = subscription.latest
        if latest is None:
            return None
        return Seen(
            snapshot=latest,
            age_s=subscription.age_s(),
            counted_at=subscription.true_at,
            live=subscription.connected,
        )

    @property
    def capacity(self) -> CapacityState | None:
        """What is free now; None when that is not known, or no longer."""
        latest = self._subscription.latest
        return latest.capacity if latest is not None and self._subscription.connected else None

    @property
    def counted_at(self) -> float:
        """When what was seen last was true, in seconds of the monotonic clock."""
        return self._subscription.true_at

    def ticket(self, owner: Entitlements) -> str:
        """Return a ticket for the pages that show what `owner` may start."""
        ticket = PageTicket(
            kind="page",
            user=owner.user,
            groups=owner.groups & self._groups,
            admin=owner.admin,
        )
        return sign_ticket(ticket, key=self._key, now=self._clock.now().timestamp())


def beside(url: str) -> str:
    """Return where a process beside this one answers that the proxy reaches at `url`.

    A name of the cluster may lead through a network policy that does not let the hub talk to
    itself; what is reached by a name listens everywhere.
    """
    parts = urlsplit(url)
    try:
        ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        return f"http://{LOOPBACK}:{parts.port}"
    return url.rstrip("/")


def build_feed(
    service: HubService, *, settings: SandlotSettings, settings_hash: str, log: logging.Logger
) -> OffersFeed:
    """Return the feed of a service of this hub."""
    clock = SystemClock()
    key = ticket_key(service.api_token)
    source = OffersSource(
        url=f"{beside(service.url)}{service.prefix}api/v1/snapshots",
        key=key,
        settings_hash=settings_hash,
    )
    subscription = OffersSubscription(
        source=source, clock=clock, log=log, back_off=BackOff(random=random.random)
    )
    return OffersFeed(
        subscription=subscription,
        public_url=f"{service.host}{service.prefix}",
        key=key,
        groups=named_groups(settings),
        clock=clock,
    )
