"""The one exception of this transport, and every refusal that starts here.

::

    ProblemError                      any status, carries a whole problem document
    ├── VisitorError                  403  visitor-not-owner
    ├── ServicesUnknownError          503  services-unknown
    ├── ServiceUnreachableError       503  service-unreachable
    ├── ServiceTimeoutError           504  service-timeout
    ├── ServiceReplyError             502  service-reply
    ├── ServiceRefusedError           the status and code of the service
    ├── BodyError                     400  body-json
    ├── BodyInvalidError              422  body-invalid
    ├── ClustersOffError              404  clusters-off
    ├── ClusterUnknownError           404  cluster-unknown
    ├── DashboardMissingError         409  dashboard-missing
    ├── DashboardUnreachableError     503  dashboard-unreachable
    └── DashboardReplyError           502  dashboard-reply
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tornado.web import HTTPError
from typing_extensions import override

if TYPE_CHECKING:
    from sandlot_contracts.problem import Problem


class ProblemError(HTTPError):
    """Answered as ``application/problem+json``; the subclass gives code, status and title."""

    code: str
    """Stable, for clients and translations."""
    status: int
    title: str

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(self.status, "%s", detail)
        self.detail = detail
        self.field = field

    def problem(self) -> Problem:
        """Return the document to answer with."""
        return build_problem(
            status=self.status,
            code=self.code,
            title=self.title,
            detail=self.detail,
            field=self.field,
        )


class VisitorError(ProblemError):
    """A visitor asked for what only the owner may see or do."""

    code = "visitor-not-owner"
    status = 403
    title = "Only for the owner of this server"


class ServicesUnknownError(ProblemError):
    """Nobody told this server where the hub's services are."""

    code = "services-unknown"
    status = 503
    title = "The hub's services are not known here"


class ServiceUnreachableError(ProblemError):
    """No connection to a service of the hub."""

    code = "service-unreachable"
    status = 503
    title = "A service of the hub cannot be reached"


class ServiceTimeoutError(ProblemError):
    """A service of the hub did not answer in time."""

    code = "service-timeout"
    status = 504
    title = "A service of the hub did not answer"


class ServiceReplyError(ProblemError):
    """Something answered in place of a service, or a service of another time."""

    code = "service-reply"
    status = 502
    title = "A service of the hub gave an answer that makes no sense here"


class ServiceRefusedError(ProblemError):
    """A service refused; its own words are passed on unchanged."""

    def __init__(self, problem: Problem) -> None:
        self.code = problem.code
        self.status = problem.status
        self.title = problem.title
        super().__init__(problem.detail)
        self._problem = problem

    @override
    def problem(self) -> Problem:
        return self._problem


class BodyError(ProblemError):
    """A request carries something that is not JSON."""

    code = "body-json"
    status = 400
    title = "The request is malformed"


class BodyInvalidError(ProblemError):
    """A request carries a field that is wrong; it is named."""

    code = "body-invalid"
    status = 422
    title = "The request does not fit"


class ClustersOffError(ProblemError):
    """There are no Dask clusters at this hub."""

    code = "clusters-off"
    status = 404
    title = "No Dask clusters here"


class ClusterUnknownError(ProblemError):
    """A name that no cluster has."""

    code = "cluster-unknown"
    status = 404
    title = "No such cluster"


class DashboardMissingError(ProblemError):
    """The cluster has no dashboard now."""

    code = "dashboard-missing"
    status = 409
    title = "No dashboard now"


class DashboardUnreachableError(ProblemError):
    """A dashboard that should be there does not answer."""

    code = "dashboard-unreachable"
    status = 503
    title = "The dashboard does not answer"


class DashboardReplyError(ProblemError):
    """A dashboard gave an answer that is not passed on."""

    code = "dashboard-reply"
    status = 502
    title = "The dashboard gave an answer that is not shown"


def build_problem(
    *, status: int, code: str, title: str, detail: str, field: str | None = None
) -> Problem:
    """Return a problem document whose two texts agree."""
    # pydantic is wanted only once something went wrong; see the package docstring.
    from sandlot_contracts.problem import Problem  # noqa: PLC0415

    return Problem(
        status=status, code=code, title=title, detail=detail, message=detail, field=field
    )
