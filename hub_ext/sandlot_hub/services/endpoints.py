"""The routes that every service has: the login's way back, metrics, and everything else's 404."""

from __future__ import annotations

from http import HTTPStatus
from typing import NoReturn

from jupyterhub.services.auth import HubOAuthCallbackHandler
from prometheus_client import CONTENT_TYPE_LATEST
from tornado.web import HTTPError
from typing_extensions import override

from sandlot_hub.adapters.hub_client import HubUnavailableError

from .auth import hub_unavailable
from .errors import ProblemError, build_problem
from .handlers import ServiceHandler
from .pages import PageHandler


class MetricsHandler(ServiceHandler):
    """``GET /metrics``: for Prometheus."""

    @override
    async def get(self) -> None:
        """Answer in Prometheus' text format."""
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.write(self.context.metrics.render())


class OAuthCallbackHandler(PageHandler, HubOAuthCallbackHandler):
    """``GET /oauth_callback``: where the hub sends a browser after the login.

    JupyterHub's handler does the work: it compares the state with the cookie, exchanges the code
    and sets the login cookie. Here its errors become sentences.
    """

    @override
    async def get(self) -> None:
        """Finish a login."""
        try:
            await HubOAuthCallbackHandler.get(self)
        except HubUnavailableError as error:
            raise hub_unavailable() from error
        except ProblemError:
            raise
        except HTTPError as error:
            if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            # Its text repeats the query, which whoever made the link wrote.
            problem = build_problem(
                error.status_code,
                "login-failed",
                "This login was not begun in this browser, took too long, or was refused. "
                "Next: open the page again.",
            )
            raise ProblemError(problem) from error


class NotFoundHandler(PageHandler):
    """Every address that is none, with every method."""

    async def _nothing(self, *_args: str, **_kwargs: str) -> NoReturn:
        raise HTTPError(HTTPStatus.NOT_FOUND)

    get = post = put = patch = delete = options = head = _nothing
