"""Logins: JupyterHub's OAuth for pages, tokens in the Authorization header for programs."""

from __future__ import annotations

import hmac
import logging
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

from jupyterhub.services.auth import HubOAuth, _ExpiringDict, check_scopes
from tornado.httputil import url_concat
from tornado.web import HTTPError
from traitlets import default

from sandlot_hub.adapters.hub_client import HubClient, HubUnavailableError

from .access import Machine, Page, TokenApi, decide_access
from .errors import ProblemError, build_problem
from .logs import FIELDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from tornado.web import RequestHandler

    from sandlot_hub.adapters.hub_identity import HubIdentity, HubTokens
    from sandlot_hub.adapters.service_config import ServiceConfig

logger = logging.getLogger(__name__)

MAX_LOGINS = 4096
"""Logins that can be under way. Everybody can begin one without an account."""
MAX_NEXT_URL = 2048
RETRY_AFTER = 5
"""Seconds to wait when the hub does not answer."""
READ_METHODS = frozenset({"GET", "HEAD"})
SAME_SITE = frozenset({None, "same-origin"})
"""Values of Sec-Fetch-Site that a page of ours sends; old browsers and programs send none."""


class _BoundedStates(_ExpiringDict):
    """Logins under way; the oldest makes room. Upstream grows with every anonymous visit."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        while len(self.values) > MAX_LOGINS:
            del self[next(iter(self.values))]


_HEADER = re.compile(r"(?:token|bearer|jupyterhub)\s+(.+)", re.IGNORECASE)
"""The Authorization header; dask-gateway's client calls a token ``jupyterhub``."""


class ServiceOAuth(HubOAuth):
    """JupyterHub's OAuth client, which here never blocks, never hangs and takes no URL tokens.

    Parameters
    ----------
    config
        The service.
    client
        Asks the hub.
    tokens
        Knows whose a token is.
    """

    def __init__(self, *, config: ServiceConfig, client: HubClient, tokens: HubTokens) -> None:
        cookie_options: dict[str, Any] = {"samesite": "Lax"}
        if config.secure:
            cookie_options["secure"] = True
        # Everything that HubOAuth would otherwise take from the environment is stated.
        super().__init__(
            access_scopes={config.access_scope},
            allow_token_in_url=False,
            api_token=config.token.get_secret_value(),
            api_url=config.hub_api_url,
            base_url=config.prefix,
            cookie_host_prefix_enabled=False,
            cookie_options=cookie_options,
            hub_host="",
            hub_prefix=config.hub_prefix,
            oauth_client_id=config.oauth_client_id,
            oauth_redirect_uri=f"{config.prefix}oauth_callback",
        )
        self._client = client
        self._tokens = tokens

    auth_header_pat = _HEADER

    @default("_oauth_states")
    def _bounded_oauth_states(self) -> _BoundedStates:
        return _BoundedStates(max_age=self.oauth_state_max_age)

    def user_for_token(
        self,
        token: str,
        use_cache: bool = True,  # noqa: ARG002, FBT001, FBT002 (upstream's signature)
        session_id: str = "",
        *,
        sync: bool = True,
    ) -> Awaitable[dict[str, Any] | None]:
        """Return the hub's model of the token's owner, through our cache.

        Raises
        ------
        RuntimeError
            When asked to block.
        """
        if sync:
            message = "this would block every other request; pass sync=False"
            raise RuntimeError(message)
        return self._model(token, session_id)

    async def _model(self, token: str, session_id: str) -> dict[str, Any] | None:
        identity = await self._tokens.identify(token, session_id=session_id)
        return None if identity is None else dict(identity.model)

    def _get_token_url(self, handler: RequestHandler) -> str:
        # Upstream always takes a token from the URL of a websocket. URLs end up in logs.
        del handler
        return ""

    async def _api_request(self, method: str, url: str, /, **kwargs: Any) -> Any:
        """Exchange a login's code for a token: the one request that upstream makes itself.

        Upstream's has no bound in time, and answers a code that the hub refuses with 500.
        """
        reply = await self._client.request(
            method, url, headers=kwargs.get("headers", {}), data=kwargs.get("data")
        )
        if reply.status >= HTTPStatus.BAD_REQUEST:
            logger.warning("login refused by the hub", extra={FIELDS: {"status": reply.status}})
            _refuse(HTTPStatus.FORBIDDEN, "login-failed", "The hub did not accept this login.")
        return reply.body


