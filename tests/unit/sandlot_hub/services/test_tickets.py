"""Tests of tickets in place of a login."""

from __future__ import annotations

import pytest

from sandlot_contracts.offers import TICKET_HEADER
from sandlot_hub.adapters.page_ticket import (
    TICKET_SECONDS,
    PageTicket,
    TicketKind,
    sign_ticket,
    ticket_key,
)
from sandlot_hub.services.access import Ticket
from sandlot_hub.services.errors import ProblemError
from sandlot_hub.services.tickets import Tickets
from support.virtual_time import START, VirtualTime

KEY = ticket_key("service-token")


def signed(kind: TicketKind = "page", *, key: bytes = KEY) -> str:
    ticket = PageTicket(kind=kind, user="ann", groups=frozenset({"ml"}))
    return sign_ticket(ticket, key=key, now=START.timestamp())


@pytest.mark.parametrize(
    ("text", "seconds", "kind", "code"),
    [
        pytest.param(signed(), 0, "page", None, id="page"),
        pytest.param(signed("hub"), 0, "hub", None, id="hub"),
        pytest.param(signed(), 0, "hub", "ticket-invalid", id="a-page-for-the-hub"),
        pytest.param(signed("hub"), 0, "page", "ticket-invalid", id="the-hub-for-a-page"),
        pytest.param(None, 0, "page", "ticket-missing", id="none"),
        pytest.param("", 0, "page", "ticket-missing", id="empty"),
        pytest.param(signed()[:-1] + "x", 0, "page", "ticket-invalid", id="altered"),
        pytest.param(f"{signed()},{signed()}", 0, "page", "ticket-invalid", id="sent-twice"),
        pytest.param(
            signed(key=ticket_key("x")), 0, "page", "ticket-invalid", id="of-another-service"
        ),
        pytest.param(signed(), TICKET_SECONDS, "page", "ticket-expired", id="expired"),
    ],
)
def test_who_may(text: str | None, seconds: float, kind: TicketKind, code: str | None) -> None:
    tickets = Tickets(key=KEY, clock=VirtualTime(seconds))
    headers = {} if text is None else {TICKET_HEADER: text}
    if code is None:
        assert tickets.read(headers, Ticket(kind=kind)).user == "ann"
        return
    with pytest.raises(ProblemError) as caught:
        tickets.read(headers, Ticket(kind=kind))
    problem = caught.value.problem
    assert (problem.status, problem.code) == (401, code)
    assert "Next: " in problem.detail
    assert not text or text not in f"{problem}{caught.value}"
    assert "WWW-Authenticate" in caught.value.headers


def test_how_long_it_is_good() -> None:
    clock = VirtualTime()
    tickets = Tickets(key=KEY, clock=clock)
    ticket = tickets.read({TICKET_HEADER: signed()}, Ticket(kind="page"))
    clock.seconds = 100
    assert tickets.seconds_left(ticket) == TICKET_SECONDS - 100
