"""Restarts and kills: clusters outlive what started them, and say why they ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from support.dask_user import COMPUTE, SQUARES, dask_processes, said
from support.processes import find_below, wait_ended

if TYPE_CHECKING:
    from support.dask_user import DaskUser

    from .conftest import DaskStack

pytestmark = [pytest.mark.timeout(1200), pytest.mark.root]


def gateway_pid(dask: DaskStack) -> int:
    return find_below(dask.pid, "sandlot_hub.services.dask_gateway")


@pytest.mark.parametrize("end", ["restarted", "killed", "hub"])
def test_a_cluster_outlives_what_it_was_asked_of(dask: DaskStack, ann: DaskUser, end: str) -> None:
    with ann.notebook() as cell:
        cell.run(
            "from dask_gateway import Gateway\n"
            "gateway = Gateway()\n"
            "cluster = gateway.new_cluster(shutdown_on_close=False)\n"
            "client = cluster.get_client()\n"
            "cluster.scale(1)\n"
            "kept = client.submit(sum, range(10)); kept.result()"
        )
        (info,) = ann.wait(lambda all_: all_.clusters[0].workers.running == 1).clusters
        before = dask_processes(dask.pid, info.name)
        if end == "killed":
            os.kill(gateway_pid(dask), signal.SIGKILL)
            dask.stack.run("restart", "dask-gateway")
        else:
            dask.stack.run("restart", "hub" if end == "hub" else "dask-gateway")

        assert said(cell.run(COMPUTE))["sum"] == SQUARES
        assert cell.run("print(kept.result())").strip() == "45"
        assert set(dask_processes(dask.pid, info.name)) == set(before)
        cell.run("cluster.scale(2)")
        ann.wait_cluster(info.name, lambda each: each.workers.running == 2)
        # The proxy to schedulers knows those of afterwards, too.
        printed = cell.run(
            "second = gateway.new_cluster(); print(second.get_client().submit(sum, [1, 2]))"
        )
        assert "Future" in printed, printed
    ann.stop_all()
    wait_ended(before)


def test_the_port_of_a_proxy_that_is_down_is_nobodys(dask: DaskStack, ann: DaskUser) -> None:
    port = dask.ports["dask-proxy"]
    os.kill(find_below(dask.pid, "dask-gateway-proxy"), signal.SIGKILL)
    with contextlib.closing(socket.socket()) as thief, pytest.raises(OSError, match="in use"):
        thief.bind(("127.0.0.1", port))

    dask.stack.run("restart", "dask-proxy")
    with ann.notebook() as cell:
        printed = cell.run(
            "from dask_gateway import GatewayCluster\n"
            "cluster = GatewayCluster(); client = cluster.get_client()\n"
            "print(len(client.scheduler_info()['workers'])); cluster.shutdown()"
        )
    assert printed.strip() == "0"


def test_what_no_database_knows_is_ended(dask: DaskStack, ann: DaskUser) -> None:
    name = ann.create()
    ann.running(name)
    lost = dask_processes(dask.pid, name)
    folder = dask.stack.data_dir / "services" / "dask-gateway"
    (folder / "clusters.sqlite").write_bytes(b"no database any more" * 500)
    dask.stack.run("restart", "dask-gateway")

    wait_ended(lost)
    assert ann.overview().clusters == ()
    assert (folder / "clusters.sqlite.unreadable").exists()


def test_a_scheduler_that_ends_is_told_with_its_log(dask: DaskStack, ann: DaskUser) -> None:
    name = ann.create()
    ann.running(name)
    ann.scale(name, 1)
    ann.wait_cluster(name, lambda each: each.workers.running == 1)
    everything = dask_processes(dask.pid, name)
    (scheduler,) = dask_processes(dask.pid, name, "scheduler")
    os.kill(scheduler.pid, signal.SIGKILL)

    failed = ann.wait_cluster(name, lambda each: each.status == "FAILED")
    assert failed.code == "scheduler-ended"
    assert "signal SIGKILL" in failed.reason
    assert failed.next.startswith("Next: start another cluster")
    wait_ended(everything)
    log = ann.ask("GET", f"sandlot/clusters/{name}/log").json()
    assert any("Scheduler at:" in line for line in log["scheduler"])
    assert any("Registered to:" in line for line in log["workers"][0]["lines"])


def test_a_worker_that_ends_is_replaced(dask: DaskStack, ann: DaskUser) -> None:
    name = ann.create()
    ann.running(name)
    ann.scale(name, 1)
    ann.wait_cluster(name, lambda each: each.workers.running == 1)
    (worker,) = dask_processes(dask.pid, name, "worker")
    os.kill(worker.pid, signal.SIGKILL)
    wait_ended([worker])

    ann.wait_cluster(name, lambda each: each.workers.running == 0)
    ann.wait_cluster(name, lambda each: each.workers.running == 1)
    assert worker not in dask_processes(dask.pid, name, "worker")
