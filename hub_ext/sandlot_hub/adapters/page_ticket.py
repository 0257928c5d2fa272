"""Tickets: what the hub tells the offers service about the person who looks at a spawn page.

The hub signs one into each page, and the page shows it to the service's stream. So the service
knows name and groups without a login of its own, and without asking the hub. Whoever holds a
ticket can read that stream for a few minutes, and do nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tornado.web import create_signed_value, decode_signed_value

TICKET_SECONDS = 600
"""How long a ticket is good for."""
MAX_TICKET = 16 * 1024
"""Characters of the longest ticket that is read; proxies refuse headers that are not much longer."""

TicketKind = Literal["page", "hub"]
"""``page``: the stream of one open page. ``hub``: the stream that keeps the hub up to date."""

_NAME = "sandlot-page-ticket"
_VERSION = 2
_FORMAT_DAYS = 36_500
"""Tornado's own limit of age says nothing of why; the ticket's is checked here."""
_AHEAD_S = 60
"""How far the hub's clock may be ahead of the service's, in seconds."""


class TicketCode(StrEnum):
    """Why a ticket cannot be used."""

    MISSING = "ticket-missing"
    INVALID = "ticket-invalid"
    EXPIRED = "ticket-expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTicket:
    """Who a ticket is for, as the hub knew them when it signed it."""

    kind: TicketKind
    user: str
    groups: frozenset[str] = frozenset()
    admin: bool = False
    signed: float = field(default=0.0, compare=False)
    """When it was signed, in seconds since 1970; set by `read_ticket`."""

    @property
    def expires(self) -> float:
        """When it ends, in seconds since 1970."""
        return self.signed + TICKET_SECONDS


class TicketError(Exception):
    """A ticket cannot be used."""

    def __init__(self, code: TicketCode) -> None:
        super().__init__(code)
        self.code = code


class _Signed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: TicketKind
    user: Annotated[str, Field(min_length=1)]
    # The JSON has a list; strict mode would want a set.
    groups: list[str]
    admin: bool
    signed: float


def ticket_key(service_token: str) -> bytes:
    """Return the key of a service's tickets.

    Made from its API token, which the hub and the service hold and nobody else: no second
    secret has to be kept.
    """
    return hmac.digest(service_token.encode(), b"page tickets", hashlib.sha256)


def sign_ticket(ticket: PageTicket, *, key: bytes, now: float) -> str:
    """Return a ticket as text that fits into a header.

    Parameters
    ----------
    ticket
        Whom it is for. Groups that no settings name only make it longer: leave them out, since
        a ticket of more than `MAX_TICKET` characters is not read.
    key
        As `ticket_key` returns it.
    now
        Seconds since 1970.
    """
    content = _Signed(
        kind=ticket.kind,
        user=ticket.user,
        groups=sorted(ticket.groups),
        admin=ticket.admin,
        signed=now,
    )
    signed = create_signed_value(
        key, _NAME, content.model_dump_json(), version=_VERSION, clock=lambda: now
    )
    return signed.decode("ascii")


def read_ticket(text: str, *, key: bytes, now: float) -> PageTicket:
    """Return what the hub signed.

    Parameters
    ----------
    text
        What came in the header, written by anybody.
    key
        As `ticket_key` returns it.
    now
        Seconds since 1970.

    Raises
    ------
    TicketError
        If there is none, it was not signed with this key, it is dated in the future, or it has
        expired. The error never repeats the ticket.
    """
    if not text:
        raise TicketError(TicketCode.MISSING)
    content = None if len(text) > MAX_TICKET else _verified(text, key=key, now=now)
    if content is None or content.signed > now + _AHEAD_S:
        raise TicketError(TicketCode.INVALID)
    if now >= content.signed + TICKET_SECONDS:
        raise TicketError(TicketCode.EXPIRED)
    return PageTicket(
        kind=content.kind,
        user=content.user,
        groups=frozenset(content.groups),
        admin=content.admin,
        signed=content.signed,
    )


def _verified(text: str, *, key: bytes, now: float) -> _Signed | None:
    # Else it could not be encoded, and what was signed is ASCII anyway.
    if not text.isascii():
        return None
    value = decode_signed_value(
        key, _NAME, text, max_age_days=_FORMAT_DAYS, clock=lambda: now, min_version=_VERSION
    )
    if value is None:
        return None
    try:
        return _Signed.model_validate_json(value)
    except ValidationError:
        # Signed by us, but of another version of Sandlot.
        return None
