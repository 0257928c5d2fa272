"""Errors as people and programs get them: problem documents (RFC 9457).

Only a `ProblemError` says something of its own. Every other error becomes the general sentence
of its status: what libraries put into their exceptions (addresses, host names, parts of the
request) is for the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tornado.web import HTTPError

from sandlot_contracts.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class ProblemError(HTTPError):
    """Ends a request with a problem document.

    Parameters
    ----------
    problem
        What the caller is told.
    headers
        Headers that belong to it, such as ``Retry-After``.
    """

    def __init__(self, problem: Problem, *, headers: Mapping[str, str] = _NOTHING) -> None:
        super().__init__(problem.status, problem.code)
        self.problem = problem
        self.headers = headers


@dataclass(frozen=True, slots=True)
class _General:
    code: str
    detail: str


_GENERAL: Mapping[int, _General] = MappingProxyType(
    {
        400: _General("bad-request", "The request could not be understood. Next: check its form."),
        401: _General("login-required", "This needs to know who asks. Next: log in."),
        403: _General("forbidden", "This is not allowed for you. Next: ask an administrator."),
        404: _General("not-found", "There is nothing at this address. Next: check its spelling."),
        405: _General("method-not-allowed", "This address does not take this method."),
    }
)


def build_problem(  # noqa: PLR0913 (one parameter per member of the document)
    status: int,
    code: str,
    detail: str,
    *,
    field: str | None = None,
    params: Mapping[str, Any] = _NOTHING,
    retry_at: str | None = None,
) -> Problem:
    """Return a problem document; its title is the status in words."""
    return Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        message=detail,
        code=code,
        field=field,
        params=dict(params),
        retry_at=retry_at,
    )


def general_problem(status: int) -> Problem:
    """Return the document of a 4xx error that has nothing of its own to say."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        # A status of nobody's making; the class is all that is certain.
        status, phrase = HTTPStatus.BAD_REQUEST, HTTPStatus.BAD_REQUEST.phrase
    general = _GENERAL.get(
        status, _General(f"http-{int(status)}", f"The request was refused: {phrase.lower()}.")
    )
    return build_problem(status, general.code, general.detail)


def internal_problem(service: str, incident: str) -> Problem:
    """Return the document of a failure of our own: no cause, only where the log tells it."""
    return build_problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        f"Something failed inside the {service} service; it is not your fault. Next: try again, "
        f"and if it stays so, give an administrator the number {incident}.",
        params={"incident": incident},
    )
