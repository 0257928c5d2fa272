"""Who may use an entry of the catalogue, and who may know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_hub.domain.values.names import joined, shorten

if TYPE_CHECKING:
    from sandlot_hub.domain.values.entitlements import Entitlements

    from .base import AllowSettings
    from .model import CatalogueEntry, SandlotSettings


def is_allowed(allow: AllowSettings, entitlements: Entitlements) -> bool:
    """Return whether somebody may use an entry: everybody may when it names nobody."""
    if not allow.groups and not allow.users:
        return True
    return entitlements.user in allow.users or not entitlements.groups.isdisjoint(allow.groups)


def is_known(entry: CatalogueEntry, entitlements: Entitlements) -> bool:
    """Return whether somebody may know that an entry exists."""
    return not entry.hidden or is_allowed(entry.allow, entitlements)


def named_groups(settings: SandlotSettings) -> frozenset[str]:
    """Return the groups that decide what somebody may use: all others make no difference."""
    return frozenset(group for entry in settings.entries for group in entry.allow.groups)


def describe_audience(allow: AllowSettings) -> str:
    """Return for whom an entry is, without naming people: ``members of cs101 or ml``."""
    if not allow.groups:
        return "certain people"
    return "members of " + joined([shorten(group, 40) for group in allow.groups], maximum=3)
