"""What the gateway has to do with schedulers: it tells them something, and leads people's code there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
from dask_gateway_server.proxy import Proxy  # type: ignore[import-untyped]
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping

_ANSWERS_S = 5.0


class SchedulerSilentError(Exception):
    """A scheduler does not answer."""


class Spoken(Protocol):
    """A cluster, as far as its scheduler is spoken to."""

    @property
    def token(self) -> str:
        """Of the cluster."""
        ...

    @property
    def api_address(self) -> str:
        """Where it takes orders."""
        ...


class SchedulerRoutes(Proxy):
    """What the proxy is told: the way to schedulers, and none to any page.

    Upstream publishes every dashboard under an address that nobody can guess and anybody may use.
    """

    @override
    async def add_route(self, kind: str | None = None, **route: Any) -> None:
        if kind == "SNI":
            await super().add_route(kind=kind, **route)


def scheduler_session() -> aiohttp.ClientSession:
    """Return a session for `tell_scheduler`; the caller closes it."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWERS_S))


async def tell_scheduler(
    session: aiohttp.ClientSession, cluster: Spoken, message: Mapping[str, object]
) -> None:
    """Give an order to a cluster's scheduler.

    Raises
    ------
    SchedulerSilentError
        If it does not answer.
    """
    headers = {"Authorization": f"token {cluster.token}"}
    url = f"{cluster.api_address}/api/comm"
    try:
        async with session.post(url, json=message, headers=headers) as reply:
            reply.raise_for_status()
    except (aiohttp.ClientError, TimeoutError, OSError):
        # Not chained: the error quotes the header, and with it the cluster's token.
        raise SchedulerSilentError from None
