from __future__ import annotations

import pytest

from sandlot_server.clusters.dashboards import content_policy


@pytest.mark.parametrize(
    ("host", "named"),
    [
        pytest.param("hub.example:8443", True, id="host and port"),
        pytest.param("hub.example", True, id="host"),
        pytest.param("[::1]:8000", False, id="no policy can name it"),
        pytest.param("x; script-src *", False, id="a second directive"),
        pytest.param("x *", False, id="a second source"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_a_policy_names_one_dashboard_or_the_server(host: str, named: bool) -> None:
    policy = content_policy(host, "/user/a/d/")

    connect = next(part for part in policy.split("; ") if part.startswith("connect-src"))
    assert ("'self'" in connect) is not named
    assert (f"wss://{host}/user/a/d/" in connect) is named
    assert " *" not in policy
