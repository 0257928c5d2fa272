"""Clusters through the owner's own server: list, orders, pushes, dashboards."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
import websocket

if TYPE_CHECKING:
    from support.dask_user import DaskUser
    from support.hub_user import HubUser

pytestmark = [pytest.mark.timeout(1200), pytest.mark.root]

API = "sandlot/api/v1/"
SCHEMA = "urn:sandlot:event:clusters:v1"
_WAIT_S = 60.0


def listed(person: HubUser) -> list[dict[str, Any]]:
    reply = person.lab_api("GET", f"{API}clusters")
    assert reply.status_code == 200, reply.text
    assert "PRIVATE KEY" not in reply.text
    assert "127.0.0.1" not in reply.text
    found: list[dict[str, Any]] = reply.json()["clusters"]
    return found


def order(person: HubUser, method: str, path: str, **options: Any) -> requests.Response:
    return person.lab_api(method, f"{API}clusters{path}", **options)


def until(person: HubUser, pushes: websocket.WebSocket, wanted: dict[str, Any]) -> None:
    """Look at the list whenever the server pushes, until its one cluster is as wanted."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        (found,) = listed(person)
        if wanted.items() <= {**found, **found["workers"]}.items():
            return
        while json.loads(pushes.recv())["schema_id"] != SCHEMA:
            assert time.monotonic() < deadline, found


def test_one_click_to_a_cluster_with_a_dashboard(newcomer: DaskUser, bob: DaskUser) -> None:
    person, other = newcomer.person, bob.person
    home = f"user/{person.name}"
    assert listed(person) == []
    with person.socket(f"{home}/api/events/subscribe") as pushes:
        reply = order(person, "POST", "", json={"worker_size": "tiny"})
        assert reply.status_code == 201, reply.text
        name = reply.json()["name"]
        until(person, pushes, {"name": name, "status": "RUNNING"})
        assert order(person, "POST", f"/{name}/scale", json={"count": 1}).status_code == 204
        until(person, pushes, {"running": 1, "wanted": 1})

    dashboard = f"{API}clusters/{name}/dashboard/"
    page = person.lab(f"{dashboard}status")
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers or "bokeh" not in page.headers["Set-Cookie"]
    script = re.search(r'src="(static/js/bokeh[^"]*)"', page.text)
    session = re.search(r'"token":"([^"]+)"', page.text)
    assert script is not None
    assert session is not None
    assert person.lab(dashboard + script[1]).headers["Content-Type"].startswith("text/javascript")
    protocols = ["bokeh", session[1]]
    with person.socket(f"{home}/{dashboard}status/ws", subprotocols=protocols) as plots:
        assert json.loads(plots.recv())["msgtype"] == "ACK"
    assert person.lab(f"{dashboard}individual-plots.json").json()

    for path in (f"/{name}/log", f"/{name}/dashboard/status"):
        assert order(person, "GET", path).status_code == 200
        assert order(other, "GET", path).status_code == 404
        assert other.get(f"{home}/{API}clusters{path}").status_code == 403
        nobody = requests.get(f"{person.url}{home}/{API}clusters{path}", timeout=60)
        assert nobody.status_code == 403
    assert order(other, "POST", f"/{name}/scale", json={"count": 0}).status_code == 404
    assert order(other, "DELETE", f"/{name}").status_code == 404
    with pytest.raises(websocket.WebSocketBadStatusException, match="404"):
        other.socket(f"user/bob/{dashboard}status/ws").__enter__()
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        websocket.create_connection(
            f"{person.url}{home}/{dashboard}status/ws".replace("http", "ws", 1), timeout=60
        )
    forged = person.session.delete(f"{person.url}{home}/{API}clusters/{name}", timeout=60)
    assert forged.status_code == 403

    assert order(person, "DELETE", f"/{name}").status_code == 204
    refused = order(person, "POST", "", json={"image": "no-such"})
    assert (refused.status_code, refused.json()["field"]) == (422, "image")
