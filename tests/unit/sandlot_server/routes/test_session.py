from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.user_server import SERVER_TOKEN, SESSION

if TYPE_CHECKING:
    from support.user_server import UserServer


@pytest.mark.asyncio
async def test_the_owner_sees_the_session(server: UserServer) -> None:
    reply = await server.fetch("session", token="alices")

    assert reply.status == 200
    assert reply.json() == {
        "session": SESSION.model_dump(mode="json"),
        "visitor": False,
        "viewer": "alice",
        "hub_home_url": "/hub/home",
    }
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("token", "viewer"),
    [
        pytest.param("bobs", "bob", id="another user"),
        pytest.param("services", "alice", id="a service of the owner's name"),
    ],
)
async def test_a_visitor_sees_it_and_is_told_apart(
    server: UserServer, token: str, viewer: str
) -> None:
    view = (await server.fetch("session", token=token)).json()

    assert view["visitor"] is True
    assert view["viewer"] == viewer
    assert view["session"]["owner"] == "alice"


@pytest.mark.asyncio
async def test_no_reply_holds_the_servers_token(server: UserServer) -> None:
    for name in ("session", "usage", "offers"):
        reply = await server.fetch(name, token="alices")
        assert SERVER_TOKEN not in reply.text + str(reply.headers)
