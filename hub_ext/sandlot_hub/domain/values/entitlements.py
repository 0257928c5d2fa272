"""Who somebody is, as far as profiles are concerned."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlements:
    """A user's name, groups and role. Groups come from the one port, `EntitlementsSource`."""

    user: str
    groups: frozenset[str] = frozenset()
    admin: bool = False
