"""`sandlot up` started by an ordinary user: all accounts share its uid, and everything says so."""

from __future__ import annotations

import os
import signal
import textwrap
from typing import TYPE_CHECKING

import pytest

from support.dask_user import COMPUTE, SQUARES, DaskUser, dask_processes, said
from support.hub_user import HubUser
from support.processes import below, server_of, wait_ended
from support.stack import AS_ROOT, Launch, open_folder, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.stack import Stack

pytestmark = pytest.mark.timeout(1200)

UID = 21987 if AS_ROOT else None
"""Whoever runs the tests, unless that is root."""
SETTINGS = textwrap.dedent(
    """\
    version: 1
    images:
      base: {display_name: Base, local: base}
    sizes:
      small: {display_name: Small, cpus: 1, memory: 1 GiB}
    profiles:
      all: {display_name: All, images: [base], sizes: [small]}
    """
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Stack]:
    with open_folder() as folder:
        settings = folder / "settings.yaml"
        settings.write_text(SETTINGS)
        settings.chmod(0o644)
        with running(Launch(uid=UID, settings=settings)) as started:
            started.wait_image("base")
            yield started


@pytest.fixture(scope="module")
def ann(shared: Stack) -> HubUser:
    person = HubUser(shared.url, "ann")
    person.log_in(shared.add_user("ann"))
    person.start()
    return person


def test_terminal_status_and_login_page_say_so(shared: Stack) -> None:
    assert "ALL ACCOUNTS SHARE ONE USER ID" in shared.output
    assert shared.status().isolation == "shared-uid"
    assert "share one user id" in shared.run("status").stdout
    assert "trust" in HubUser(shared.url, "ann").get("hub/login").text


def ann_uid(shared: Stack) -> int:
    return (shared.data_dir / "homes" / "ann").stat().st_uid


def test_everything_runs_as_the_one_user(shared: Stack, ann: HubUser) -> None:
    expected = os.geteuid() if UID is None else UID
    assert {each.uid for each in below(shared.process.pid)} == {expected}
    assert ann.kernel().run("import os; print(os.getuid())").strip() == str(expected)
    home = shared.data_dir / "homes" / "ann"
    assert home.stat().st_uid == expected
    assert home.stat().st_mode & 0o777 == 0o700
    assert shared.data_dir.stat().st_mode & 0o777 == 0o700


def test_a_cluster_computes_shows_its_plots_and_ends(shared: Stack, ann: HubUser) -> None:
    owner = DaskUser(ann)
    with owner.notebook() as cell:
        cell.run(
            "from dask_gateway import GatewayCluster\n"
            "cluster = GatewayCluster(); cluster.scale(2)\n"
            "client = cluster.get_client(); client.wait_for_workers(2)"
        )
        (info,) = owner.overview().clusters
        processes = dask_processes(shared.process.pid, info.name)
        assert {each.uid for each in processes} == {ann_uid(shared)}
        result = said(cell.run(COMPUTE))
        assert (result["sum"], len(result["pids"])) == (SQUARES, 2)

        page = f"user/ann/sandlot/api/v1/clusters/{info.name}/dashboard"
        assert "Individual Task Stream" in ann.get(f"{page}/individual-plots.json").json()
        assert "Bokeh" in ann.get(f"{page}/individual-task-stream").text
        nobody = HubUser(shared.url, "nobody")
        assert nobody.get(f"{page}/individual-task-stream").status_code == 403
        cell.run("cluster.shutdown()")
    owner.wait(lambda found: found.used.clusters == 0)
    wait_ended(processes)


def test_a_killed_guard_leaves_nothing_and_others_go_on(shared: Stack, ann: HubUser) -> None:
    kernel = ann.kernel()
    bob = HubUser(shared.url, "bob")
    bob.log_in(shared.add_user("bob"))
    bob.start()
    bob.kernel().run("import os; os.system('setsid sleep 1000 & setsid sleep 1001 &')")
    guard = server_of(shared.process.pid, "bob").parent
    doomed = below(guard)
    os.kill(guard, signal.SIGKILL)
    wait_ended(doomed)
    assert kernel.run("print(6 * 7)").strip() == "42"


def test_a_killed_supervisor_leaves_nothing(shared: Stack, ann: HubUser) -> None:
    ann.kernel().run("import os; os.system('setsid sleep 1000 &')")
    everything = below(shared.process.pid)
    shared.kill()
    wait_ended(everything)
