"""Tickets of the hub in place of a login: see `sandlot_hub.adapters.page_ticket`."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from sandlot_contracts.offers import TICKET_HEADER
from sandlot_hub.adapters.page_ticket import PageTicket, TicketCode, TicketError, read_ticket

from .errors import ProblemError, build_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_hub.domain.values.ports import Clock

    from .access import Ticket


class Tickets:
    """Reads the ticket of a request.

    Parameters
    ----------
    key
        What the hub signs tickets of this service with.
    clock
        The time.
    """

    def __init__(self, *, key: bytes, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def read(self, headers: Mapping[str, str], access: Ticket) -> PageTicket:
        """Return the ticket that came with a request.

        Raises
        ------
        ProblemError
            401 when there is none, or none that is good for the route.
        """
        text = headers.get(TICKET_HEADER, "")
        try:
            ticket = read_ticket(text, key=self._key, now=self._clock.now().timestamp())
        except TicketError as error:
            raise _refused(error.code) from error
        if ticket.kind != access.kind:
            raise _refused(TicketCode.INVALID)
        return ticket

    def seconds_left(self, ticket: PageTicket) -> float:
        """Return how long a ticket is still good, in seconds."""
        return ticket.expires - self._clock.now().timestamp()


def _refused(code: TicketCode) -> ProblemError:
    problem = build_problem(HTTPStatus.UNAUTHORIZED, code, _sentence(code))
    return ProblemError(problem, headers={"WWW-Authenticate": 'Ticket realm="sandlot"'})


def _sentence(code: TicketCode) -> str:
    match code:
        case TicketCode.MISSING:
            return (
                f"This is for pages of the hub, which send a ticket in the header {TICKET_HEADER}. "
                "Next: open the hub's page."
            )
        case TicketCode.EXPIRED:
            return "The ticket of this page has expired. Next: get a new one from the hub."
        case TicketCode.INVALID:
            return (
                "The ticket is not one that the hub made for this address. "
                "Next: get a new one from the hub."
            )
