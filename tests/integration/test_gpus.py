"""GPUs of one machine under `sandlot up`: each is one server's, whatever ends or is killed.

The driver is a fake at the boundary of its library; everything else is real.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.adapters.supervisor_client import SupervisorClient
from support.dask_user import DaskUser, dask_processes, said
from support.fake_nvml import GPU_IS_LOST, build_fake_nvml, gpu
from support.hub_user import HubUser
from support.processes import environment, find_below, server_of, wait_ended
from support.stack import Launch, Stack, open_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandlot_contracts.capacity import FlavorState
    from sandlot_contracts.clusters import ClusterList
    from sandlot_contracts.supervisor import LocalFacilities
    from support.fake_nvml import FakeNvml

pytestmark = pytest.mark.timeout(600)

SOON_S = 20.0
ONE, TWO = "GPU-11111111-1111", "GPU-22222222-2222"
SETTINGS: dict[str, Any] = {
    "version": 1,
    "images": {"base": {"display_name": "JupyterLab", "local": "base"}},
    "accelerators": {
        "l4": {"display_name": "NVIDIA L4", "local": {"product": "NVIDIA L4"}},
        "amd": {"display_name": "AMD Instinct", "resource": "amd.com/gpu"},
    },
    "sizes": {
        "small": {"display_name": "No GPU", "cpus": 1, "memory": "1 GiB"},
        "gpu": {
            "display_name": "One GPU",
            "cpus": 1,
            "memory": "1 GiB",
            "accelerator": {"flavor": "l4"},
        },
        "amd": {
            "display_name": "One of AMD",
            "cpus": 1,
            "memory": "1 GiB",
            "accelerator": {"flavor": "amd"},
        },
    },
    "profiles": {
        "all": {"display_name": "All", "images": ["base"], "sizes": ["small", "gpu", "amd"]}
    },
    "local": {"stop_grace": "2 s"},
}
GPU = {"profile": "all", "image": "base", "size": "gpu"}
TWO_WORKERS = """\
import json, os
from dask_gateway import GatewayCluster
cluster = GatewayCluster(worker_size="gpu")
client = cluster.get_client()
cluster.scale(3)
client.wait_for_workers(2, timeout=60)
"""
READ = """\
import json, os
def told():
    return os.environ["CUDA_VISIBLE_DEVICES"], os.getpid()
futures = [
    client.submit(told, workers=[each], resources={"GPU": 1}, pure=False)
    for each in client.scheduler_info(n_workers=-1)["workers"]
]
print(json.dumps(sorted(client.gather(futures))))
"""
"""Code of a notebook with a `client`: which GPUs each worker is told to use, and its process."""


class Machine:
    """A stack on a machine with two GPUs, and people who use it."""

    def __init__(self, stack: Stack, nvml: FakeNvml) -> None:
        self.stack = stack
        self.nvml = nvml
        self._people: dict[str, HubUser] = {}
        self._with_clusters: list[DaskUser] = []

    def person(self, name: str) -> HubUser:
        """Return somebody who is logged in."""
        if name not in self._people:
            self._people[name] = HubUser(self.stack.url, name)
            self._people[name].log_in(self.stack.add_user(name))
        return self._people[name]

    def gpu_of(self, name: str) -> str:
        """Return what the process of somebody's server was told to use."""
        process = server_of(self.stack.process.pid, name)
        return environment(process.pid)["CUDA_VISIBLE_DEVICES"]

    def facilities(self, until: Callable[[LocalFacilities], bool]) -> LocalFacilities:
        """Return what the supervisor says as soon as it is so, told by its news."""
        client = SupervisorClient(self.stack.data_dir / "run" / "supervisor.sock")

        async def ask() -> LocalFacilities:
            found = await client.facilities()
            while not until(found):
                found = await client.facilities(after=found.version, wait_s=SOON_S)
            return found

        return asyncio.run(asyncio.wait_for(ask(), SOON_S))

    def free(self, number: int) -> FlavorState:
        """Wait until so many are free."""
        found = self.facilities(lambda f: f.capacity is not None and _l4(f).free == number)
        return _l4(found)

    def with_clusters(self, name: str, size: str) -> DaskUser:
        """Return somebody whose server runs, and can have clusters."""
        self.person(name).start({**GPU, "size": size})
        self._with_clusters.append(DaskUser(self.person(name)))
        return self._with_clusters[-1]

    def all_stopped(self) -> None:
        """Stop whatever people have left, and wait until both GPUs are free."""
        for person in self._with_clusters:
            person.stop_all()
        self._with_clusters.clear()
        for each in self._people.values():
            each.stop()
        self.nvml.tell(gpu(ONE), gpu(TWO))
        self.free(2)

    def killed_and_started_again(self) -> None:
        """Kill the supervisor, and start another one on the same directory."""
        data_dir, launch = self.stack.data_dir, self.stack.launch
        self.stack.kill()
        self.stack.wait()
        self._people.clear()
        self._with_clusters.clear()
        self.stack = Stack(data_dir, launch).wait_ready()


