"""From a route table to a tornado application: the one way in which a service is built."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tornado.routing import URLSpec
from tornado.web import Application, RequestHandler

from .access import Access, Machine, Open
from .endpoints import MetricsHandler, NotFoundHandler, OAuthCallbackHandler
from .handlers import ServiceHandler
from .health import HealthHandler
from .logs import FIELDS
from .pages import build_templates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandlot_hub.adapters.service_config import ServiceConfig

    from .context import ServiceContext

logger = logging.getLogger(__name__)

METRICS_SCOPE = "read:metrics"
"""The hub's own scope for metrics: who may read the hub's may read ours."""
UNMATCHED = "(none)"
"""Template of every address that is none."""

_NO_ARGUMENTS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One line of the route table."""

    template: str
    """Path below the service's prefix, such as ``api/v1/offers``; also its name in metrics. A part
    in braces stands for one segment, which the handler's methods get as an argument."""
    handler: type[ServiceHandler]
    access: Access
    arguments: Mapping[str, Any] = field(default_factory=lambda: _NO_ARGUMENTS)
    """Attributes of the handler besides, by name."""


def common_routes() -> tuple[Route, ...]:
    """Return the routes that every service has."""
    return (
        Route(
            template="health",
            handler=HealthHandler,
            access=Open(reason="asked by the supervisor and by `sandlot check`, without a token"),
        ),
        Route(
            template="metrics",
            handler=MetricsHandler,
            access=Machine(scopes=frozenset({METRICS_SCOPE})),
        ),
        Route(
            template="oauth_callback",
            handler=OAuthCallbackHandler,
            access=Open(reason="part of the login; compares the state with a signed cookie"),
            arguments={"templates": build_templates()},
        ),
    )


def build_application(context: ServiceContext, routes: Sequence[Route]) -> Application:
    """Return the application of one service.

    Parameters
    ----------
    context
        The service's parts.
    routes
        Its own routes; the common ones are added.
    """
    config = context.config
    unmatched = {
        "context": context,
        "template": UNMATCHED,
        "access": Open(reason="there is nothing to protect"),
        "templates": build_templates(),
    }
    return Application(
        [_url(context, route) for route in (*routes, *common_routes())],
        cookie_secret=cookie_secret(config),
        default_handler_class=NotFoundHandler,
        default_handler_args=unmatched,
        log_function=log_request,
        xsrf_cookie_kwargs={"samesite": "Lax", **({"secure": True} if config.secure else {})},
    )


def cookie_secret(config: ServiceConfig) -> bytes:
    """Return the key of this service's cookies.

    Made from its token, so that logins and open pages survive a restart and no second secret has
    to be kept.
    """
    token = config.token.get_secret_value().encode()
    return hmac.digest(token, f"cookies of {config.name}".encode(), hashlib.sha256)


def log_request(handler: RequestHandler) -> None:
    """Count and log one finished request: by its route, since an address may hold anything."""
    if not isinstance(handler, ServiceHandler):
        return
    seconds = handler.request.request_time()
    caller, kind = _caller(handler)
    method = handler.request.method or ""
    status = handler.get_status()
    handler.context.metrics.observe_request(
        route=handler.template, method=method, status=status, seconds=seconds
    )
    logger.info(
        "request",
        extra={
            FIELDS: {
                "incident": handler.incident,
                "method": method[:20],
                "route": handler.template,
                "status": status,
                "milliseconds": round(seconds * 1000, 1),
                "caller": caller,
                "kind": kind,
            }
        },
    )


def _caller(handler: ServiceHandler) -> tuple[str | None, str | None]:
    if handler.ticket is not None:
        return handler.ticket.user, f"{handler.ticket.kind} with a ticket"
    if handler.caller is not None:
        return handler.caller.name, handler.caller.kind
    return None, None


def _url(context: ServiceContext, route: Route) -> URLSpec:
    # re.escape leaves the braces' content in place, as "\{name\}".
    path = re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(context.config.prefix + route.template))
    arguments = {"context": context, "template": route.template, "access": route.access}
    return URLSpec(f"{path}$", route.handler, {**arguments, **route.arguments})
