"""The routes below ``sandlot/api/v1/``: authorize, call one thing, reply.

No policy and no I/O of their own may live here, and no verb without
``@web.authenticated`` and ``@authorized``: a test walks the route table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .availability import AvailabilityHandler
from .base import PREFIX
from .clusters import (
    ClusterAdaptHandler,
    ClusterHandler,
    ClusterLogHandler,
    ClusterOptionsHandler,
    ClusterScaleHandler,
    ClustersHandler,
)
from .dashboards import DashboardHandler, DashboardSocketHandler
from .offers import OffersHandler
from .session import SessionHandler
from .usage import UsageHandler

if TYPE_CHECKING:
    from sandlot_server.factory import Factory

    from .base import OwnedHandler

ROUTES: dict[str, type[OwnedHandler]] = {
    "session": SessionHandler,
    "usage": UsageHandler,
    "offers": OffersHandler,
    "availability": AvailabilityHandler,
    "clusters": ClustersHandler,
    "clusters/options": ClusterOptionsHandler,
    "clusters/{name}": ClusterHandler,
    "clusters/{name}/scale": ClusterScaleHandler,
    "clusters/{name}/adapt": ClusterAdaptHandler,
    "clusters/{name}/log": ClusterLogHandler,
    "clusters/{name}/dashboard/{socket}": DashboardSocketHandler,
    "clusters/{name}/dashboard/{path}": DashboardHandler,
}
"""By template, the first that fits."""

_PARTS = {"name": r"([^/]+)", "path": r"(.*)", "socket": r"((?:.*/)?ws)"}


def build_table(factory: Factory) -> list[tuple[str, type[OwnedHandler], dict[str, Any]]]:
    """Return the routes as tornado wants them, below the server's base URL."""
    return [
        (PREFIX + pattern(template), handler, {"factory": factory})
        for template, handler in ROUTES.items()
    ]


def pattern(template: str) -> str:
    """Return the regular expression of a route."""
    return re.sub(r"\{(\w+)\}", lambda part: _PARTS[part[1]], template)
