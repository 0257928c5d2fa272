from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from sandlot_contracts.supervisor import DaskState, StartDask
from sandlot_hub.adapters.settings_file import LoadedSettings, load_settings
from sandlot_hub.local.accounts import Accounts
from sandlot_hub.local.dask import DaskProcesses
from sandlot_hub.local.leftovers import Leftovers
from sandlot_hub.local.limits import CpuSpread, NoMemoryLimits
from sandlot_hub.local.processes import Launcher
from sandlot_hub.local.refusals import RefusedRequestError
from sandlot_hub.local.server_limits import ServerLimits
from support.still_gpus import StillDriver, l4

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio

SETTINGS: dict[str, Any] = {
    "version": 1,
    "images": {
        "base": {"display_name": "Base", "local": "base"},
        "later": {"display_name": "Not built", "local": "later"},
        "pods": {"display_name": "Elsewhere", "reference": "registry/x:1"},
    },
    "accelerators": {
        "l4": {"display_name": "NVIDIA L4"},
        "amd": {"display_name": "AMD", "resource": "amd.com/gpu"},
    },
    "sizes": {
        "small": {"display_name": "Small", "cpus": 1, "memory": "1 GiB"},
        **{
            f"{flavor}-{count}": {
                "display_name": "With GPUs",
                "cpus": 1,
                "memory": "1 GiB",
                "accelerator": {"flavor": flavor, "count": count},
            }
            for flavor, count in (("l4", 1), ("l4", 2), ("l4", 3), ("amd", 1))
        },
    },
    "profiles": {"all": {"display_name": "All", "images": ["base"], "sizes": ["small"]}},
}
PROGRAM = f"""#!{sys.executable}
import os, signal, sys
print(*sys.argv[1:2], "of", os.environ["USER"], "in", os.getcwd(), flush=True)
print("GPUs", os.environ["CUDA_VISIBLE_DEVICES"], *sys.argv[-2:], flush=True)
if os.environ["DASK_GATEWAY_API_TOKEN"] == "e" * 32:
    sys.exit(3)
signal.pause()
"""
ADDRESS = "tls://127.0.0.1:4000"


class Machine:
    """Everything that `DaskProcesses` stands on."""

    def __init__(self, folder: Path) -> None:
        for name in ("guards", "state", "homes", "logs"):
            (folder / name).mkdir()
        self.folder = folder
        image = folder / "image"
        program = image / "bin" / "dask"
        program.parent.mkdir(parents=True)
        program.write_text(PROGRAM)
        program.chmod(0o755)
        self.bound: dict[int, frozenset[int]] = {}
        self.accounts = Accounts(
            database=folder / "state" / "a.sqlite", homes=folder / "homes", own_uids=False
        )
        self.launcher = Launcher(leftovers=Leftovers(folder / "guards"), sole_parent=False)
        self.loaded: LoadedSettings = load_settings(SETTINGS)
        self.environments = {"base": image}
        self.driver = StillDriver()
        self.leases = self.driver.leases()
        self.dask = self.make()
        self.dask.use(self.loaded)

    def make(self, remembered: int = 500) -> DaskProcesses:
        return DaskProcesses(
            launcher=self.launcher,
            accounts=self.accounts,
            environment=self.environments.get,
            limits=ServerLimits(
                memory=NoMemoryLimits("Not here."),
                processors=CpuSpread((0, 1)),
                set_affinity=self.bound.__setitem__,
                stack="test",
            ),
            leases=self.leases,
            logs=self.folder / "logs",
            api_url="http://127.0.0.1:4003/api",
            remembered=remembered,
        )

    def request(self, number: int = 1, **changes: Any) -> StartDask:
        values: dict[str, object] = {
            "process_id": f"{number:032x}",
            "cluster": f"{1:032x}",
            "owner": "ann",
            "role": "scheduler",
            "image": "base",
            "size": "small",
            "settings_hash": self.loaded.hash,
            "token": "1" * 32,
            "certificate": "certificate",
            "key": "key",
        }
        return StartDask.model_validate({**values, **changes})

    def worker(self, number: int = 2, **changes: Any) -> StartDask:
        return self.request(number, **{"role": "worker", "scheduler_address": ADDRESS, **changes})

    async def ended(self, request: StartDask) -> DaskState:
        """Wait until a process has ended."""
        version: int | None = None
        async with asyncio.timeout(20):
            while True:
                found = await self.dask.states(after=version, wait_s=20, gone=lambda: False)
                version = found.version
                for each in found.processes:
                    if each.process_id == request.process_id and each.state == "exited":
                        return each

    async def gpus_of(self, request: StartDask) -> list[str]:
        """Return what a process was told of GPUs, once it runs."""
        async with asyncio.timeout(20):
            while True:
                for line in self.dask.log_tail(request.process_id).lines:
                    _, said, told = line.partition("GPUs ")
                    if said:
                        return told.split()
                await asyncio.sleep(0)

    async def used(self) -> int:
        """Return how many GPUs are told to be used."""
        await self.leases.fresh()
        facts = self.leases.facts(self.loaded.settings, cpus=8, memory_bytes=1 << 35)
        assert facts.capacity is not None
        return facts.capacity.flavors["l4"].used

    def log_files(self) -> set[str]:
        return {each.name for each in (self.folder / "logs").iterdir()}


