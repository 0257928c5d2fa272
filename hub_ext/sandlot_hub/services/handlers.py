"""The base of every handler. Who may call is decided here, before any code of a service runs."""

from __future__ import annotations

import logging
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from jupyterhub.services.auth import HubOAuthenticated
from tornado.web import HTTPError, RequestHandler
from typing_extensions import override

from sandlot_contracts.problem import PROBLEM_MEDIA_TYPE

from .access import Open, Ticket
from .errors import ProblemError, build_problem, general_problem, internal_problem
from .logs import FIELDS

if TYPE_CHECKING:
    from types import TracebackType

    from pydantic import BaseModel

    from sandlot_contracts.problem import Problem
    from sandlot_hub.adapters.hub_identity import HubIdentity
    from sandlot_hub.adapters.page_ticket import PageTicket

    from .access import Access
    from .context import ServiceContext

logger = logging.getLogger(__name__)

MAX_BODY = 1024 * 1024
"""Bytes that the server reads of a body; what a handler takes is far less (`bodies`)."""
TOKEN_PARAMETERS = frozenset({"token", "access_token", "api_token"})
HTTP_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class ServiceHandler(HubOAuthenticated, RequestHandler):
    """One route. Subclasses add methods; none can replace `prepare`.

    Attributes
    ----------
    context
        The service.
    template
        The route as metrics and logs name it.
    access
        Who may call it.
    caller
        Who calls; None on routes that are open or for tickets.
    ticket
        What the hub signed for the one who calls; on routes for tickets only.
    incident
        Number of this request in the log.
    """

    context: ServiceContext
    template: str
    access: Access
    caller: HubIdentity | None
    ticket: PageTicket | None
    incident: str

    @override
    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a handler that would decide for itself who may call it."""
        super().__init_subclass__(**kwargs)
        if cls.prepare is not ServiceHandler.prepare:
            message = f"{cls.__name__} must not replace prepare(): it lets callers in"
            raise TypeError(message)

    @override
    def initialize(
        self, *, context: ServiceContext, template: str, access: Access, **parts: Any
    ) -> None:
        """Take what the route table says; `parts` become attributes, which subclasses declare."""
        for name, part in parts.items():
            setattr(self, name, part)
        self.context = context
        self.template = template
        self.access = access
        self.caller = None
        self.ticket = None
        self.incident = secrets.token_hex(6)
        self.hub_auth = context.oauth
        context.in_flight.enter()

    @override
    def set_default_headers(self) -> None:
        """Set the headers of every answer, errors included."""
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header(
            "Content-Security-Policy",
            "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
        )

    @override
    async def prepare(self) -> None:
        """Let the caller in, or end the request. Runs before every method of every handler."""
        self._check_method()
        self._check_url()
        if isinstance(self.access, Open):
            return
        if isinstance(self.access, Ticket):
            # A browser asks without the ticket whether it may send one (CORS preflight). Only
            # handlers that mean to answer that have this method.
            if self.request.method != "OPTIONS":
                self.ticket = self.context.tickets.read(self.request.headers, self.access)
            return
        self.caller = await self.context.authenticator.authenticate(self, self.access)
        # Otherwise JupyterHub's code would find the user by itself, blocking.
        self.current_user = self.caller

    @override
    def get_current_user(self) -> None:
        """Return nobody: only `prepare` says who calls."""
        return

    @override
    async def head(self, *args: str, **kwargs: str) -> None:
        """Answer like GET; tornado leaves the body out."""
        result = self.get(*args, **kwargs)
        if result is not None:
            await result

    @property
    def user(self) -> HubIdentity:
        """The caller, on a route that is not open."""
        if self.caller is None:
            message = f"{self.template} is open: nobody is known there"
            raise RuntimeError(message)
        return self.caller

    def write_model(self, model: BaseModel) -> None:
        """Answer with a wire type."""
        self.set_header("Content-Type", "application/json")
        self.write(model.model_dump_json())

    @override
    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with a problem document, whatever was raised."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, ProblemError):
            problem = error.problem
            for name, value in error.headers.items():
                self.set_header(name, value)
        elif status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            problem = general_problem(status_code)
        else:
            problem = internal_problem(self.context.config.name, self.incident)
        self.set_status(problem.status)
        if problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(allowed_methods(type(self))))
        self.write_problem(problem)

    def write_problem(self, problem: Problem) -> None:
        """Answer with `problem` as JSON."""
        self.set_header("Content-Type", PROBLEM_MEDIA_TYPE)
        self.write(problem.model_dump_json(exclude_none=True))

    @override
    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log failures of our own with the number that the caller is told."""
        if isinstance(value, HTTPError) and value.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return  # The line of the request says it all.
        if isinstance(value, ProblemError):
            return  # Meant: the service said what is the matter.
        logger.error(
            "request failed",
            extra={FIELDS: {"incident": self.incident, "route": self.template}},
            exc_info=(typ, value, tb) if typ and value else None,
        )

    @override
    def compute_etag(self) -> None:
        """Send no ETag: nothing here may be stored."""
        return

    @override
    def on_finish(self) -> None:
        """Count the request out."""
        self.context.in_flight.leave()

    def _check_method(self) -> None:
        # Before the login: a method that no handler has needs nobody to be known.
        if self.request.method not in allowed_methods(type(self)):
            raise HTTPError(HTTPStatus.METHOD_NOT_ALLOWED)

    def _check_url(self) -> None:
        if TOKEN_PARAMETERS & self.request.query_arguments.keys():
            raise ProblemError(
                build_problem(
                    HTTPStatus.BAD_REQUEST,
                    "token-in-url",
                    "A token in an address ends up in logs and histories, so it is not read. "
                    "Next: revoke this one and send another in the header "
                    "`Authorization: token …`.",
                )
            )


def allowed_methods(handler: type[RequestHandler]) -> tuple[str, ...]:
    """Return the methods that a handler has, in a fixed order; HEAD goes with GET."""
    own = [
        method
        for method in HTTP_METHODS
        if getattr(handler, method.lower()) is not getattr(RequestHandler, method.lower())
    ]
    return ("GET", "HEAD", *own[1:]) if own[:1] == ["GET"] else tuple(own)
