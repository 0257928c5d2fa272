from __future__ import annotations

from http.cookies import SimpleCookie
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandlot_hub.spawner.oauth_clients import oauth_client_id

# The hub refuses both with a slash.
NAMES = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), max_size=255)
SERVERS = st.tuples(NAMES.filter(bool), NAMES)


def client_id(owner: str, server_name: str) -> str:
    by_hub = f"jupyterhub-user-{quote(owner)}"
    if server_name:
        by_hub = f"{by_hub}-{quote(server_name)}"
    return oauth_client_id(by_hub, owner=owner, server_name=server_name)


@pytest.mark.parametrize(
    ("owner", "server_name", "expected"),
    [
        pytest.param("ann", "", "jupyterhub-user-ann", id="default"),
        pytest.param("ann@x.org", "", "jupyterhub-user-ann%40x.org", id="default-mail"),
        pytest.param("ann", "b", "jupyterhub-user-ann!b", id="named"),
        pytest.param("ann-b", "", "jupyterhub-user-ann-b", id="user-of-that-name"),
        pytest.param(
            "安" * 255, "", "jupyterhub-user-u---ey7urx2jkalvy2wji6wguh4dfq!", id="too-long"
        ),
    ],
)
def test_default_servers_keep_what_the_hub_calls_them(
    owner: str, server_name: str, expected: str
) -> None:
    assert client_id(owner, server_name) == expected


@given(SERVERS, SERVERS)
def test_no_two_servers_share_one(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (client_id(*one) == client_id(*other)) == (one == other)


@given(SERVERS)
def test_it_fits_the_database_and_is_the_name_of_a_cookie(server: tuple[str, str]) -> None:
    found = client_id(*server)
    assert len(found) <= 255
    cookie = SimpleCookie()
    cookie[found] = "x"
    assert found in cookie