@pytest_asyncio.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    made = Machine(tmp_path)
    yield made
    await made.dask.close(now=True)
    await made.launcher.close()
    made.accounts.close()


async def test_scheduler_and_worker_run_until_they_are_stopped(machine: Machine) -> None:
    scheduler = await machine.dask.start(machine.request())
    worker = await machine.dask.start(machine.worker())
    assert (scheduler.state, scheduler.role, scheduler.uid) == (
        "running",
        "scheduler",
        os.geteuid(),
    )
    assert len(machine.bound[worker.pid]) == 1

    stopped = await machine.dask.stop(worker.process_id, now=True)
    assert (stopped.state, stopped.reason) == ("exited", "It was stopped.")
    found = await machine.dask.states(gone=lambda: False)
    assert [each.state for each in found.processes] == ["running", "exited"]


async def test_an_end_is_told_to_who_waits(machine: Machine) -> None:
    request = machine.request(token="e" * 32)
    await machine.dask.start(request)

    ended = await machine.ended(request)
    assert (ended.exit_code, ended.reason) == (3, "It ended by itself.")
    lines = machine.dask.log_tail(request.process_id).lines
    assert lines[1] == f"scheduler of ann in {machine.folder}/homes/ann"


async def test_who_waits_is_answered_at_the_end_and_when_nobody_listens(machine: Machine) -> None:
    version = (await machine.dask.states(gone=lambda: False)).version
    gone = await machine.dask.states(after=version, wait_s=60, gone=lambda: True)
    assert gone.version == version

    waiting = asyncio.create_task(machine.dask.states(after=version, wait_s=60, gone=lambda: False))
    await asyncio.sleep(0)
    machine.dask.end_waiting()
    async with asyncio.timeout(5):
        await waiting


async def test_the_same_process_is_started_once(machine: Machine) -> None:
    first, second = await asyncio.gather(
        machine.dask.start(machine.request()), machine.dask.start(machine.request())
    )
    assert first.pid == second.pid
    assert len((await machine.dask.states(gone=lambda: False)).processes) == 1


async def test_all_end_together(machine: Machine) -> None:
    for number in range(3):
        await machine.dask.start(machine.request(number))
    await machine.dask.end_all(now=True)

    found = await machine.dask.states(gone=lambda: False)
    assert {each.state for each in found.processes} == {"exited"}
    await machine.dask.start(machine.request(9))


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        pytest.param({"settings_hash": "other"}, "settings-changed", None, id="other settings"),
        pytest.param({"owner": "a\nb"}, "owner", "owner", id="a name that does not print"),
        pytest.param({"image": "nope"}, "image-unknown", "image", id="no such image"),
        pytest.param({"image": "later"}, "image-unavailable", "image", id="not built"),
        pytest.param({"image": "pods"}, "image-unavailable", "image", id="for pods"),
        pytest.param({"size": "nope"}, "size-unknown", "size", id="no such size"),
        pytest.param(
            {"scheduler_address": ADDRESS}, "malformed", "scheduler_address", id="an address"
        ),
        pytest.param({"role": "worker"}, "malformed", "scheduler_address", id="no address"),
    ],
)
async def test_what_does_not_fit_is_refused(
    machine: Machine, changes: dict[str, Any], code: str, field: str | None
) -> None:
    with pytest.raises(RefusedRequestError) as caught:
        await machine.dask.start(machine.request(**changes))
    assert (caught.value.problem.code, caught.value.problem.field) == (code, field)
    assert (await machine.dask.states(gone=lambda: False)).processes == ()


async def test_settings_of_before_hold_until_the_change_is_over(machine: Machine) -> None:
    before = machine.request()
    machine.loaded = load_settings({**SETTINGS, "price_unit": "other"})
    machine.dask.use(machine.loaded)
    await machine.dask.start(before)
    await machine.dask.start(machine.request(2))

    machine.dask.settle()
    with pytest.raises(RefusedRequestError) as caught:
        await machine.dask.start(before.model_copy(update={"process_id": f"{3:032x}"}))
    assert caught.value.problem.code == "settings-changed"


