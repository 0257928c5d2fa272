"""Questions of a service to the hub's REST API: bounded in time, number and size."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

TIMEOUT = 5.0
"""Seconds that the hub has for one answer, waiting for a free connection included."""
CONNECTIONS = 8
"""Questions at a time. The hub answers on one core: more would only queue up there."""
MAX_REPLY = 1024 * 1024
"""Bytes of one reply."""


class HubUnavailableError(Exception):
    """The hub did not answer in time, or not with an answer. Nothing is known of the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubReply:
    """A status below 500, and the JSON that came with it."""

    status: int
    body: Any


class HubClient:
    """Asks the hub. To be entered as a context, which owns the connections.

    Parameters
    ----------
    timeout
        Seconds for one question.
    """

    def __init__(self, *, timeout: float = TIMEOUT) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the connection pool, in the running loop."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
            timeout=self._timeout,
            # A cookie or a proxy of the environment has no place between service and hub.
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], data: bytes | None = None
    ) -> HubReply:
        """Ask one question.

        Raises
        ------
        HubUnavailableError
            No connection, no answer in time, too many requests, a status of 500 or more, or a
            successful answer that is not JSON.
        """
        if self._session is None:
            message = "enter the HubClient before asking"
            raise RuntimeError(message)
        try:
            async with self._session.request(
                method, url, headers=headers, data=data, allow_redirects=False
            ) as response:
                content = await _read_bounded(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            # Only the kind: the text may repeat what was sent.
            message = f"no answer ({type(error).__name__})"
            raise HubUnavailableError(message) from error
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status in {
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.TOO_MANY_REQUESTS,
        }:
            message = f"answered with status {response.status}"
            raise HubUnavailableError(message)
        return HubReply(status=response.status, body=_parse(content, response.status))


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(65536):
        content += chunk
        if len(content) > MAX_REPLY:
            message = "the reply is too long"
            raise aiohttp.ClientPayloadError(message)
    return bytes(content)


def _parse(content: bytes, status: int) -> Any:
    if status == HTTPStatus.NO_CONTENT:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        if status >= HTTPStatus.BAD_REQUEST:
            return None
        message = f"status {status} came without JSON"
        raise HubUnavailableError(message) from error
