"""What all our routes share: who calls, how to reply, how to fail."""

from __future__ import annotations

from http import HTTPStatus
from http.client import responses
from typing import TYPE_CHECKING, Any

from jupyter_server.base.handlers import APIHandler, JupyterHandler
from tornado.web import HTTPError
from typing_extensions import override

from sandlot_server.caller import Caller, identify
from sandlot_server.errors import ProblemError, VisitorError, build_problem

if TYPE_CHECKING:
    from pydantic import BaseModel

    from sandlot_contracts.problem import Problem
    from sandlot_server.factory import Factory

PREFIX = "/sandlot/api/v1/"
"""Of all routes, below the server's base URL."""

_PROBLEM_TYPE = "application/problem+json"


class OwnedHandler(JupyterHandler):
    """Knows whose server this is. Every error is a problem document."""

    auth_resource = "sandlot"

    factory: Factory

    @override
    def initialize(self, factory: Factory) -> None:
        self.factory = factory

    @property
    def caller(self) -> Caller:
        """Who sends this request; known once the verb's decorators have passed."""
        return identify(self.current_user, owner=self.factory.environment.owner)

    def require_owner(self) -> None:
        """Refuse visitors.

        Raises
        ------
        VisitorError
            If the caller is not the owner of this server.
        """
        if self.caller.visitor:
            detail = (
                "You are visiting the server of somebody else, and this is for its owner only. "
                "Next: ask the owner, or use a server of your own."
            )
            raise VisitorError(detail)

    @override
    def write_error(self, status_code: int, **kwargs: Any) -> None:
        problem = _as_problem(status_code, kwargs.get("exc_info", (None, None, None))[1])
        self.set_header("Content-Type", _PROBLEM_TYPE)
        # Errors are written by tornado outside any coroutine; it waits for the reply itself.
        _ = self.finish(problem.model_dump_json())


class SandlotHandler(OwnedHandler, APIHandler):
    """A route of Sandlot that replies with a model."""

    async def reply(self, model: BaseModel) -> None:
        """Finish with `model` as JSON. It describes a moment, so nobody may keep it."""
        self.set_header("Cache-Control", "no-store")
        await self.finish(model.model_dump_json())

    async def reply_nothing(self) -> None:
        """Finish without content: it is done."""
        self.set_status(HTTPStatus.NO_CONTENT)
        await self.finish()

    @override
    def write_error(self, status_code: int, **kwargs: Any) -> None:
        problem = _as_problem(status_code, kwargs.get("exc_info", (None, None, None))[1])
        # Errors are written by tornado outside any coroutine; it waits for the reply itself.
        _ = self.finish(problem.model_dump_json(), set_content_type=_PROBLEM_TYPE)


def _as_problem(status: int, error: BaseException | None) -> Problem:
    """Describe any error. What nobody foresaw stays in the log, with its details."""
    if isinstance(error, ProblemError):
        return error.problem()
    title = responses.get(status, "Error")
    if isinstance(error, HTTPError):
        detail = error.get_message() or title
        return build_problem(status=status, code=f"http-{status}", title=title, detail=detail)
    detail = (
        "Something went wrong in your server; its log says what. Notebooks and files are not "
        "affected. Try again; if it stays, tell your administrator."
    )
    return build_problem(status=status, code="internal", title=title, detail=detail)
