from __future__ import annotations

import asyncio
import os
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
    "sizes": {"small": {"display_name": "Small", "cpus": 1, "memory": "1 GiB"}},
    "profiles": {"all": {"display_name": "All", "images": ["base"], "sizes": ["small"]}},
}
PROGRAM = f"""#!{sys.executable}
import os, signal, sys
print(*sys.argv[1:2], "of", os.environ["USER"], "in", os.getcwd(), flush=True)
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
