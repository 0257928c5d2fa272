from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sandlot_server.caller import Caller, identify


def hub_user(name: str, kind: str = "user") -> Any:
    return SimpleNamespace(username=name, hub_user={"name": name, "kind": kind})


@pytest.mark.parametrize(
    ("user", "owner", "expected"),
    [
        pytest.param(
            hub_user("alice"), "alice", Caller(name="alice", visitor=False), id="the owner"
        ),
        pytest.param(hub_user("bob"), "alice", Caller(name="bob", visitor=True), id="another user"),
        pytest.param(
            hub_user("alice", kind="service"),
            "alice",
            Caller(name="alice", visitor=True),
            id="a service of the same name",
        ),
        pytest.param(
            SimpleNamespace(username="alice"),
            "alice",
            Caller(name="alice", visitor=True),
            id="an identity that the hub did not vouch for",
        ),
        pytest.param(
            SimpleNamespace(username="0123abcd"),
            "",
            Caller(name="0123abcd", visitor=False),
            id="no hub",
        ),
    ],
)
def test_who_is_who(user: object, owner: str, expected: Caller) -> None:
    assert identify(user, owner=owner) == expected
