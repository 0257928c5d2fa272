"""Which accelerators somebody sees, and whether they see who has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandlot_contracts.availability import FlavorAvailability, Holder
from sandlot_hub.domain.settings.access import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandlot_contracts.capacity import CapacityState, FlavorState
    from sandlot_hub.domain.settings.model import SandlotSettings
    from sandlot_hub.domain.values.entitlements import Entitlements

    Holders = Mapping[str, Mapping[str, int]]
    """Accelerators that users of this hub have: by flavor, then by user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What somebody may see. Whoever has the same sees the same."""

    flavors: tuple[str, ...]
    """Slugs, in the order of the settings."""
    people: bool
    """Whether they see who has them."""
    admin: bool
    """Whether they see what only administrators can put right."""


def sight_of(entitlements: Entitlements, settings: SandlotSettings) -> Sight:
    """Return what somebody may see.

    A flavor that only hidden choices have, which are hidden from them, stays hidden as well.
    """
    known = set(_known_flavors(entitlements, settings))
    rule = settings.availability.show_users
    people = (
        entitlements.admin
        or rule.everybody
        or entitlements.user in rule.users
        or not entitlements.groups.isdisjoint(rule.groups)
    )
    return Sight(
        flavors=tuple(
            slug for slug in settings.accelerators if entitlements.admin or slug in known
        ),
        people=people,
        admin=entitlements.admin,
    )


def flavor_availability(
    sight: Sight,
    settings: SandlotSettings,
    capacity: CapacityState | None,
    holders: Holders,
    missing: Mapping[str, str],
) -> tuple[FlavorAvailability, ...]:
    """Return each flavor that somebody sees, as it is now.

    Parameters
    ----------
    sight
        What they may see.
    settings
        The names of the flavors.
    capacity
        What is free; None when that is not known.
    holders
        Who has them, of the users of this hub.
    missing
        Why there are none at all, one sentence, by the slugs of flavors.
    """
    states = {} if capacity is None else capacity.flavors
    return tuple(
        FlavorAvailability(
            slug=slug,
            display_name=settings.accelerators[slug].display_name,
            state=states.get(slug),
            missing=missing.get(slug),
            holders=_holders(states.get(slug), holders.get(slug, {})) if sight.people else None,
        )
        for slug in sight.flavors
    )


def _known_flavors(entitlements: Entitlements, settings: SandlotSettings) -> Iterator[str]:
    for profile in settings.profiles.values():
        if not is_known(profile, entitlements):
            continue
        for size in map(settings.sizes.__getitem__, profile.sizes):
            if size.accelerator is not None and is_known(size, entitlements):
                yield size.accelerator.flavor


def _holders(state: FlavorState | None, users: Mapping[str, int]) -> tuple[Holder, ...] | None:
    if state is None:
        return None
    named = [Holder(user=name, count=count) for name, count in users.items() if count > 0]
    named.sort(key=lambda holder: (-holder.count, holder.user or ""))
    others = state.used - sum(holder.count for holder in named)
    return (*named, *((Holder(user=None, count=others),) if others > 0 else ()))
