"""Who sends a request: the owner of this server, or somebody who visits it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated sender of a request."""

    name: str
    visitor: bool
    """Whether this is not the owner: the server is shared, or an administrator came in."""


def identify(user: object, *, owner: str) -> Caller:
    """Tell the owner from a visitor.

    Parameters
    ----------
    user
        What jupyter-server's identity provider returned. The hub's provider puts the
        hub's own model of the user into ``hub_user``.
    owner
        Name of the user that the server belongs to; empty without a hub.

    Notes
    -----
    Under a hub only a *user* of the owner's name is the owner: a service may carry the
    same name, and an identity that the hub did not vouch for proves nothing.
    """
    name = str(getattr(user, "username", ""))
    if not owner:
        return Caller(name=name, visitor=False)
    hub_user = getattr(user, "hub_user", None)
    if not isinstance(hub_user, Mapping):
        return Caller(name=name, visitor=True)
    name = str(hub_user.get("name", ""))
    is_owner = name == owner and hub_user.get("kind", "user") == "user"
    return Caller(name=name, visitor=not is_owner)
