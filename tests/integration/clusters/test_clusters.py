"""Dask clusters under `sandlot up`: what their owners do, and what others find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from support.dask_user import COMPUTE, LIE, SQUARES, cluster_token, dask_processes, said
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


def test_a_script_in_a_terminal_needs_no_arguments_either(ann: DaskUser) -> None:
    with ann.notebook() as cell:
        script = (
            "from dask_gateway import Gateway; g = Gateway(); "
            "print(sorted(g.cluster_options()), g.list_clusters())"
        )
        printed = cell.run(
            "import subprocess, sys\n"
            f"print(subprocess.run([sys.executable, '-c', {script!r}], capture_output=True,"
            " text=True).stdout)"
        )
    assert printed.strip() == "['image', 'worker_size'] []"


# --- what others see -------------------------------------------------------------------------

FOREIGN = [
    ("GET", "clusters/{name}", None),
    ("GET", "clusters/{name}?wait", None),
    ("DELETE", "clusters/{name}", None),
    ("POST", "clusters/{name}/scale", {"count": 1}),
    ("POST", "clusters/{name}/adapt", {"minimum": 0, "maximum": 1}),
    ("GET", "sandlot/clusters/{name}", None),
    ("GET", "sandlot/clusters/{name}/log", None),
]


def test_everybody_finds_only_what_is_theirs(dask: DaskStack, ann: DaskUser, bob: DaskUser) -> None:
    name = ann.create()
    dashboard = ann.running(name).dashboard_address
    for method, path, body in FOREIGN:
        theirs = bob.ask(method, path.format(name=name), json=body)
        nobodys = bob.ask(method, path.format(name="0" * 32), json=body)
        assert theirs.status_code == 404, (method, path, theirs.text)
        assert theirs.json() == nobodys.json(), "the answer tells that there is one"
    assert bob.ask("GET", "clusters/").json() == {}
    assert bob.overview().clusters == ()

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
