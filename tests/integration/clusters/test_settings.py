"""Settings that change while there are clusters. Each change starts the gateway anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.dask_user import dask_processes, one
from support.processes import wait_ended

if TYPE_CHECKING:
    from support.dask_user import DaskUser

    from .conftest import Change, DaskStack

pytestmark = [pytest.mark.timeout(1200), pytest.mark.root]


def test_an_idle_cluster_ends_by_itself(ann: DaskUser, change_settings: Change) -> None:
    older = ann.create()
    ann.running(older)
    change_settings("10 min", "2 s")

    name = ann.create()
    ann.running(name)
    found = ann.wait(lambda all_: name not in {each.name for each in all_.clusters})
    assert one(found, older).status == "RUNNING", "it was started with the settings of before"


def test_clusters_can_be_switched_off(
    dask: DaskStack, bob: DaskUser, change_settings: Change
) -> None:
    name = bob.create()
    bob.running(name)
    processes = dask_processes(dask.pid, name)
    change_settings("enabled: true", "enabled: false")

    wait_ended(processes)
    assert set(dask.stack.status().services) == {"proxy", "offers", "hub"}
    assert bob.ask("GET", "clusters/").status_code == 404
