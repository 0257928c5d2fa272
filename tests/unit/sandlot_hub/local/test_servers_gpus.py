"""Tests of GPUs that users' servers are given, with real processes."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sandlot_hub.local.refusals import RefusedRequestError
from support.server_machine import Machine, machine_of
from support.still_gpus import l4

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    async with machine_of(tmp_path) as made:
        yield made


async def test_who_has_gpus_gets_one_each_and_the_next_is_refused(machine: Machine) -> None:
    machine.driver.put(l4(1), l4(2, busy=True), l4(3))
    requests = [machine.request(n, owner=f"p{n}", size="gpu") for n in (1, 2, 3)]
    answers = await asyncio.gather(
        *(machine.servers.start(each) for each in requests), return_exceptions=True
    )
    refused = [each for each in answers if isinstance(each, RefusedRequestError)]
    assert [(each.problem.code, each.problem.status) for each in refused] == [
        ("accelerators-busy", 409)
    ]
    late = requests.pop(answers.index(refused[0]))
    told = {machine.gpus_of(each) for each in requests}
    assert told == {"GPU-1", "GPU-3"}
    assert machine.free_gpus() == 0

    await machine.servers.stop(requests[0].spawn_id, now=False)
    assert machine.free_gpus() == 1
    await machine.servers.start(late)
    assert machine.gpus_of(late) in told


async def test_who_asked_for_no_gpu_sees_none(machine: Machine) -> None:
    machine.driver.put(l4(1))
    request = machine.request()
    await machine.servers.start(request)
    assert machine.gpus_of(request) == ""


@pytest.mark.parametrize("killed", [False, True], ids=["by itself", "killed"])
async def test_a_gpu_comes_back_however_its_server_ends(machine: Machine, killed: bool) -> None:
    machine.driver.put(l4(1))
    request = machine.request(
        size="gpu", environment={"JUPYTER_BEHAVIOUR": "wait" if killed else "exit"}
    )
    state = await machine.servers.start(request)
    assert machine.free_gpus() == 0
    if killed:
        os.kill(state.pid, signal.SIGKILL)
    ended = await machine.servers.get(request.spawn_id, wait_s=20)
    assert ended.state == "exited"
    assert machine.free_gpus() == 1


async def test_the_gpu_of_a_forgotten_server_is_for_the_next_of_its_name(machine: Machine) -> None:
    machine.driver.put(l4(1))
    await machine.servers.start(machine.request(1, size="gpu"))
    second = machine.request(2, size="gpu")
    await machine.servers.start(second)
    assert machine.gpus_of(second) == "GPU-1"


async def test_a_refusal_for_want_of_gpus_ends_nothing(machine: Machine) -> None:
    first = machine.request(1)
    await machine.servers.start(first)
    with pytest.raises(RefusedRequestError) as caught:
        await machine.servers.start(machine.request(2, size="gpu"))
    assert caught.value.problem.code == "size-unavailable"
    assert (await machine.servers.get(first.spawn_id, wait_s=20)).state == "listening"


async def test_a_start_that_fails_holds_no_gpu(machine: Machine) -> None:
    machine.driver.put(l4(1))
    (machine.folder / "homes" / "ann").symlink_to("/")
    with pytest.raises(RefusedRequestError):
        await machine.servers.start(machine.request(size="gpu"))
    assert machine.free_gpus() == 1


async def test_a_server_is_in_the_groups_that_open_its_gpus(machine: Machine) -> None:
    machine.driver.put(l4(1, groups=(44, 7)), l4(2, groups=(9,)))
    await machine.servers.start(machine.request(size="gpu"))
    assert machine.launcher.started[0].identity.groups == (7, 44)
