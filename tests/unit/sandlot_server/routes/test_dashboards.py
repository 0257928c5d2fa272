from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest

from support.fake_gateway import cluster

if TYPE_CHECKING:
    from support.fake_gateway import FakeDashboard, FakeGateway
    from support.user_server import UserServer

pytestmark = pytest.mark.asyncio

NAME = "a" * 32
ROOT = f"/user/alice/sandlot/api/v1/clusters/{NAME}/dashboard/"
LOGIN = {"Authorization": "token alices"}


@pytest.fixture
def shown(gateway: FakeGateway, dashboard: FakeDashboard) -> FakeDashboard:
    gateway.put(cluster(NAME, dashboard=dashboard.origin))
    return dashboard


async def test_a_page_comes_without_what_could_harm(
    with_clusters: UserServer, shown: FakeDashboard
) -> None:
    reply = await with_clusters.fetch(
        f"clusters/{NAME}/dashboard/a%20page?x=1&token=alices&_xsrf=secret",
        token="alices",
        headers={"Cookie": "jupyterhub-session-id=secret", "X-Forwarded-For": "1.2.3.4"},
    )

    assert (reply.status, reply.text) == (200, "<h1>Status</h1>")
    assert reply.headers["Content-Type"].startswith("text/html")
    assert "stolen" not in str(reply.headers)
    assert "X-Frame-Options" not in reply.headers
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-scripts allow-same-origin allow-downloads" in policy
    assert f"{ROOT} " in policy.partition("connect-src")[2]

    ((path, headers),) = shown.asked
    assert path == "/a%20page?x=1"
    assert set(headers) <= {"Accept", "Accept-Encoding", "Connection", "Host", "User-Agent"}
    assert "secret" not in str(headers)
    assert "alices" not in str(headers)


async def test_a_redirect_stays_below_the_dashboard(
    with_clusters: UserServer, shown: FakeDashboard
) -> None:
    reply = await with_clusters.fetch(f"clusters/{NAME}/dashboard/", token="alices")

    assert (reply.status, reply.headers["Location"]) == (302, f"{ROOT}status")
    assert len(shown.asked) == 1


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/", "//evil.example/", "/\\evil.example/", "javascript:alert(1)"],
)
async def test_a_redirect_to_elsewhere_is_neither_followed_nor_shown(
    with_clusters: UserServer, shown: FakeDashboard, target: str
) -> None:
    shown.away = target

    reply = await with_clusters.fetch(f"clusters/{NAME}/dashboard/away", token="alices")

    assert (reply.status, reply.json()["code"]) == (502, "dashboard-reply")
    assert "Location" not in reply.headers
    assert len(shown.asked) == 1


async def test_what_is_unchanged_and_what_is_missing(
    with_clusters: UserServer, shown: FakeDashboard
) -> None:
    reply = await with_clusters.fetch(
        f"clusters/{NAME}/dashboard/x", token="alices", headers={"If-None-Match": '"7"'}
    )
    missing = await with_clusters.fetch(f"clusters/{NAME}/dashboard/gone", token="alices")

    assert shown.asked[0][1]["If-None-Match"] == '"7"'
    assert reply.status == 304
    assert (missing.status, missing.text) == (404, "no")


@pytest.mark.parametrize(
    "address",
    [
        "http://user@127.0.0.1:1/",
        "http://127.0.0.1:1/path",
        "http://127.0.0.1:1?x=1",
        "file:///etc/passwd",
        "unix:/run/x",
        "nonsense",
    ],
)
async def test_an_address_that_is_none_is_not_asked(
    with_clusters: UserServer, gateway: FakeGateway, address: str
) -> None:
    gateway.put(cluster(NAME, dashboard=address))

    reply = await with_clusters.fetch(f"clusters/{NAME}/dashboard/status", token="alices")

    assert (reply.status, reply.json()["code"]) == (502, "dashboard-reply")
    assert address not in reply.text


async def test_no_dashboard_yet_and_one_that_has_gone(
    with_clusters: UserServer, gateway: FakeGateway
) -> None:
    gateway.put(cluster(NAME))
    early = await with_clusters.fetch(f"clusters/{NAME}/dashboard/status", token="alices")
    gateway.put(cluster(NAME, dashboard="http://127.0.0.1:1"))
    late = await with_clusters.fetch(f"clusters/{NAME}/dashboard/status", token="alices")

    assert (early.status, early.json()["code"]) == (409, "dashboard-missing")
    assert (late.status, late.json()["code"]) == (503, "dashboard-unreachable")
    assert "127.0.0.1" not in late.text


async def test_a_websocket_carries_both_ways_until_one_end_closes(
    with_clusters: UserServer, shown: FakeDashboard
) -> None:
    url = f"{with_clusters.api}clusters/{NAME}/dashboard/status/ws?token=alices&id=7"
    cookie = {"Cookie": "jupyterhub-session-id=secret"}
    async with with_clusters.client.ws_connect(
        url, headers={**LOGIN, **cookie}, protocols=("bokeh", "session-7")
    ) as socket:
        assert socket.protocol == "bokeh"
        await socket.send_str("hello")
        assert await socket.receive_str() == "echo hello"
        await socket.send_bytes(b"abc")
        assert await socket.receive_bytes() == b"cba"
    await asyncio.wait_for(shown.closed.wait(), timeout=10)

    ((path, headers),) = shown.asked
    assert path == "/status/ws?id=7"
    assert headers["Sec-WebSocket-Protocol"] == "bokeh,session-7"
    assert not {"Cookie", "Authorization", "Origin"} & set(headers)


@pytest.mark.parametrize(
    ("name", "headers", "status"),
    [
        pytest.param(NAME, {}, 403, id="nobody"),
        pytest.param(NAME, {"Authorization": "token bobs"}, 403, id="visitor"),
        pytest.param("b" * 32, LOGIN, 404, id="somebody else's"),
        pytest.param(
            NAME, {"Authorization": "", "Origin": "http://evil.example"}, 403, id="another origin"
        ),
    ],
)
async def test_a_websocket_for_the_owner_only(
    with_clusters: UserServer,
    shown: FakeDashboard,
    name: str,
    headers: dict[str, str],
    status: int,
) -> None:
    url = f"{with_clusters.api}clusters/{name}/dashboard/status/ws"

    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await with_clusters.client.ws_connect(url, headers=headers)

    assert refused.value.status == status
    assert shown.asked == []


async def test_a_websocket_to_nobody_is_closed(
    with_clusters: UserServer, gateway: FakeGateway
) -> None:
    gateway.put(cluster(NAME, dashboard="http://127.0.0.1:1"))

    url = f"{with_clusters.api}clusters/{NAME}/dashboard/status/ws"
    async with with_clusters.client.ws_connect(url, headers=LOGIN) as socket:
        message = await socket.receive(timeout=10)

    assert message.type == aiohttp.WSMsgType.CLOSE
    assert socket.close_code == 1013
