"""JSON over HTTP to the hub or one of its services, as this server."""

from __future__ import annotations

from http import HTTPStatus
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.simple_httpclient import HTTPStreamClosedError, HTTPTimeoutError

from sandlot_contracts.problem import PROBLEM_MEDIA_TYPE, Problem
from sandlot_server.errors import (
    ProblemError,
    ServiceRefusedError,
    ServiceReplyError,
    ServiceTimeoutError,
    ServiceUnreachableError,
)

M = TypeVar("M", bound=BaseModel)

_MAX_REPLY_BYTES = 4 * 1024 * 1024
_AWAY = frozenset(
    {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)
"""What a proxy answers in place of a service; services themselves send problem documents."""


class ServiceClient:
    """Talks to one address of the hub.

    Parameters
    ----------
    name
        How people know the service, for the sentences of errors.
    url
        Address that paths are appended to; ends with ``/``.
    token
        The server's own token; sent in the ``Authorization`` header only.
    timeout_s
        Seconds for one request, connecting included.
    http
        A client of this process; see `new_http`.
    """

    def __init__(
        self, *, name: str, url: str, token: str, timeout_s: float, http: AsyncHTTPClient
    ) -> None:
        self._name = name
        self._url = url
        self._token = token
        self._timeout_s = timeout_s
        self._http = http

    async def get(self, path: str, model: type[M], *, timeout_s: float | None = None) -> M:
        """Fetch and parse one reply.

        Parameters
        ----------
        path
            Below the service's address.
        model
            What the reply is parsed as.
        timeout_s
            Seconds for this request, in place of the client's own.

        Raises
        ------
        ServiceUnreachableError
            No connection, or it broke; or the proxy said that the service is away.
        ServiceTimeoutError
            No answer in time.
        ServiceRefusedError
            The service refused with a problem document.
        ServiceReplyError
            Anything else that is not the expected reply.
        """
        return self._parse(await self._fetch("GET", path, timeout_s=timeout_s), model)

    async def post(self, path: str, body: BaseModel, model: type[M]) -> M:
        """Send `body` and parse the reply. Raises as `get`."""
        return self._parse(await self._fetch("POST", path, body=body.model_dump_json()), model)

    async def delete(self, path: str) -> None:
        """Have something ended; a reply without content. Raises as `get`."""
        response = await self._fetch("DELETE", path)
        if response.code != HTTPStatus.NO_CONTENT:
            raise self._refusal(response)

    async def _fetch(
        self, method: str, path: str, *, body: str | None = None, timeout_s: float | None = None
    ) -> HTTPResponse:
        patience = self._timeout_s if timeout_s is None else timeout_s
        headers = {"Accept": "application/json", "Authorization": f"token {self._token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = HTTPRequest(
            self._url + path,
            method=method,
            headers=headers,
            body=body,
            connect_timeout=patience,
            request_timeout=patience,
            # A redirect leads to a login page; following it would carry the token there.
            follow_redirects=False,
        )
        try:
            return await self._http.fetch(request, raise_error=False)
        except HTTPTimeoutError as error:
            detail = (
                f"{self._name} did not answer within {patience:g} s. "
                "Your server goes on without it. Try again in a moment."
            )
            raise ServiceTimeoutError(detail) from error
        except (OSError, HTTPStreamClosedError) as error:
            raise self._unreachable() from error

    def _parse(self, response: HTTPResponse, model: type[M]) -> M:
        if response.code not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise self._refusal(response)
        try:
            return model.model_validate_json(response.body)
        except ValidationError as error:
            raise self._nonsense(response.code) from error

    def _refusal(self, response: HTTPResponse) -> ProblemError:
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
        if media_type == PROBLEM_MEDIA_TYPE:
            try:
                return ServiceRefusedError(Problem.model_validate_json(response.body))
            except ValidationError:
                pass  # falls through: a broken problem document is a nonsensical reply
        elif response.code in _AWAY:
            return self._unreachable()
        return self._nonsense(response.code)

    def _unreachable(self) -> ServiceUnreachableError:
        detail = (
            f"{self._name} cannot be reached from your server; the hub may be restarting. "
            "Your server goes on without it. Try again in a moment."
        )
        return ServiceUnreachableError(detail)

    def _nonsense(self, status: int) -> ServiceReplyError:
        detail = (
            f"{self._name} gave an answer that your server does not understand (HTTP {status}). "
            "It may be restarting, or of another version. Try again; if it stays, tell your "
            "administrator."
        )
        return ServiceReplyError(detail)


def new_http() -> AsyncHTTPClient:
    """Return an HTTP client of our own: no other extension's settings apply to it."""
    return AsyncHTTPClient(force_instance=True, max_body_size=_MAX_REPLY_BYTES)
