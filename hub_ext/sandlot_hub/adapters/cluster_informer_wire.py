"""Questions to an API server whose answers may be long, or never end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import aiohttp
from kubernetes_asyncio.client import ApiClient
from kubernetes_asyncio.config import ConfigException

from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError

from .cluster_informer_lines import LineDecoder, LineTooLongError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from kubernetes_asyncio.client import Configuration

MAX_LINE = 8 * 1024 * 1024
"""Bytes of one event. An object has at most 3 MiB when it is written, and etcd takes 1.5 MiB."""
MAX_PAGE = 64 * 1024 * 1024
"""Bytes of a page of a list; at times there are two."""
_MAX_REFUSAL = 64 * 1024
_ANSWER_S = 5.0
"""Until an answer begins, and for a short one to be complete."""
_PAGE_S = 60.0
_PAGE_SILENCE_S = 15.0
_FIRST_ERROR = 400
_UNAUTHORIZED = 401
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
# Unpacking costs more than the wire of a cluster saves; the control plane's own clients do the same.
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}


class SilentError(ClusterUnreachableError):
    """Somebody took the question, and says nothing, or no more."""


class PageTooLargeError(Exception):
    """A page of a list has more bytes than `MAX_PAGE`."""


class ClusterReader:
    """Reads lists and watches over the client that knows tokens and their renewal.

    Every method raises `ClusterRefusedError` when the API server answers with an error, and
    `ClusterUnreachableError` when it does not answer, or its answer breaks off.

    Parameters
    ----------
    configure
        Returns the configuration of the client; asked again when credentials were refused. It may
        raise `ClusterAccessError`, which then every method does.
    """

    def __init__(self, *, configure: Callable[[], Awaitable[Configuration]]) -> None:
        self._configure = configure
        self._client: ApiClient | None = None

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def may(self, verb: str, resource: str, *, group: str = "") -> bool:
        """Return whether the account may do something with all objects of a kind.

        Every account may ask this of itself, so that nobody has to be refused to learn it.
        """
        attributes = {"verb": verb, "resource": resource, "group": group}
        asked = {"spec": {"resourceAttributes": attributes}}
        patience = aiohttp.ClientTimeout(total=_ANSWER_S)
        async with self._answer(_REVIEWS, {}, patience=patience, body=asked) as response:
            document = _document(await _read(response, limit=_MAX_REFUSAL))
        status = document.get("status")
        return isinstance(status, Mapping) and status.get("allowed") is True

    async def page(
        self,
        path: str,
        query: Mapping[str, str],
        *,
        begun: Callable[[bytes], None] | None = None,
    ) -> bytes:
        """Return a page of a list.

        Parameters
        ----------
        path, query
            What is listed.
        begun
            Called with its first bytes, as soon as they are here.

        Raises
        ------
        PageTooLargeError
            It is larger than `MAX_PAGE`.
        """
        patience = aiohttp.ClientTimeout(
            total=_PAGE_S, sock_connect=_ANSWER_S, sock_read=_PAGE_SILENCE_S
        )
        async with self._answer(path, query, patience=patience) as response:
            return await _read(response, limit=MAX_PAGE, begun=begun)

    @asynccontextmanager
    async def watch(
        self, path: str, query: Mapping[str, str], *, silence_s: float
    ) -> AsyncIterator[AsyncIterator[list[bytes]]]:
        """Open a watch; give its events as they come, as many as came together.

        Parameters
        ----------
        path, query
            What is watched.
        silence_s
            After so many seconds without a byte it counts as broken.
        """
        patience = aiohttp.ClientTimeout(sock_connect=_ANSWER_S, sock_read=silence_s)
        async with self._answer(path, query, patience=patience) as response:
            yield _lines(response)

    @asynccontextmanager
    async def _answer(
        self,
        path: str,
        query: Mapping[str, str],
        *,
        patience: aiohttp.ClientTimeout,
        body: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Give an answer that has begun and is no error; what was not read of it is cut off."""
        try:
            response = await self._ask(path, query, patience=patience, body=body)
            try:
                if response.status >= _FIRST_ERROR:
                    raise await self._refusal(response)
                yield response
            finally:
                response.close()
        except TimeoutError as error:
            raise SilentError(type(error).__name__) from error
        except (aiohttp.ClientError, ConfigException, OSError) as error:
            # The texts of the client may quote an address with its query; the kind is enough.
            raise ClusterUnreachableError(type(error).__name__) from error

    async def _ask(
        self,
        path: str,
        query: Mapping[str, str],
        *,
        patience: aiohttp.ClientTimeout,
        body: Mapping[str, Any] | None,
    ) -> aiohttp.ClientResponse:
        client = await self._connected()
        response: aiohttp.ClientResponse = await client.call_api(
            path,
            "GET" if body is None else "POST",
            query_params=list(query.items()),
            header_params=dict(_HEADERS),
            body=body,
            auth_settings=["BearerToken"],
            _return_http_data_only=True,
            _preload_content=False,
            _request_timeout=patience,
        )
        return response

    async def _connected(self) -> ApiClient:
        if self._client is None:
            configuration = await self._configure()
            # Both informers come here at the start; the second one must not replace the client.
            if self._client is None:
                self._client = ApiClient(configuration)
                self._client.user_agent = "sandlot-offers"
        return self._client

    async def _refusal(self, response: aiohttp.ClientResponse) -> ClusterRefusedError:
        document: dict[str, Any] = {}
        # A long page of something in between says nothing that could be used.
        with suppress(PageTooLargeError):
            document = _document(await _read(response, limit=_MAX_REFUSAL))
        after = response.headers.get("Retry-After", "")
        if after.isascii() and after.isdigit():
            document = {**document, "details": {"retryAfterSeconds": int(after)}}
        if response.status == _UNAUTHORIZED:
            # The file may hold newer ones by now.
            response.close()
            await self.close()
        return ClusterRefusedError(response.status, document)


async def _read(
    response: aiohttp.ClientResponse, *, limit: int, begun: Callable[[bytes], None] | None = None
) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > limit:
            message = f"an answer has more than {limit} bytes"
            raise PageTooLargeError(message)
        if begun is not None and not chunks:
            begun(chunk)
        chunks.append(chunk)
    return b"".join(chunks)


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[list[bytes]]:
    decoder = LineDecoder(limit=MAX_LINE)
    try:
        async for chunk in response.content.iter_any():
            yield decoder.feed(chunk)
    except LineTooLongError as error:
        raise ClusterUnreachableError(str(error)) from error


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:  # from something in between, such as a load balancer's page
        return {}
    return dict(document) if isinstance(document, Mapping) else {}
