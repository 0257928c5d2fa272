"""Who the owner of a server is, asked of the hub that the spawner runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sandlot_hub.domain.values.entitlements import Entitlements

if TYPE_CHECKING:
    from collections.abc import Iterable


class HubGroup(Protocol):
    """The part of the hub's group that is used."""

    name: str


class HubUser(Protocol):
    """The part of the hub's user that is used."""

    name: str
    admin: bool

    @property
    def groups(self) -> Iterable[HubGroup]:
        """The groups that the user is a member of now."""
        ...


class HubGroups:
    """The hub's own groups of one user. Implements `domain.ports.EntitlementsSource`."""

    def __init__(self, user: HubUser) -> None:
        self._user = user

    def entitlements(self, user: str) -> Entitlements:
        """Return the groups that `user` is in now; none for anybody but the server's owner."""
        if user != self._user.name:
            return Entitlements(user=user)
        groups = frozenset(group.name for group in self._user.groups)
        return Entitlements(user=user, groups=groups, admin=self._user.admin)