@pytest.mark.parametrize("why", ["closed", "switched off"])
async def test_nothing_is_started_any_more(machine: Machine, why: str) -> None:
    if why == "closed":
        await machine.dask.close()
    else:
        machine.loaded = load_settings({**SETTINGS, "dask": {"enabled": False}})
        machine.dask.use(machine.loaded)
    with pytest.raises(RefusedRequestError) as caught:
        await machine.dask.start(machine.request())
    assert caught.value.problem.code == "not-serving"


async def test_what_cannot_be_started_holds_nothing(machine: Machine) -> None:
    (machine.folder / "homes" / "ann").write_text("in the way")
    with pytest.raises(RefusedRequestError) as caught:
        await machine.dask.start(machine.request())
    assert caught.value.problem.code == "cannot-start"

    await machine.dask.start(machine.request(owner="bob"))
    (bound,) = machine.bound.values()
    assert bound == {0}, "the first processor is free"


@pytest.mark.parametrize("call", ["stop", "log"])
async def test_what_is_not_known_is_said(machine: Machine, call: str) -> None:
    async def ask() -> None:
        if call == "stop":
            await machine.dask.stop("0" * 32, now=True)
        else:
            machine.dask.log_tail("0" * 32)

    with pytest.raises(RefusedRequestError) as caught:
        await ask()
    assert caught.value.problem.status == 404


async def test_logs_are_kept_as_long_as_what_they_are_about(machine: Machine) -> None:
    machine.dask = machine.make(remembered=1)
    machine.dask.use(machine.loaded)
    for number in range(3):
        await machine.dask.start(machine.request(number, token="e" * 32))
        await machine.ended(machine.request(number))
    await machine.dask.start(machine.request(9))
    assert len(machine.log_files()) == 2

    machine.make(remembered=1)
    assert len(machine.log_files()) == 1, "of earlier runs, the newest"


async def test_each_worker_has_gpus_of_its_own_and_gives_them_back(machine: Machine) -> None:
    machine.driver.put(l4(1), l4(2), l4(3))
    first, second = (machine.worker(n, size="l4-1") for n in (2, 3))
    states = [await machine.dask.start(each) for each in (first, second)]
    assert await machine.gpus_of(first) == ["GPU-1", "--resources", "GPU=1"]
    assert await machine.gpus_of(second) == ["GPU-2", "--resources", "GPU=1"]
    facts = machine.leases.facts(machine.loaded.settings, cpus=8, memory_bytes=1)
    assert facts.holders == {"l4": {"ann": 2}}

    with pytest.raises(RefusedRequestError) as caught:
        await machine.dask.start(machine.worker(4, size="l4-2"))
    assert caught.value.problem.code == "accelerators-busy"
    assert caught.value.problem.detail == (
        "A worker needs 2 × NVIDIA L4, and 1 is free of the 3 on this machine. "
        "It starts when there is one for it."
    )

    os.kill(states[0].pid, signal.SIGKILL)
    await machine.ended(first)
    assert await machine.used() == 1
    pair = machine.worker(5, size="l4-2")
    await machine.dask.start(pair)
    assert (await machine.gpus_of(pair))[0] == "GPU-1,GPU-3"


async def test_a_scheduler_and_a_worker_without_gpus_see_none(machine: Machine) -> None:
    machine.driver.put(l4(1))
    scheduler, worker = machine.request(size="l4-1"), machine.worker(size="small")
    for each in (scheduler, worker):
        await machine.dask.start(each)
        assert (await machine.gpus_of(each))[0] != "GPU-1"
    assert await machine.used() == 0


async def test_of_two_that_ask_for_the_last_gpu_one_gets_it(machine: Machine) -> None:
    machine.driver.put(l4(1))
    same = machine.worker(2, size="l4-1")
    asked = (same, same, machine.worker(3, size="l4-1"))
    found = await asyncio.gather(
        *(machine.dask.start(each) for each in asked), return_exceptions=True
    )

    assert isinstance(found[0], DaskState)
    assert found[1] == found[0], "the same, asked for twice at once"
    assert isinstance(found[2], RefusedRequestError)
    assert await machine.used() == 1


@pytest.mark.parametrize(
    ("size", "code", "words"),
    [
        pytest.param(
            "l4-3",
            "size-never-fits",
            "A worker needs 3 × NVIDIA L4, and this machine has 1. "
            "Start a cluster of another worker size.",
            id="never",
        ),
        pytest.param("amd-1", "size-unavailable", "This machine has no AMD GPU.", id="none"),
    ],
)
async def test_what_this_machine_does_not_have_is_refused(
    machine: Machine, size: str, code: str, words: str
) -> None:
    machine.driver.put(l4(1))
    with pytest.raises(RefusedRequestError) as caught:
        await machine.dask.start(machine.worker(size=size))

    assert (caught.value.problem.code, caught.value.problem.detail) == (code, words)
