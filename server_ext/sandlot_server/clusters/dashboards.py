"""Dashboards of the owner's own clusters, through this server.

Where a dashboard is, only the gateway says: nothing of an address is taken from a request. What
a browser sends along as login stays here, and so does what a dashboard would set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketError, websocket_connect

from sandlot_server.errors import (
    DashboardMissingError,
    DashboardReplyError,
    DashboardUnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from tornado.httpclient import HTTPResponse
    from tornado.websocket import WebSocketClientConnection

    from sandlot_contracts.clusters import ClusterInfo

# Everything else stays where it is: cookies and tokens of the hub above all.
_ASKED = ("Accept", "Accept-Language", "If-Modified-Since", "If-None-Match")
_ANSWERED = ("Cache-Control", "Content-Type", "Etag", "Last-Modified")
_LOGIN_ARGUMENTS = frozenset({"token", "_xsrf"})
_MAX_REPLY_BYTES = 64 * 1024 * 1024
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardReply:
    """What a dashboard answered, as far as it is passed on."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Dashboards:
    """Leads to the dashboards.

    Parameters
    ----------
    find
        Returns a cluster of the owner's, or raises `ProblemError`.
    http
        A client for nothing else; see `new_dashboard_http`.
    timeout_s
        Seconds for one answer, or for a connection.
    """

    def __init__(
        self,
        *,
        find: Callable[[str], Awaitable[ClusterInfo]],
        http: AsyncHTTPClient,
        timeout_s: float,
    ) -> None:
        self._find = find
        self._http = http
        self._timeout_s = timeout_s

    async def origin(self, name: str) -> str:
        """Return scheme, host and port of a dashboard.

        Raises
        ------
        ProblemError
            If the cluster is not the owner's, or has no dashboard now.
        """
        cluster = await self._find(name)
        if not cluster.dashboard_address:
            detail = (
                f"This cluster has no dashboard: it is {cluster.status}. "
                "Wait until it is RUNNING, or start another one."
            )
            raise DashboardMissingError(detail)
        return _origin(cluster.dashboard_address)

    async def fetch(
        self, name: str, path: str, *, query: str, headers: Mapping[str, str], prefix: str
    ) -> DashboardReply:
        """Return one page or file of a dashboard.

        Parameters
        ----------
        name
            Of the cluster.
        path
            Below the dashboard's root, decoded.
        query
            Of the request, encoded.
        headers
            Of the request.
        prefix
            Path of the dashboard's root as the browser sees it, ending in ``/``.

        Raises
        ------
        ProblemError
            As in `origin`; or if the dashboard does not answer, or leads somewhere else.
        """
        request = HTTPRequest(
            await self.origin(name) + _path(path, query),
            headers={key: headers[key] for key in _ASKED if key in headers},
            connect_timeout=self._timeout_s,
            request_timeout=self._timeout_s,
            follow_redirects=False,
        )
        try:
            response = await self._http.fetch(request, raise_error=False)
        except (OSError, HTTPClientError) as error:
            raise _unreachable() from error
        return DashboardReply(
            status=response.code,
            headers=_passed_on(response, prefix=prefix),
            body=response.body or b"",
        )

    async def connect(
        self, origin: str, path: str, *, query: str, subprotocols: Sequence[str]
    ) -> WebSocketClientConnection:
        """Open a websocket to a dashboard.

        Parameters
        ----------
        origin
            As `origin` returned it.
        path, query
            As in `fetch`.
        subprotocols
            What the browser offers; Bokeh's session is among them.

        Raises
        ------
        DashboardUnreachableError
            If there is no connection in time.
        """
        request = HTTPRequest(
            origin.replace("http", "ws", 1) + _path(path, query),
            connect_timeout=self._timeout_s,
            request_timeout=self._timeout_s,
            follow_redirects=False,
        )
        try:
            return await websocket_connect(request, subprotocols=list(subprotocols) or None)
        except (OSError, HTTPClientError, WebSocketError) as error:
            raise _unreachable() from error


def content_policy(host: str, prefix: str) -> str:
    """Return what a dashboard's pages may do: run scripts, and talk to that dashboard only.

    They keep the server's origin, because browsers send no login along for an opaque one.
    """
    own = "'self'"
    if _HOST.fullmatch(host):
        own = " ".join(f"{scheme}://{host}{prefix}" for scheme in ("http", "https", "ws", "wss"))
    return "; ".join(
        (
            "default-src 'none'",
            f"connect-src {own}",
            f"font-src {own} data:",
            f"img-src {own} data: blob:",
            f"script-src {own} 'unsafe-inline' 'unsafe-eval'",
            f"style-src {own} 'unsafe-inline'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
            "sandbox allow-scripts allow-same-origin allow-downloads",
        )
    )


def new_dashboard_http() -> AsyncHTTPClient:
    """Return an HTTP client for dashboards: their scripts are larger than what services say."""
    return AsyncHTTPClient(force_instance=True, max_body_size=_MAX_REPLY_BYTES)


def _origin(address: str) -> str:
    parts = urlsplit(address)
    plain = not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not plain:
        detail = (
            "The cluster names a dashboard at an address that is none. "
            "Stop the cluster and start another one."
        )
        raise DashboardReplyError(detail)
    return f"{parts.scheme}://{parts.netloc}"


def _path(path: str, query: str) -> str:
    arguments = parse_qsl(query, keep_blank_values=True)
    kept = urlencode([(key, value) for key, value in arguments if key not in _LOGIN_ARGUMENTS])
    return "/" + quote(path, safe="/:@!$&'()*+,;=~") + ("?" + kept if kept else "")


def _passed_on(response: HTTPResponse, *, prefix: str) -> dict[str, str]:
    headers = {key: response.headers[key] for key in _ANSWERED if key in response.headers}
    target = response.headers.get("Location")
    if target is not None:
        headers["Location"] = _below(target, prefix)
    return headers


def _below(target: str, prefix: str) -> str:
    """Return where a redirect leads as the browser sees it."""
    parts = urlsplit(target)
    # Browsers read a backslash as a slash.
    if parts.scheme or parts.netloc or "\\" in target or target.startswith("//"):
        detail = "The dashboard leads to another place, and that is not followed."
        raise DashboardReplyError(detail)
    return prefix + target.removeprefix("/") if target.startswith("/") else target


def _unreachable() -> DashboardUnreachableError:
    detail = (
        "The dashboard does not answer. The cluster may be busy, or just ending. "
        "Try again in a moment."
    )
    return DashboardUnreachableError(detail)
