"""The hub's entries of Sandlot's services, the same wherever they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE_SCOPES: Mapping[str, tuple[str, ...]] = {"offers": ("custom:sandlot-offers:read",)}
"""What the login of a person at a service's pages may do there."""

SERVICE_INFO: Mapping[str, Mapping[str, str]] = {
    "offers": {
        "title": "Availability",
        "description": "What you can start at the moment, and why the rest is off.",
    },
}
"""How services are called on the home page; one without a title is not listed there."""


def service_entry(name: str, url: str, **more: Any) -> dict[str, Any]:
    """Return an entry for ``c.JupyterHub.services``.

    Parameters
    ----------
    name
        The service.
    url
        Where the proxy reaches it.
    **more
        What depends on who runs it: a token, or a command.
    """
    return {
        "name": name,
        "url": url,
        "oauth_client_allowed_scopes": list(SERVICE_SCOPES.get(name, ())),
        # Ours: asking people whether they trust it tells them nothing.
        "oauth_no_confirm": True,
        # On the home page instead of in the navigation bar, see `SERVICE_INFO`.
        "display": False,
        "info": {"sandlot": dict(SERVICE_INFO[name])} if name in SERVICE_INFO else {},
        # The hub waits this long for it at its own start; people can log in without it.
        "timeout": 5,
        **more,
    }
