"""Who may call a route: one of five policies, stated in the route table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandlot_hub.adapters.hub_identity import HubIdentity
    from sandlot_hub.adapters.page_ticket import TicketKind

    ScopeCheck = Callable[[str, Iterable[str]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Everybody, without a login. Only what tells nothing about anybody may be open."""

    reason: str
    """Why it has to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenApi:
    """Programs with a user's token, in the Authorization header.

    A page of this service may read (never change) with its cookie and XSRF token.
    """

    scopes: frozenset[str]
    """Custom scopes that the token must hold, all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """People with a browser, logged in at the hub by OAuth."""

    scopes: frozenset[str]
    """Custom scopes that their login must hold, all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Programs of the installation, such as Prometheus: users and services, by a hub scope."""

    scopes: frozenset[str]
    """Scopes of the hub itself, all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Whoever shows a ticket that the hub signed (`sandlot_hub.adapters.page_ticket`).

    The hub is not asked and nobody needs a login; it is read only. A ticket says who its user is,
    and what it says of groups is as old as the ticket.
    """

    kind: TicketKind
    """The one kind of ticket that is good for this route."""


Access = Open | TokenApi | Page | Machine | Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """Why somebody who is known may not call a route."""

    code: str
    message: str
    scope: str | None = None
    """The scope that is missing."""


def decide_access(
    identity: HubIdentity,
    access: TokenApi | Page | Machine,
    *,
    audience: str,
    has_scope: ScopeCheck,
) -> Denied | None:
    """Decide whether a known caller may call a route. Groups and names play no part.

    Parameters
    ----------
    identity
        The caller, and what the token may do.
    access
        The route's policy.
    audience
        The scope that allows using a token with this service at all. A token that was made for
        another service must be worthless here, even when it holds every other scope.
    has_scope
        The hub's own rule for comparing scopes: (required, held) to whether it is held.

    Returns
    -------
    Denied or None
        None when the caller may.
    """
    if not isinstance(access, Machine):
        if identity.kind != "user":
            return Denied(
                code="user-needed",
                message="This answer depends on who asks, and a service is nobody. "
                "Next: use the token of a user.",
            )
        if not has_scope(audience, identity.scopes):
            return _missing(audience, "The token was not made for this service.")
    for scope in sorted(access.scopes):
        if not has_scope(scope, identity.scopes):
            return _missing(scope, "The token may not do this.")
    return None


def _missing(scope: str, sentence: str) -> Denied:
    return Denied(
        code="scope-missing",
        message=f"{sentence} Next: use one that holds the scope {scope}.",
        scope=scope,
    )
