"""The routes below ``sandlot/api/v1/``: authorize, call one thing, reply.

No policy and no I/O of their own may live here, and no verb without
``@web.authenticated`` and ``@authorized``: a test walks the route table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .offers import OffersHandler
from .session import SessionHandler
from .usage import UsageHandler

if TYPE_CHECKING:
    from sandlot_server.factory import Factory

    from .base import SandlotHandler

PREFIX = "/sandlot/api/v1/"

ROUTES: dict[str, type[SandlotHandler]] = {
    "session": SessionHandler,
    "usage": UsageHandler,
    "offers": OffersHandler,
}


def build_table(factory: Factory) -> list[tuple[str, type[SandlotHandler], dict[str, Any]]]:
    """Return the routes as tornado wants them, below the server's base URL."""
    return [(PREFIX + name, handler, {"factory": factory}) for name, handler in ROUTES.items()]
