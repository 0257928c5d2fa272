"""Which accelerators are free, for whoever asks; decided once for all who see the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_contracts.availability import Availability
from sandlot_contracts.offers import AVAILABILITY_UNKNOWN, Reason
from sandlot_hub.domain.capacity.flavor_availability import flavor_availability

from .availability import iso
from .availability_view import build_availability_view

if TYPE_CHECKING:
    from jinja2 import Environment

    from sandlot_hub.domain.capacity.flavor_availability import Sight
    from sandlot_hub.domain.settings.model import SandlotSettings

    from .availability import Offers, Snapshot

NOT_VISIBLE = "cluster-not-visible"
"""Code: this hub may look at its own servers only."""
FRAGMENT = "accelerators.html"
"""Template of the part of the page that changes."""


class AvailabilityBoard:
    """Knows what a snapshot says of accelerators.

    Parameters
    ----------
    offers
        The settings, and the age of a snapshot.
    settings_hash
        Hash of the settings.
    templates
        Have the part of the page that changes.
    """

    def __init__(self, *, offers: Offers, settings_hash: str, templates: Environment) -> None:
        self._offers = offers
        self._settings_hash = settings_hash
        self._templates = templates
        self._version: int | None = None
        self._fragments: dict[Sight, str] = {}

    @property
    def settings(self) -> SandlotSettings:
        """The settings."""
        return self._offers.settings

    def of(self, sight: Sight, snapshot: Snapshot) -> Availability:
        """Return what somebody may know."""
        capacity = snapshot.capacity
        missing = {} if snapshot.facilities is None else snapshot.facilities.flavor_reasons
        return Availability(
            as_of=iso(snapshot.as_of),
            age_s=self._offers.age_s(snapshot),
            known=capacity is not None,
            counting=snapshot.counting,
            settings_hash=self._settings_hash,
            scope=None if capacity is None else capacity.scope,
            reason=_reason(snapshot) if sight.flavors else None,
            flavors=flavor_availability(sight, self.settings, capacity, snapshot.holders, missing),
            unknown_flavor=_unknown_flavor(sight, snapshot),
        )

    def fragment(self, sight: Sight, snapshot: Snapshot) -> str:
        """Return the part of the page that changes, as HTML."""
        view = build_availability_view(self.of(sight, snapshot), admin=sight.admin)
        return self._templates.get_template(FRAGMENT).render(view=view)

    def shared_fragment(self, sight: Sight, snapshot: Snapshot) -> str:
        """Return the same, made once for each version: a change is one for every open page."""
        if snapshot.version != self._version:
            self._version = snapshot.version
            self._fragments = {}
        found = self._fragments.get(sight)
        if found is None:
            found = self._fragments[sight] = self.fragment(sight, snapshot)
        return found


def _reason(snapshot: Snapshot) -> Reason | None:
    capacity = snapshot.capacity
    if snapshot.counting:
        return Reason(
            code=AVAILABILITY_UNKNOWN,
            message="The cluster's accelerators are still being counted. Next: wait, this page "
            "goes on by itself. Servers can be started all the same.",
        )
    if capacity is None:
        return Reason(
            code=AVAILABILITY_UNKNOWN,
            message=f"Which accelerators are free is not known since "
            f"{snapshot.as_of:%Y-%m-%d %H:%M:%S} UTC, because what counts them does not answer at "
            "the moment. Next: wait, this page goes on by itself. Servers can be started all the "
            "same.",
        )
    if capacity.scope == "namespace":
        return Reason(
            code=NOT_VISIBLE,
            message="Which accelerators are free cannot be told: this hub may look at its own "
            "servers only, and not at the rest of the cluster. You can start a server all the "
            "same, and are told if it has to wait. Next: ask an administrator of this hub, who "
            "can allow it to look (config/kubernetes/offers.yaml).",
        )
    return None


def _unknown_flavor(sight: Sight, snapshot: Snapshot) -> dict[str, int] | None:
    if not sight.admin:
        return None
    return {} if snapshot.capacity is None else dict(snapshot.capacity.unknown_flavor)
