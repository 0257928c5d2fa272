"""A run of the cluster: who may see what of it, how it ends, and what a killed one leaves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kubernetes_asyncio.client import ApiException, CoreV1Api

from support.cluster.access import Access
from support.cluster.api import connected
from support.cluster.audit import Use, uses
from support.cluster.cluster import running
from support.cluster.control_plane import INSIDE
from support.cluster.network import NAMESPACES, Network
from support.cluster.runs import runs_folder, sweep
from support.cluster.waiting import until
from support.house import ROOT
from support.hub_user import HubUser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.cluster.cluster import Cluster
    from support.cluster.namespaces import TestNamespace

START_S = 100
STOP_S = 30


@contextmanager
def developers_cluster() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Give what `make cluster` runs, and the folder of its run."""
    process = subprocess.Popen(
        [sys.executable, "-m", "support.cluster"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if found := re.search(r"KUBECONFIG=(\S+)", line):
                yield process, Path(found[1]).parent
                break
        else:
            pytest.fail("it has ended before it said where its kubeconfig is")
    finally:
        process.kill()
        process.wait(STOP_S)
        process.stdout.close()


@pytest.mark.timeout(START_S + STOP_S)
def test_a_developer_gets_a_hub_and_ctrl_c_ends_everything(own_cluster: Cluster) -> None:
    with developers_cluster() as (process, folder):
        network = Network(folder.name)
        assert network.members()
        assert process.stdout is not None
        told = (re.search(r"Its hub is at (\S+)", line) for line in process.stdout)
        url = next(found[1] for found in told if found)
        person = HubUser(url, "ann")
        assert person.log_in("any password").ok
        assert "Four L4" in person.get("hub/spawn").text
        process.send_signal(signal.SIGINT)
        code = process.wait(STOP_S)

    assert code == 0
    assert not network.members()
    assert not (NAMESPACES / network.name).exists()
    assert not folder.exists()


@pytest.mark.timeout(START_S + STOP_S)
@pytest.mark.asyncio
async def test_what_a_killed_run_leaves_is_removed_by_the_next(
    own_cluster: Cluster, core: CoreV1Api
) -> None:
    with developers_cluster() as (process, folder):
        network = Network(folder.name)
        assert folder.name not in sweep(runs_folder())
        process.kill()
        process.wait(STOP_S)
    assert network.members()
    removed = sweep(runs_folder())

    assert folder.name in removed
    assert not network.members()
    assert not (NAMESPACES / network.name).exists()
    assert not folder.exists()
    # The one of this run goes on.
    assert (await core.list_namespace()).items


def test_its_files_are_its_owners_only(own_cluster: Cluster) -> None:
    assert own_cluster.kubeconfig.parent.stat().st_mode & 0o077 == 0
    assert own_cluster.kubeconfig.stat().st_mode & 0o077 == 0


def test_it_is_reached_over_loopback_only(own_cluster: Cluster) -> None:
    assert own_cluster.access.server.startswith("https://127.0.0.1:")


def test_no_way_leads_out_of_its_network(own_cluster: Cluster) -> None:
    network = Network(own_cluster.kubeconfig.parent.name)
    done = subprocess.run(
        network.command("ip", "route", "show", "default"),
        capture_output=True,
        text=True,
        check=True,
        timeout=STOP_S,
    )

    assert done.stdout == ""


def test_a_process_inside_reaches_it_directly(own_cluster: Cluster, tmp_path: Path) -> None:
    assert own_cluster.plane is not None
    kubeconfig = own_cluster.plane.inside.write(tmp_path / "inside")
    script = (
        "import asyncio, sys; from support.cluster.api import connected\n"
        "from kubernetes_asyncio.client import CoreV1Api\n"
        "async def names(path):\n"
        "    async with connected(path) as client:\n"
        "        print(client.configuration.host, len((await CoreV1Api(client).list_node()).items))\n"
        "asyncio.run(names(sys.argv[1]))\n"
    )
    network = Network(own_cluster.kubeconfig.parent.name)
    done = subprocess.run(
        network.command(sys.executable, "-c", script, str(kubeconfig)),
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=True,
        timeout=STOP_S,
    )

    assert done.stdout.startswith(INSIDE)


@pytest.mark.asyncio
async def test_the_audit_log_tells_which_rights_were_used(
    namespace: TestNamespace, own_cluster: Cluster, tmp_path: Path
) -> None:
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "create"]}
    account = await namespace.hub_account([rule])
    async with connected(account.write(tmp_path / "hub")) as client:
        hub = CoreV1Api(client)
        await hub.list_namespaced_pod(namespace.name)
        with pytest.raises(ApiException):
            await hub.read_namespaced_pod_log("p", namespace.name)
    assert own_cluster.plane is not None
    log = own_cluster.plane.audit_log
    listed = Use(verb="list", resource="pods", namespace=namespace.name, allowed=True)
    refused = Use(verb="get", resource="pods/log", namespace=namespace.name, allowed=False)

    await until(lambda: len(uses(log, namespace.hub_user)) > 1, what="both are in the log")
    assert uses(log, namespace.hub_user) == [listed, refused]


@pytest.mark.asyncio
async def test_a_cluster_that_is_brought_replaces_ours(
    own_cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDLOT_TEST_KUBECONFIG", str(own_cluster.kubeconfig))
    told: list[str] = []
    with running(say=told.append) as found:
        assert found.plane is None
        assert isinstance(found.access, Access)
        assert found.access.server == own_cluster.access.server
        async with connected(found.kubeconfig) as client:
            assert (await CoreV1Api(client).list_namespace()).items

    assert told == [f"Using the cluster of {own_cluster.kubeconfig}"]
