from __future__ import annotations

import pytest

from sandlot_hub.spawner.addresses import ServerAddresses


@pytest.mark.parametrize(
    ("user", "server", "path", "api"),
    [
        pytest.param("ann", "", "ann", "ann/server", id="default"),
        pytest.param("ann", "gpu-1", "ann/gpu-1", "ann/servers/gpu-1", id="named"),
        pytest.param("a/b c@x", "", "a%2Fb%20c@x", "a%2Fb%20c@x/server", id="a user to escape"),
        pytest.param("ann", 'x"?#/y', "ann/x%22%3F%23%2Fy", None, id="an old name"),
    ],
)
def test_names_are_escaped(user: str, server: str, path: str, api: str | None) -> None:
    addresses = ServerAddresses(hub="/base/hub/", user=user, server_name=server)
    assert addresses.spawn == f"/base/hub/spawn/{path}"
    assert addresses.pending == f"/base/hub/spawn-pending/{path}"
    assert api is None or addresses.api == f"/base/hub/api/users/{api}"


def test_queries_are_escaped() -> None:
    addresses = ServerAddresses(hub="/hub/", user="a&b", server_name="x=y")
    assert addresses.ticket == "/hub/sandlot/ticket?user=a%26b&server=x%3Dy"
    start = addresses.start({"profile": "cpu", "reference": "r/x:1&y", "size": "small"})
    assert start == (
        "/hub/spawn/a%26b/x%3Dy?opt-profile=cpu&opt-reference=r%2Fx%3A1%26y&opt-size=small"
    )


@pytest.mark.parametrize(
    ("options", "keep", "address"),
    [
        pytest.param({}, {}, "", id="nothing"),
        pytest.param(
            {"profile": "cpu", "reference": "r/x:1&y#"},
            {},
            "#profile=cpu&reference=r%2Fx%3A1%26y%23",
            id="a choice",
        ),
        pytest.param(
            {"profile": "a"}, {"next": "/a?b#c"}, "?next=%2Fa%3Fb%23c#profile=a", id="both"
        ),
    ],
)
def test_forms_are_filled_in_behind_the_hash(
    options: dict[str, str], keep: dict[str, str], address: str
) -> None:
    addresses = ServerAddresses(hub="/hub/", user="ann", server_name="")
    assert addresses.fill_in(options, keep=keep) == f"/hub/spawn/ann{address}"
