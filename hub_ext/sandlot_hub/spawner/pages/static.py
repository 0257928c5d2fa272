"""Modules and styles of the pages, as browsers get them."""

from __future__ import annotations

from tornado.web import HTTPError, RequestHandler
from typing_extensions import override

from sandlot_hub.spawner.page_files import STATIC_PATH, media_type, page_files

STATIC_PATTERN = rf"/{STATIC_PATH}/([0-9a-f]+)/([A-Za-z0-9_-]+\.[a-z]+)"
"""Below the hub's prefix: version and name."""

_YEAR_S = 365 * 24 * 3600


class StaticHandler(RequestHandler):
    """``GET /hub/sandlot/static/{version}/{name}``: open to everybody.

    Not a handler of the hub, which would look a user up for each file, and would want a
    token against forged requests for every module.
    """

    @override
    def get(self, version: str, name: str) -> None:  # type: ignore[mutable-override]  # as tornado calls it
        """Answer with a file, for ever if it is of the version that was asked for."""
        known = page_files()
        content = known.contents.get(name)
        if content is None:
            raise HTTPError(404)
        # A page that was open during an upgrade still gets what it asks for, but not to keep.
        keep = f"public, max-age={_YEAR_S}, immutable" if version == known.version else "no-store"
        self.set_header("Cache-Control", keep)
        self.set_header("Content-Type", media_type(name))
        self.set_header("X-Content-Type-Options", "nosniff")
        self.write(content)