def _l4(facilities: LocalFacilities) -> FlavorState:
    assert facilities.capacity is not None
    return facilities.capacity.flavors["l4"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    nvml = build_fake_nvml(tmp_path_factory.mktemp("nvml"))
    nvml.tell(gpu(ONE), gpu(TWO))
    with contextlib.ExitStack() as things:
        folder: Path = things.enter_context(open_folder())
        settings = folder / "settings.json"
        settings.write_text(json.dumps(SETTINGS))
        settings.chmod(0o644)
        launch = Launch(settings=settings, environment=nvml.environment)
        made = Machine(Stack(folder / "data", launch), nvml)
        things.callback(lambda: made.stack.close())  # noqa: PLW0108 (the stack that is there then)
        made.stack.wait_ready().wait_image("base")
        yield made


@pytest.fixture
def machine(shared: Machine) -> Iterator[Machine]:
    yield shared
    shared.all_stopped()


def test_each_gets_one_and_the_next_is_told_why_not(machine: Machine) -> None:
    for name in ("ann", "bob"):
        machine.person(name).start(GPU)
    assert {machine.gpu_of("ann"), machine.gpu_of("bob")} == {ONE, TWO}
    told = machine.facilities(lambda f: _l4(f).free == 0)
    assert (_l4(told).used, told.gpu_holders) == (2, {"l4": {"ann": 1, "bob": 1}})

    cleo = machine.person("cleo")
    refused = cleo.api("POST", "users/cleo/server", json={"user_options": GPU})
    problem = json.loads(refused.headers["Sandlot-Problem"])
    assert (refused.status_code, problem["code"]) == (409, "accelerators-busy"), refused.text
    assert "NVIDIA L4" in refused.json()["message"]

    given_back = machine.gpu_of("ann")
    machine.person("ann").stop()
    machine.free(1)
    cleo.start(GPU)
    assert machine.gpu_of("cleo") == given_back

    killed = server_of(machine.stack.process.pid, "bob")
    os.kill(killed.pid, signal.SIGKILL)
    wait_ended([killed])
    assert machine.free(1).used == 1, "what bob held, and no more"


def test_who_asks_at_the_same_moment_for_the_last_one(machine: Machine) -> None:
    machine.nvml.tell(gpu(ONE), "process 4711", gpu(TWO))
    assert machine.free(1).used == 1, "by somebody else"

    def ask(person: HubUser) -> dict[str, Any]:
        reply = person.api("POST", f"users/{person.name}/server", json={"user_options": GPU})
        if reply.status_code == 202:  # it goes on: how it ends is told by its progress
            return list(person.progress())[-1]
        return {"ready": True} if reply.ok else {**reply.json(), "failed": True}

    people = [machine.person(name) for name in ("ann", "bob")]
    with ThreadPoolExecutor() as pool:
        ends = dict(zip(("ann", "bob"), pool.map(ask, people), strict=True))
    lost = {name: end["message"] for name, end in ends.items() if end.get("failed")}
    assert len(lost) == 1, ends
    assert "NVIDIA L4" in next(iter(lost.values()))
    assert machine.gpu_of(({"ann", "bob"} - lost.keys()).pop()) == TWO


def test_a_gpu_that_is_lost_is_down(machine: Machine) -> None:
    machine.nvml.tell(gpu(ONE), f"lost {GPU_IS_LOST}", gpu(TWO))
    lost = machine.free(1)
    assert (lost.total, lost.down, lost.used) == (2, 1, 0)


def test_what_this_machine_lacks_is_refused_with_what_is_missing(machine: Machine) -> None:
    ann = machine.person("ann")
    refused = ann.api("POST", "users/ann/server", json={"user_options": {**GPU, "size": "amd"}})
    assert refused.status_code == 409
    assert "no AMD GPU" in refused.json()["message"]


def test_workers_of_a_cluster_have_gpus_of_their_own(machine: Machine) -> None:
    """Two of three work, the third says what it waits for; a killed one's is the next one's."""
    ann, pid = machine.with_clusters("ann", "small"), machine.stack.process.pid
    with ann.notebook() as cell:
        assert cell.run(TWO_WORKERS) == ""
        first = said(cell.run(READ))
        assert [each[0] for each in first] == [ONE, TWO]
        (found,) = ann.wait(_two_work_and_one_waits).clusters
        assert found.detail == (
            "A worker needs NVIDIA L4, and none is free of the 2 on this machine. "
            "It starts when there is one for it."
        )
        assert found.size.accelerator is not None
        assert found.size.accelerator.model_dump() == {
            "flavor": "l4",
            "display_name": "NVIDIA L4",
            "count": 1,
        }
        told = machine.facilities(lambda f: _l4(f).free == 0)
        assert (_l4(told).used, told.gpu_holders) == (2, {"l4": {"ann": 2}})
        refused = machine.person("bob").api("POST", "users/bob/server", json={"user_options": GPU})
        assert json.loads(refused.headers["Sandlot-Problem"])["code"] == "accelerators-busy"

        os.kill(find_below(pid, "sandlot_hub.services.dask_gateway"), signal.SIGKILL)
        killed = dask_processes(pid, found.name, "worker")[0]
        os.kill(killed.pid, signal.SIGKILL)
        wait_ended([killed])
        machine.stack.run("restart", "dask-gateway")
        ann.wait_cluster(found.name, lambda each: each.workers.running == 2)
        again = said(cell.run("client.wait_for_workers(2, timeout=60)\n" + READ))
        assert [each[0] for each in again] == [ONE, TWO]
        assert len({each[1] for each in (*first, *again)}) == 3, "one of them is new"
        ann.stop_all()
        assert machine.free(2).used == 0


def _two_work_and_one_waits(found: ClusterList) -> bool:
    (cluster,) = found.clusters
    workers = cluster.workers
    return bool(cluster.detail) and (workers.running, workers.starting) == (2, 1)


def test_a_lease_outlives_the_hub_and_no_supervisor(machine: Machine) -> None:
    ann = machine.with_clusters("ann", "gpu")
    cluster = ann.create(worker_size="gpu")
    ann.running(cluster)
    ann.scale(cluster, 1)
    pid = machine.stack.process.pid
    assert machine.free(0).used == 2
    ended = [server_of(pid, "ann"), *dask_processes(pid, cluster)]
    assert {environment(each.pid)["CUDA_VISIBLE_DEVICES"] for each in ended} == {ONE, TWO, ""}
    os.kill(find_below(pid, "jupyterhub -f"), signal.SIGKILL)
    machine.stack.wait_for("The hub ended with exit code 137")
    assert machine.free(0).used == 2

    machine.killed_and_started_again()
    wait_ended(ended)
    assert machine.free(2).used == 0
