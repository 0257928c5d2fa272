"""What this installation can do now, and what that makes of a user's offers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from sandlot_contracts.offers import AVAILABILITY_UNKNOWN, Offer, OfferList, Reason
from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.offers.decision import decide_offers
from sandlot_hub.domain.offers.pages import page_offers
from sandlot_hub.domain.offers.pages import without_facilities as page_without_facilities
from sandlot_hub.domain.offers.visibility import visible

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sandlot_contracts.capacity import CapacityState
    from sandlot_contracts.offers import ProfileOffer
    from sandlot_contracts.supervisor import LocalFacilities
    from sandlot_hub.domain.capacity.flavor_availability import Holders
    from sandlot_hub.domain.settings.model import SandlotSettings
    from sandlot_hub.domain.values.entitlements import Entitlements
    from sandlot_hub.domain.values.ports import Clock

_MINUTE = 60

Edition = tuple[int, int]
"""Another one whenever what people are told is something else: version, and the minute up to which
waiting is counted, as long as somebody waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the installation can do, or since when that is not known."""

    version: int
    """Another number whenever what it says is something else."""
    as_of: datetime
    """When this was true; when not known, when something was known last."""
    taken: float
    """The same moment, in seconds of the monotonic clock."""
    facilities: Facilities | None = None
    """None when it is not known."""
    counting: bool = False
    """Whether it is not known because it is still being counted for the first time."""
    machine: LocalFacilities | None = None
    """What the facilities were made from, on one machine."""
    holders: Holders = field(default_factory=lambda: MappingProxyType({}))
    """Who has accelerators, of the users of this hub."""

    @property
    def known(self) -> bool:
        """Whether it is known what can be done."""
        return self.facilities is not None

    @property
    def capacity(self) -> CapacityState | None:
        """What is free; None when that is not known."""
        return None if self.facilities is None else self.facilities.capacity

    def renewed(self, *, machine: LocalFacilities, as_of: datetime, taken: float) -> Snapshot:
        """Return the same, true at a later moment."""
        return replace(self, machine=machine, as_of=as_of, taken=taken)

    def forgotten(self) -> Snapshot:
        """Return that nothing is known since then."""
        return replace(
            self,
            version=self.version + 1,
            counting=False,
            facilities=None,
            machine=None,
            holders=MappingProxyType({}),
        )


class FacilitiesSource(Protocol):
    """Knows what the installation can do."""

    @property
    def latest(self) -> Snapshot:
        """What is known now. Asks nobody."""
        ...

    def known(self) -> bool:
        """Return whether what it asks answers. Asks nobody."""
        ...

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever `latest` has another version."""
        ...

    async def snapshot(self) -> Snapshot:
        """Return what is known; right after the start, wait for the first answer."""
        ...

    async def run(self) -> None:
        """Keep up with what changes until cancelled."""
        ...


class ClusterFacilities:
    """Facilities that never change while the service runs."""

    def __init__(self, facilities: Facilities, *, clock: Clock) -> None:
        self._facilities = facilities
        self._clock = clock

    @property
    def latest(self) -> Snapshot:
        """The facilities, as of now."""
        now = self._clock.now()
        return Snapshot(
            version=0, as_of=now, taken=self._clock.monotonic(), facilities=self._facilities
        )

    def known(self) -> bool:
        """Return True."""
        return True

    def listen(self, listener: Callable[[], None]) -> None:
        """Do nothing: there is no news."""

    async def snapshot(self) -> Snapshot:
        """Return them, as of now."""
        return self.latest

    async def run(self) -> None:
        """Do nothing: there is nothing to keep up with."""


class Offers:
    """Answers what a user may start now.

    Parameters
    ----------
    settings
        What there is.
    source
        Knows what can be started.
    clock
        The time.
    mode
        Where servers run.
    """

    def __init__(
        self,
        *,
        settings: SandlotSettings,
        source: FacilitiesSource,
        clock: Clock,
        mode: Mode = Mode.LOCAL,
    ) -> None:
        self.settings = settings
        self.source = source
        self._clock = clock
        # With nothing known only what the settings say remains: who may not use what stays
        # refused for that reason.
        self._assumed = Facilities(mode=mode)

    def known(self) -> bool:
        """Return whether availability is known."""
        return self.source.known()

    def age_s(self, snapshot: Snapshot) -> float:
        """Return how long ago a snapshot was true, in seconds."""
        return round(max(0.0, self._clock.monotonic() - snapshot.taken), 3)

    def edition(self, snapshot: Snapshot) -> Edition:
        """Return what tells a snapshot apart from all of which people are told something else."""
        flavors = () if snapshot.capacity is None else snapshot.capacity.flavors.values()
        if all(flavor.oldest_waiting is None for flavor in flavors):
            return snapshot.version, 0
        return snapshot.version, int(self._clock.now().timestamp()) // _MINUTE

    def of(self, entitlements: Entitlements, snapshot: Snapshot) -> OfferList:
        """Return the offers of one user."""
        if snapshot.facilities is not None:
            return decide_offers(
                entitlements=entitlements,
                settings=self.settings,
                facilities=snapshot.facilities,
                now=snapshot.as_of,
            )
        offers = decide_offers(
            entitlements=entitlements,
            settings=self.settings,
            facilities=self._assumed,
            now=self._clock.now(),
        )
        return without_facilities(offers, reason=self._unknown_since(snapshot))

    def on_page(self, entitlements: Entitlements, snapshot: Snapshot) -> tuple[ProfileOffer, ...]:
        """Return what an open spawn page shows to one user, and to everybody of their class."""
        facilities = replace(snapshot.facilities or self._assumed, now=self._clock.now())
        offers = page_offers(visible(entitlements, self.settings, facilities))
        if snapshot.known:
            return offers
        return page_without_facilities(offers, reason=self._unknown_since(snapshot))

    def _unknown_since(self, snapshot: Snapshot) -> Reason:
        if snapshot.counting:
            return Reason(
                code=AVAILABILITY_UNKNOWN,
                message="What is free in the cluster is still being counted. Next: wait, this page "
                "goes on by itself; or start the server all the same.",
            )
        who = "this machine" if self._assumed.mode is Mode.LOCAL else "the cluster"
        return Reason(
            code=AVAILABILITY_UNKNOWN,
            message="Whether this can be started is not known since "
            f"{snapshot.as_of:%Y-%m-%d %H:%M:%S} UTC, because {who} does not answer at the "
            "moment. Next: try again in a few seconds.",
        )


def without_facilities(offers: OfferList, *, reason: Reason) -> OfferList:
    """Return the offers with all that can be started marked as not known, for this reason."""
    return offers.model_copy(
        update={"offers": tuple(_unknown(offer, reason) for offer in offers.offers)}
    )


def iso(moment: datetime) -> str:
    """Return a moment as the wire has it: UTC, ISO 8601, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _unknown(offer: Offer, reason: Reason) -> Offer:
    if offer.state == "unavailable":
        # What would have been accepted instead is not known either.
        return offer.model_copy(update={"alternatives": ()})
    return offer.model_copy(update={"state": "unknown", "reason": reason, "alternatives": ()})
