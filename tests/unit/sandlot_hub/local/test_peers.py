from __future__ import annotations

import os
import socket

import pytest

from sandlot_hub.local.peers import Peers, Role, peer_uid


def test_the_peer_is_known() -> None:
    here, there = socket.socketpair(socket.AF_UNIX)
    with here, there:
        assert peer_uid(here) == os.geteuid()


@pytest.mark.parametrize(
    ("uid", "roles"),
    [
        pytest.param(5, Role.OPERATOR | Role.HUB, id="several"),
        pytest.param(6, Role.SERVICE, id="a service"),
        pytest.param(7, Role.SERVICE | Role.GATEWAY, id="the gateway"),
        pytest.param(8, Role.NOBODY, id="a stranger"),
        pytest.param(None, Role.NOBODY, id="not told"),
    ],
)
def test_what_a_uid_may_do(uid: int | None, roles: Role) -> None:
    peers = Peers(operator=frozenset({0, 5}), hub=5, services=frozenset({6, 7}), gateway=7)

    assert peers.roles(uid) == roles
