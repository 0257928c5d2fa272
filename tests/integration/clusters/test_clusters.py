"""Dask clusters under `sandlot up`: what their owners do, and what others find."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest
import requests

from sandlot_hub.services.access import Open
from sandlot_hub.services.dask_gateway.app import gateway_routes
from sandlot_hub.services.handlers import ServiceHandler
from support.dask_user import COMPUTE, LIE, SQUARES, cluster_token, dask_processes, said
from support.hub_user import Kernel
from support.processes import wait_ended

if TYPE_CHECKING:
    from support.dask_user import DaskUser

    from .conftest import DaskStack

pytestmark = [pytest.mark.timeout(1200), pytest.mark.root]


def test_a_notebook_computes_on_two_workers(dask: DaskStack, ann: DaskUser) -> None:
    with ann.notebook() as cell:
        printed = cell.run(
            "from dask_gateway import GatewayCluster\n"
            "cluster = GatewayCluster()\n"
            "client = cluster.get_client()\n"
            "cluster.scale(2)\n"
            "client.wait_for_workers(2, timeout=60)\n"
            "print('ready')"
        )
        assert printed.strip() == "ready"
        found = said(cell.run(COMPUTE))
        assert found["sum"] == SQUARES
        assert len(found["pids"]) == 2
        assert found["uids"] == [dask.uid_of("ann")]

        (info,) = ann.wait(lambda all_: all_.clusters[0].workers.running == 2).clusters
        assert (info.image.slug, info.size.slug) == ("base", "tiny")
        assert info.workers.wanted == 2
        assert not info.adaptive
        processes = dask_processes(dask.pid, info.name)
        assert len(processes) == 3
        assert {each.uid for each in processes} == {dask.uid_of("ann")}

        cell.run("cluster.scale(1)")
        ann.wait_cluster(info.name, lambda each: each.workers.running == 1)
        cell.run("cluster.adapt(minimum=0, maximum=2)")
        adaptive = ann.wait_cluster(info.name, lambda each: each.adaptive is not None).adaptive
        assert adaptive is not None
        assert (adaptive.minimum, adaptive.maximum) == (0, 2)

        link = cell.run("print(cluster.dashboard_link)").strip()
        assert link == f"/user/ann/sandlot/api/v1/clusters/{info.name}/dashboard/status"
        assert cell.run("cluster.shutdown()") == ""
    wait_ended(processes)
    assert ann.wait(lambda all_: not all_.clusters).used.workers == 0


SCRIPT = """\
import os
from dask_gateway import Gateway
gateway = Gateway()
options = sorted(gateway.cluster_options())
print("found", os.getuid(), options, gateway.list_clusters())
"""


def test_a_script_in_a_terminal_needs_no_arguments_either(dask: DaskStack, ann: DaskUser) -> None:
    name = f"script-{uuid.uuid4().hex}.py"
    body = {"type": "file", "format": "text", "content": SCRIPT}
    assert ann.person.lab_api("PUT", f"api/contents/{name}", json=body).status_code == 201
    terminal = ann.person.lab_api("POST", "api/terminals").json()["name"]
    wanted = f"found {dask.uid_of('ann')} ['image', 'worker_size'] []"
    shown = ""
    with ann.person.socket(f"user/ann/terminals/websocket/{terminal}") as shell:
        # The words of the command itself come back, too; what is computed stands in the output only.
        shell.send(json.dumps(["stdin", f"python {name}; echo ended $((40 + 2))\r"]))
        while "ended 42" not in shown:
            kind, *words = json.loads(shell.recv())
            shown += words[0] if kind == "stdout" else ""
    assert wanted in shown, shown
    assert ann.person.lab_api("DELETE", f"api/terminals/{terminal}").status_code == 204


CONNECT = """\
from dask_gateway import Gateway
cluster = Gateway().connect({name!r})
client = cluster.get_client()
"""


def test_a_cluster_stays_when_its_kernel_is_restarted(dask: DaskStack, ann: DaskUser) -> None:
    name = ann.create()
    ann.running(name)
    ann.scale(name, 1)
    ann.wait_cluster(name, lambda each: each.workers.running == 1)
    before = dask_processes(dask.pid, name)
    started = ann.person.lab_api("POST", "api/kernels", json={"name": "python3"}).json()
    kernel = Kernel(ann.person, started["id"])
    connect = CONNECT.format(name=name)
    assert said(kernel.run(connect + COMPUTE))["sum"] == SQUARES

    restarted = ann.person.lab_api("POST", f"api/kernels/{started['id']}/restart")
    assert restarted.status_code == 200, restarted.text
    assert kernel.run("client").startswith("NameError")
    assert said(kernel.run(connect + COMPUTE))["sum"] == SQUARES
    assert set(dask_processes(dask.pid, name)) == set(before)


# --- what others see -------------------------------------------------------------------------

VERBS = ("get", "post", "put", "patch", "delete")
BODIES: dict[str, object] = {
    "scale": {"count": 1},
    "adapt": {"minimum": 0, "maximum": 1},
}
"""What is sent to the last part of a route."""
ROUTES = [
    (verb.upper(), route.template.removeprefix("api/v1/"))
    for route in gateway_routes(object(), object())  # type: ignore[arg-type]  # not called
    if not isinstance(route.access, Open)
    for verb in VERBS
    if getattr(route.handler, verb) is not getattr(ServiceHandler, verb)
]
"""Whatever the gateway does for people: a new route is in here by itself."""
FOREIGN = [(verb, path) for verb, path in ROUTES if "{name}" in path]
"""Those about one cluster."""


def test_what_the_gateway_does_about_a_cluster_is_found_in_its_routes() -> None:
    verbs = [verb for verb, _ in FOREIGN]
    assert (verbs.count("POST"), verbs.count("DELETE"), verbs.count("GET")) == (2, 1, 3)
    assert {path for _, path in ROUTES} >= {"clusters/", "sandlot/clusters", "options"}


def test_everybody_finds_only_what_is_theirs(dask: DaskStack, ann: DaskUser, bob: DaskUser) -> None:
    name = ann.create()
    dashboard = ann.running(name).dashboard_address
    for method, path in [*FOREIGN, ("GET", "clusters/{name}?wait")]:
        body = BODIES.get(path.rpartition("/")[2])
        theirs = bob.ask(method, path.format(name=name), json=body)
        nobodys = bob.ask(method, path.format(name="0" * 32), json=body)
        assert theirs.status_code == 404, (method, path, theirs.text)
        assert theirs.json() == nobodys.json(), "the answer tells that there is one"
    for method, path in ROUTES:
        if (method, path) not in FOREIGN and method == "GET":
            assert name not in bob.ask(method, path).text, path
    every = "?status=pending,running,stopping,stopped,failed"
    assert name not in bob.ask("GET", f"clusters/{every}").json()

    listed = ann.ask("GET", "clusters/").json()[name]
    assert not {"tls_key", "tls_cert"} & listed.keys()
    assert "PRIVATE KEY" in ann.ask("GET", f"clusters/{name}").json()["tls_key"]
    assert "BEGIN" not in ann.ask("GET", "sandlot/clusters").text

    (scheduler,) = dask_processes(dask.pid, name, "scheduler")
    token = cluster_token(scheduler.pid)
    _nothing_of_the_proxies_leads_there(dask, name, token)
    with bob.notebook() as cell:
        read = f"open('/proc/{scheduler.pid}/environ').read()"
        assert cell.run(read).startswith("PermissionError")
    _strangers_tokens_are_nothing(dask, ann, bob, name=name, token=token)
    assert ann.running(name).dashboard_address == dashboard


def _nothing_of_the_proxies_leads_there(dask: DaskStack, name: str, token: str) -> None:
    public, schedulers = dask.ports["public"], dask.ports["dask-proxy"]
    for url in (
        f"http://127.0.0.1:{public}/services/dask-gateway/clusters/{name}/status",
        f"http://127.0.0.1:{public}/clusters/{name}/status",
        f"http://127.0.0.1:{schedulers}/clusters/{name}/status",
        f"http://127.0.0.1:{schedulers}/services/dask-gateway/clusters/{name}/status",
        f"http://127.0.0.1:{schedulers}/api/v1/clusters/",
        f"http://127.0.0.1:{public}/services/dask-gateway/api/v1/routes",
        f"http://127.0.0.1:{public}/services/dask-gateway/api/v1/clusters/{name}/heartbeat",
    ):
        headers = {"Authorization": f"token {token}"}
        assert requests.get(url, headers=headers, timeout=10).status_code == 404, url


def _strangers_tokens_are_nothing(
    dask: DaskStack, ann: DaskUser, bob: DaskUser, *, name: str, token: str
) -> None:
    other = bob.create()
    bob.running(other)
    (scheduler,) = dask_processes(dask.pid, other, "scheduler")
    of_other = cluster_token(scheduler.pid)
    for stranger in ("", bob.token, ann.token, of_other, "é"):
        headers: dict[str, bytes | str] = {"Authorization": f"token {stranger}".encode()}
        for method, path in (
            ("POST", f"clusters/{name}/heartbeat"),
            ("DELETE", f"clusters/{name}"),
            ("GET", "routes"),
        ):
            url = f"{dask.door}/{path}"
            reply = requests.request(method, url, json={}, headers=headers, timeout=10)
            assert reply.status_code == 401, (method, path, reply.text)
    # What a scheduler holds is good for nothing that people do.
    for path in ("clusters/", f"clusters/{name}", "sandlot/clusters"):
        headers = {"Authorization": f"token {token}"}
        assert ann.ask("GET", path, headers=headers).status_code == 401
    bob.stop_all()
    # Replayed after its cluster has ended, also about that very cluster.
    for about in (name, other):
        replay = requests.post(
            f"{dask.door}/clusters/{about}/heartbeat",
            json=LIE,
            headers={"Authorization": f"token {of_other}"},
            timeout=10,
        )
        assert replay.status_code == 401, about