class Authenticator:
    """Finds out who calls, and whether they may. Called for every route, before its handler.

    Parameters
    ----------
    oauth
        Cookies, XSRF tokens and the way to the hub's login.
    tokens
        Knows whose a token is.
    audience
        The scope that allows using a token with this service.
    """

    def __init__(self, *, oauth: ServiceOAuth, tokens: HubTokens, audience: str) -> None:
        self._oauth = oauth
        self._tokens = tokens
        self._audience = audience

    async def authenticate(
        self, handler: RequestHandler, access: TokenApi | Page | Machine
    ) -> HubIdentity | None:
        """Return the caller, who may call the route.

        Returns
        -------
        HubIdentity or None
            None when a browser was sent to the login instead; the request is finished then.

        Raises
        ------
        ProblemError
            401 nobody known, 403 known and not allowed, 503 the hub did not say.
        """
        by_header = "Authorization" in handler.request.headers
        if by_header:
            # The header alone decides: falling back to the cookie would turn a program's expired
            # token into somebody's login.
            token = self._oauth.get_token(handler, in_cookie=False) or ""
        else:
            token = self._cookie_token(handler, access)
        identity = await self._identify(handler, token, by_header=by_header)
        if identity is None:
            if isinstance(access, Page) and not by_header and _is_navigation(handler):
                self._redirect_to_login(handler)
                return None
            raise _unknown_caller(by_header=by_header)
        denied = decide_access(identity, access, audience=self._audience, has_scope=_has_scope)
        if denied is not None:
            params = {"scope": denied.scope} if denied.scope else {}
            raise ProblemError(
                build_problem(HTTPStatus.FORBIDDEN, denied.code, denied.message, params=params)
            )
        return identity

    async def _identify(
        self, handler: RequestHandler, token: str, *, by_header: bool
    ) -> HubIdentity | None:
        if not token:
            return None
        session_id = "" if by_header else self._oauth.get_session_id(handler)
        try:
            return await self._tokens.identify(token, session_id=session_id)
        except HubUnavailableError as error:
            logger.warning("the hub is unavailable", extra={FIELDS: {"reason": str(error)}})
            raise hub_unavailable() from error

    def _cookie_token(self, handler: RequestHandler, access: TokenApi | Page | Machine) -> str:
        token: str = self._oauth.get_token(handler, in_cookie=True) or ""
        # The rules apply to requests that carry a login; whoever has none is nobody anyway.
        if not token or isinstance(access, Machine):
            return ""
        if handler.request.method not in READ_METHODS or isinstance(access, TokenApi):
            _check_same_site(handler)
        if isinstance(access, TokenApi):
            _check_api_cookie(handler)
        else:
            _check_page_cookie(handler)
        return token

    def _redirect_to_login(self, handler: RequestHandler) -> None:
        verifier, challenge, method = self._oauth.generate_pkce_code_challenge()
        uri = handler.request.uri or ""
        state = self._oauth.set_state_cookie(
            handler,
            next_url=uri if len(uri) <= MAX_NEXT_URL else self._oauth.base_url,
            code_verifier=verifier,
        )
        challenged = {"code_challenge": challenge, "code_challenge_method": method, "state": state}
        handler.redirect(url_concat(self._oauth.login_url, challenged))


def hub_unavailable() -> ProblemError:
    """Return the error for a request that needs the hub's word and does not get it."""
    problem = build_problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "hub-unavailable",
        "The hub does not answer, so it is not known who asks. Next: try again in a few seconds.",
    )
    return ProblemError(problem, headers={"Retry-After": str(RETRY_AFTER)})


def _has_scope(required: str, held: Iterable[str]) -> bool:
    return bool(check_scopes({required}, set(held)))


def _is_navigation(handler: RequestHandler) -> bool:
    mode = handler.request.headers.get("Sec-Fetch-Mode", "navigate")
    return handler.request.method in READ_METHODS and mode == "navigate"


def _check_same_site(handler: RequestHandler) -> None:
    if handler.request.headers.get("Sec-Fetch-Site") not in SAME_SITE:
        _refuse(HTTPStatus.FORBIDDEN, "cross-site", "Another site may not do this with your login.")


def _check_api_cookie(handler: RequestHandler) -> None:
    if handler.request.method not in READ_METHODS:
        _refuse(
            HTTPStatus.FORBIDDEN,
            "cookie-not-accepted",
            "A login cookie cannot change anything here. Next: send a token in the "
            "Authorization header.",
        )
    # Stricter than the hub's own rule, which lets plain navigations read without a token:
    # this is data, and other users' servers may be on the same origin.
    sent = handler.request.headers.get("X-XSRFToken", "")
    if not sent or not hmac.compare_digest(sent.encode("utf-8", "replace"), handler.xsrf_token):
        _refuse(
            HTTPStatus.FORBIDDEN, "xsrf", "The X-XSRFToken header is missing or of another login."
        )


def _check_page_cookie(handler: RequestHandler) -> None:
    try:
        handler.check_xsrf_cookie()
    except HTTPError:
        # Its text is in the language of developers, and says which half did not match.
        _refuse(
            HTTPStatus.FORBIDDEN,
            "xsrf",
            "This did not come from a page of this service, or the page is too old. "
            "Next: open the page again.",
        )


def _unknown_caller(*, by_header: bool) -> ProblemError:
    if by_header:
        code, detail = (
            "token-invalid",
            (
                "The token is not valid (any more), or the header is not "
                "`Authorization: token …`. Next: use a token of the hub's token page."
            ),
        )
    else:
        code, detail = (
            "login-required",
            (
                "This needs to know who asks. Next: send a token of the hub in the header "
                "`Authorization: token …`, or log in."
            ),
        )
    problem = build_problem(HTTPStatus.UNAUTHORIZED, code, detail)
    return ProblemError(problem, headers={"WWW-Authenticate": 'Bearer realm="sandlot"'})


def _refuse(status: int, code: str, detail: str) -> NoReturn:
    raise ProblemError(build_problem(status, code, detail))
