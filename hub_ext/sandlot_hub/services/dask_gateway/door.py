"""The door for schedulers and for the proxy to them, at a port that no public route leads to.

A scheduler shows its cluster's own token, which is good for this cluster only and for nothing
that people do; the proxy shows its own.
"""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import sqlalchemy as sa
from aiohttp import web
from pydantic import BaseModel, ValidationError

from sandlot_contracts.problem import PROBLEM_MEDIA_TYPE
from sandlot_hub.services.errors import build_problem
from sandlot_hub.services.logs import FIELDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dask_gateway_server.backends.db_base import Cluster  # type: ignore[import-untyped]

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

logger = logging.getLogger(__name__)

_BODY_MAXIMUM = 1024 * 1024


BeatT = TypeVar("BeatT", bound=BaseModel)
HeardT_contra = TypeVar("HeardT_contra", bound=BaseModel, contravariant=True)


class Hears(Protocol[HeardT_contra]):
    """Who is told what schedulers say."""

    async def heartbeat(self, cluster: Any, beat: HeardT_contra) -> None:
        """Take what a scheduler says of its cluster."""
        ...

    async def idle(self, cluster: Any) -> None:
        """Begin to end a cluster on which nothing was computed for long."""
        ...


class Knows(Protocol):
    """Who knows the clusters."""

    def live(self, name: str) -> Any | None:
        """Return a cluster of which anything is left; None when there is none."""
        ...


class Door(Generic[BeatT]):
    """The routes.

    Parameters
    ----------
    backend
        Hears what schedulers say.
    database
        Knows their tokens.
    reads
        What a heartbeat is.
    """

    def __init__(self, *, backend: Hears[BeatT], database: Knows, reads: type[BeatT]) -> None:
        self._backend = backend
        self._database = database
        self._reads = reads

    def application(self) -> web.Application:
        """Return the application; the backend adds the routes of its proxy."""
        app = web.Application(client_max_size=_BODY_MAXIMUM, middlewares=[_as_problems])
        app.router.add_post("/api/v1/clusters/{name}/heartbeat", self._heartbeat)
        app.router.add_delete("/api/v1/clusters/{name}", self._stop)
        return app

    async def _heartbeat(self, request: web.Request) -> web.Response:
        cluster = self._cluster(request)
        await self._backend.heartbeat(
            cluster, self._reads.model_validate_json(await request.read())
        )
        return web.Response()

    async def _stop(self, request: web.Request) -> web.Response:
        """End a cluster: its scheduler found it idle for long enough."""
        await self._backend.idle(self._cluster(request))
        return web.Response(status=204)

    def _cluster(self, request: web.Request) -> Cluster:
        cluster = self._database.live(request.match_info["name"])
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        known = "" if cluster is None else cluster.token
        right = hmac.compare_digest(known.encode(), token.encode("utf-8", "replace"))
        if cluster is None or scheme != "token" or not right:
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "token"})
        return cluster


@web.middleware
async def _as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        if " " not in request.headers.get("Authorization", ""):
            # Upstream's routes take the two words for granted.
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "token"})
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:  # noqa: PLR2004 (the first status that is an error)
            raise
        return _problem(error.status, "refused", "This is for schedulers of clusters only.")
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"]))
        logger.warning("a scheduler's message is malformed", extra={FIELDS: {"field": field}})
        return _problem(422, "malformed", f"{field or 'The body'}: {first['msg']}")
    except sa.exc.OperationalError as error:
        reason = type(error).__name__
        logger.warning("a message could not be kept", extra={FIELDS: {"reason": reason}})
        return _problem(503, "database-unavailable", "Say it again in a moment.")


def _problem(status: int, code: str, sentence: str) -> web.Response:
    problem = build_problem(status, code, sentence)
    return web.Response(
        text=problem.model_dump_json(exclude_none=True),
        status=status,
        content_type=PROBLEM_MEDIA_TYPE,
    )
