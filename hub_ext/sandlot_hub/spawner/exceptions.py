"""How people are told that a server was not started.

::

    jupyterhub.spawner.SpawnException
    ├── SpawnRefused            our rules refuse the request: 4xx, not a failure of the hub
    └── SpawnFailed             the user's own server ended or did not answer: 424, neither;
                                nor is a cluster in trouble: 503
    tornado.web.HTTPError
    ├── SpawnUnavailableError   Sandlot or the machine is at fault: 503, and counted
    ├── StartUnderwayError      a second request at the same moment: a redirect to the first
    └── UnconfirmedStartError   an address that must not start: a redirect to the form

Why the second is not counted: what makes a user's process end is in that user's hands
(a package in the home that shadows another, a broken configuration file), and the hub
exits after ``consecutive_failure_limit`` errors. Counting would let one person stop
the hub for everybody, and restarting the hub would mend nothing. Nor would it mend a
cluster that does not answer for a minute.

The first three set ``jupyterhub_message`` and ``jupyterhub_html_message``: the spawn form,
progress events and the pending page read nothing else, so a plain `SpawnException`
appears there as its ``repr`` or not at all. They also set ``headers``, because
the hub's JSON errors consist of a status and a sentence: the `PROBLEM_HEADER` brings
code, field and alternatives to REST clients.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from jupyterhub.spawner import SpawnException
from tornado.web import HTTPError
from typing_extensions import override

from sandlot_contracts.problem import Problem

if TYPE_CHECKING:
    from sandlot_hub.domain.values.refusals import Refused

PROBLEM_HEADER = "Sandlot-Problem"
"""Response header with the `Problem` as JSON in ASCII."""

_HEADER_MAXIMUM = 4000  # bytes; proxies commonly allow 8 KiB for all headers together
_FAILED_STATUS = 424  # Failed Dependency: the request was fine, what it started was not
_TROUBLE_STATUS = 503
_SEE_OTHER = 303


def _message_html(message: str, code: str) -> str:
    """Return the sentence for HTML, with its code in small print for support."""
    return f'{escape(message)} <small class="sandlot-code">Code: {escape(code)}</small>'


def _problem_headers(problem: Problem) -> dict[str, str]:
    document = problem.model_dump(mode="json", exclude_none=True)
    text = json.dumps(document, separators=(",", ":"))
    if len(text) > _HEADER_MAXIMUM:
        document.update(alternatives=[], params={})
        text = json.dumps(document, separators=(",", ":"))
    if len(text) > _HEADER_MAXIMUM:
        text = json.dumps({"status": problem.status, "code": problem.code})
    return {PROBLEM_HEADER: text}


class SpawnRefused(SpawnException):
    """A request that our rules refuse. The one wrapper of `Refused` for the hub's transports."""

    def __init__(self, refused: Refused) -> None:
        html = _message_html(refused.message, refused.code)
        super().__init__(
            refused.message,
            reason=refused.code.value,
            message_html=html,
            status_code=refused.status,
        )
        self.refused = refused
        self.code: str = refused.code.value
        self.jupyterhub_message = refused.message
        self.jupyterhub_html_message = html
        self.headers = _problem_headers(
            Problem(
                title="The start was refused",
                status=refused.status,
                detail=refused.message,
                message=refused.message,
                code=refused.code,
                field=refused.field,
                params=dict(refused.params),
                alternatives=refused.alternatives,
            )
        )


class SpawnFailed(SpawnException):
    """The user's own process ended, or did not answer in time.

    Parameters
    ----------
    message
        What happened, why, and what to do next, as plain text.
    code
        Stable code; also the ``reason`` of the hub's spawn metric.
    details
        Lines that help to find the cause, such as the end of the server's log.
    unavailable
        Whether what servers run on is at fault, and not this one server: 503 then.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        details: tuple[str, ...] = (),
        unavailable: bool = False,
    ) -> None:
        html = _message_html(message, code)
        status = _TROUBLE_STATUS if unavailable else _FAILED_STATUS
        super().__init__(message, reason=code, message_html=html, status_code=status)
        self.code = code
        self.details = details
        self.jupyterhub_message = message
        self.jupyterhub_html_message = html
        self.headers = _problem_headers(
            _problem("The server did not start", message, code=code, status=status)
        )


class SpawnUnavailableError(HTTPError):
    """Sandlot or the machine is at fault, not the user and not the user's process."""

    def __init__(self, message: str, *, code: str) -> None:
        self.code = code
        super().__init__(_TROUBLE_STATUS, message)
        self.jupyterhub_message = message
        self.jupyterhub_html_message = _message_html(message, code)
        self.headers = _problem_headers(
            _problem("Servers cannot be started", message, code=code, status=_TROUBLE_STATUS)
        )

    @property  # type: ignore[explicit-override]  # mypy does not see it on a pair
    @override
    def reason(self) -> str:
        """The code, as the ``reason`` of the hub's spawn metric."""
        return self.code

    @reason.setter
    @override
    def reason(self, value: str | None) -> None:
        # The hub overwrites the reason of every HTTPError with "error" just before it
        # counts it, and the metric would no longer tell what kind of trouble it was.
        del value


class StartUnderwayError(HTTPError):
    """Another request has asked for the same server just now: see how that one goes.

    The hub answers with the status and the headers of what is raised while it reads a
    form, so this is a redirect.

    Parameters
    ----------
    pending_url
        Path of the page that shows the start.
    """

    def __init__(self, pending_url: str) -> None:
        super().__init__(_SEE_OTHER, "This server is being started already.")
        self.headers = {"Location": pending_url}


class UnconfirmedStartError(HTTPError):
    """An address that somebody else may have written asks for a start: let its reader press it.

    A redirect, like `StartUnderwayError`.

    Parameters
    ----------
    form_url
        Path of the form, with the choice filled in.
    """

    def __init__(self, form_url: str) -> None:
        super().__init__(_SEE_OTHER, "This address fills in the form. Press Start there.")
        self.headers = {"Location": form_url}


def _problem(title: str, message: str, *, code: str, status: int) -> Problem:
    return Problem(title=title, status=status, detail=message, message=message, code=code)
