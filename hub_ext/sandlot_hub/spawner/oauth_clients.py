"""As whom a server asks the hub who somebody is: a name that no other server has.

The hub joins the names of user and server with a hyphen, which both can hold: the server
``b`` of ``a`` and the default server of ``a-b`` then are one to it, and whoever starts one
gets the other's secret and address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_hub.domain.values.names import safe_slug

if TYPE_CHECKING:
    from jupyterhub.spawner import Spawner

_PREFIX = "jupyterhub-user-"
_MAXIMUM = 200
"""Of the hub's own names; its database holds 255 characters."""


def oauth_client_id(by_hub: str, *, owner: str, server_name: str) -> str:
    """Return the name of a server's OAuth client; also that of its cookie.

    Parameters
    ----------
    by_hub
        What the hub calls it. That stays for default servers, unless it is too long.
    owner
        The user's name.
    server_name
        Empty for the default server.
    """
    if not server_name and len(by_hub) <= _MAXIMUM:
        return by_hub
    # The hub escapes this mark in names, so that none of its own names has it.
    return f"{_PREFIX}{safe_slug(owner)}!{safe_slug(server_name) if server_name else ''}"


def take_own_client(spawner: Spawner) -> None:
    """Give a server a client of its own.

    One that runs keeps the client that it was started with, by whatever kind of spawner: it
    asks the hub by that name until it ends.
    """
    kept = spawner.orm_spawner  # None outside of a hub
    if kept is not None and kept.oauth_client is None:
        spawner.oauth_client_id = oauth_client_id(
            spawner.oauth_client_id, owner=spawner.user.name, server_name=spawner.name
        )
