from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from dask_gateway_server.models import ClusterStatus  # type: ignore[import-untyped]

from sandlot_hub.services.dask_gateway.kube_records import PodCluster

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def cluster() -> PodCluster:
    return PodCluster(
        name="c",
        username="ann",
        options={},
        config={},
        token="t",
        tls_cert=b"certificate",
        tls_key=b"key",
        start_time=1,
    )


def record(version: int = 1, *, phase: str = "", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"resourceVersion": str(version)},
        "spec": spec,
        "status": {"phase": phase, "address": "10.0.0.1"} if phase else {},
    }


@pytest.mark.parametrize(
    ("phase", "active", "status"),
    [
        ("", True, ClusterStatus.PENDING),
        ("Pending", True, ClusterStatus.PENDING),
        ("Running", True, ClusterStatus.RUNNING),
        ("Running", False, ClusterStatus.STOPPING),
        ("Stopped", False, ClusterStatus.STOPPED),
        ("Failed", True, ClusterStatus.FAILED),
    ],
)
async def test_a_record_has_a_status(
    cluster: PodCluster, phase: str, active: bool, status: ClusterStatus
) -> None:
    cluster.take(record(phase=phase, active=active))

    assert cluster.model_status is status


async def test_one_without_a_scheduler_no_longer_runs_though_its_workers_do(
    cluster: PodCluster,
) -> None:
    lost = record(phase="Running", active=True)
    lost["status"] |= {"code": "vanished", "reason": "Its scheduler was removed."}
    cluster.take(lost)

    assert cluster.model_status is ClusterStatus.STOPPING
    assert cluster.state["reason"] == "Its scheduler was removed."


async def test_keys_are_told_while_it_runs_and_addresses_are_those_of_its_pod(
    cluster: PodCluster,
) -> None:
    cluster.take(record(phase="Running", active=True))
    assert cluster.to_model().to_dict()["tls_key"] == "key"
    assert cluster.dashboard_address == "http://10.0.0.1:8787"
    cluster.take(record(phase="Running", active=False))
    assert cluster.to_model().to_dict()["tls_key"] is None


async def test_why_it_gets_fewer_workers_stays_when_its_record_is_read_anew(
    cluster: PodCluster,
) -> None:
    cluster.note_shortage("There is work for more workers.")
    cluster.take(record())
    assert cluster.state["shortage"] == "There is work for more workers."

    cluster.note_shortage("")
    assert cluster.state["shortage"] == ""


async def test_what_comes_back_late_takes_nothing_back(cluster: PodCluster) -> None:
    cluster.take(record(5, replicas=1))
    cluster.count = 4
    with cluster.writing():
        cluster.take(record(6, replicas=1))
        cluster.wrote(record(8, replicas=4))
    cluster.take(record(7, replicas=1))
    assert cluster.count == 4
    cluster.take(record(9, replicas=2))
    assert cluster.count == 2


def pod(name: str, phase: str, *, ends: bool = False) -> dict[str, Any]:
    labels = {"app.kubernetes.io/component": "dask-worker"}
    times = {"deletionTimestamp": "t"} if ends else {}
    return {"metadata": {"name": name, "labels": labels, **times}, "status": {"phase": phase}}


async def test_a_worker_works_when_its_scheduler_and_its_node_say_so(cluster: PodCluster) -> None:
    pods = [pod("a", "Running"), pod("b", "Pending"), pod("c", "Running"), pod("d", "Failed")]
    cluster.pods = {each["metadata"]["name"]: each for each in pods}
    cluster.active = frozenset({"a", "b", "d"})

    found = {name: worker.status.name for name, worker in cluster.workers.items()}
    assert found == {"a": "RUNNING", "b": "SUBMITTED", "c": "SUBMITTED", "d": "STOPPED"}
