"""What this installation can do now, and what that makes of a user's offers."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sandlot_contracts.offers import Offer, OfferList, Reason
from sandlot_hub.adapters.single_flight import SingleFlight
from sandlot_hub.adapters.supervisor_client import (
    SupervisorRefusedError,
    SupervisorUnreachableError,
)
from sandlot_hub.domain.facilities import Facilities, Mode
from sandlot_hub.domain.machine import machine_facilities
from sandlot_hub.domain.offers import decide_offers
from sandlot_hub.services.logs import FIELDS

if TYPE_CHECKING:
    from datetime import datetime

    from sandlot_contracts.supervisor import LocalFacilities
    from sandlot_hub.domain.entitlements import Entitlements
    from sandlot_hub.domain.ports import Clock
    from sandlot_hub.domain.settings import SandlotSettings

logger = logging.getLogger(__name__)

MAX_AGE = 1.0
"""Seconds that a snapshot serves everybody."""
TIMEOUT = 2.0
"""Seconds that the supervisor has to answer."""
UNKNOWN = "availability-unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the installation can do, or since when that is not known."""

    facilities: Facilities | None
    """None when it is not known."""
    as_of: datetime
    """When this was true; when not known, since when."""


class FacilitiesSource(Protocol):
    """Knows what the installation can do."""

    def known(self) -> bool:
        """Return whether the last question was answered. Asks nobody."""
        ...

    async def snapshot(self) -> Snapshot:
        """Return what it can do, at most a second old."""
        ...

    async def close(self) -> None:
        """Let go of connections and questions under way."""
        ...


class ClusterFacilities:
    """Facilities that never change while the service runs."""

    def __init__(self, facilities: Facilities, *, clock: Clock) -> None:
        self._facilities = facilities
        self._clock = clock

    def known(self) -> bool:
        """Return True."""
        return True

    async def snapshot(self) -> Snapshot:
        """Return them, as of now."""
        return Snapshot(facilities=self._facilities, as_of=self._clock.now())

    async def close(self) -> None:
        """Do nothing: nothing is open."""


class SupportsFacilities(Protocol):
    """The part of `ProcessSupervisor` that this service uses."""

    async def facilities(self) -> LocalFacilities:
        """Return what this machine can do at the moment."""
        ...


class MachineFacilities:
    """Facilities of this machine, from the supervisor: one question a second for everybody.

    Parameters
    ----------
    supervisor
        Answers the question.
    clock
        The time.
    """

    def __init__(self, *, supervisor: SupportsFacilities, clock: Clock) -> None:
        self._supervisor = supervisor
        self._clock = clock
        self._flights: SingleFlight[str, Snapshot] = SingleFlight()
        self._taken = float("-inf")
        # Before the first answer nothing is known, since the start.
        self._last = Snapshot(facilities=None, as_of=clock.now())
        self._answered = True

    def known(self) -> bool:
        """Return whether the last question was answered; True before the first."""
        return self._answered

    async def snapshot(self) -> Snapshot:
        """Return what this machine can do. An old answer is never passed off as a new one."""
        if self._clock.monotonic() - self._taken < MAX_AGE:
            return self._last
        return await self._flights.run("machine", self._take)

    async def close(self) -> None:
        """Give up the question that is under way."""
        await self._flights.close()

    async def _take(self) -> Snapshot:
        facilities = await self._ask()
        self._answered = facilities is not None
        if facilities is not None:
            self._last = Snapshot(facilities=facilities, as_of=self._clock.now())
        else:
            # Not known since it was last known, or since the start.
            self._last = Snapshot(facilities=None, as_of=self._last.as_of)
        # A failure counts as an answer for a second too: a supervisor in trouble is not hammered.
        self._taken = self._clock.monotonic()
        return self._last

    async def _ask(self) -> Facilities | None:
        try:
            async with asyncio.timeout(TIMEOUT):
                return machine_facilities(await self._supervisor.facilities())
        except (SupervisorUnreachableError, SupervisorRefusedError, TimeoutError) as error:
            reason = f"{type(error).__name__}: {error}"
            logger.warning("facilities are not known", extra={FIELDS: {"reason": reason}})
            return None


class Offers:
    """Answers what a user may start now."""

    def __init__(
        self, *, settings: SandlotSettings, source: FacilitiesSource, clock: Clock
    ) -> None:
        self.settings = settings
        self._source = source
        self._clock = clock

    def known(self) -> bool:
        """Return whether availability is known."""
        return self._source.known()

    async def of(self, entitlements: Entitlements) -> OfferList:
        """Return the offers of one user."""
        snapshot = await self._source.snapshot()
        if snapshot.facilities is not None:
            return decide_offers(
                entitlements=entitlements,
                settings=self.settings,
                facilities=snapshot.facilities,
                now=snapshot.as_of,
            )
        # Without facilities only what the settings say remains: who may not use what stays
        # refused for that reason, everything else is not known.
        offers = decide_offers(
            entitlements=entitlements,
            settings=self.settings,
            facilities=Facilities(mode=Mode.LOCAL),
            now=self._clock.now(),
        )
        return without_facilities(offers, since=snapshot.as_of)


def without_facilities(offers: OfferList, *, since: datetime) -> OfferList:
    """Return the offers with every available one marked as not known since `since`."""
    reason = Reason(
        code=UNKNOWN,
        message=f"Whether this can be started is not known since {since:%Y-%m-%d %H:%M:%S} UTC, "
        "because this machine does not answer at the moment. Next: try again in a few seconds.",
    )
    return offers.model_copy(
        update={"offers": tuple(_unknown(offer, reason) for offer in offers.offers)}
    )


def _unknown(offer: Offer, reason: Reason) -> Offer:
    if offer.state != "available":
        # What would have been accepted instead is not known either.
        return offer.model_copy(update={"alternatives": ()})
    return offer.model_copy(update={"state": "unknown", "reason": reason, "alternatives": ()})
