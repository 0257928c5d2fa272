from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_contracts.supervisor import StartDask
from sandlot_hub.adapters.settings_file import load_settings
from sandlot_hub.local.dask_command import dask_command
from sandlot_hub.local.processes import Command, Identity
from support.still_gpus import l4

if TYPE_CHECKING:
    from sandlot_hub.domain.capacity.machine_gpus import MachineGpu

SETTINGS: dict[str, Any] = {
    "version": 1,
    "images": {"base": {"display_name": "Base", "local": "base"}},
    "sizes": {
        "half": {"display_name": "Half", "cpus": 0.5, "memory": "1 GiB"},
        "large": {"display_name": "Large", "cpus": 2.5, "memory": "2 GiB"},
    },
    "profiles": {"all": {"display_name": "All", "images": ["base"], "sizes": ["half"]}},
}
SECRETS = ("7" * 32, "-----BEGIN PRIVATE KEY-----")


def command(
    role: str, size: str = "half", gpus: tuple[MachineGpu, ...] = (), **dask: Any
) -> Command:
    request = StartDask.model_validate(
        {
            "process_id": "2" * 32,
            "cluster": "1" * 32,
            "owner": "ann",
            "role": role,
            "image": "base",
            "size": size,
            "settings_hash": "h",
            "token": SECRETS[0],
            "certificate": "-----BEGIN CERTIFICATE-----",
            "key": SECRETS[1],
            "scheduler_address": "tls://127.0.0.1:4000" if role == "worker" else None,
        }
    )
    return dask_command(
        request,
        load_settings({**SETTINGS, "dask": dask}).settings,
        image=Path("/images/base"),
        home=Path("/homes/ann"),
        identity=Identity(uid=7, gid=7),
        api_url="http://127.0.0.1:4003/api",
        gpus=gpus,
    )


def option(made: Command, name: str) -> str:
    return made.argv[made.argv.index(name) + 1]


@pytest.mark.parametrize("role", ["scheduler", "worker"])
def test_everything_stays_on_this_machine_and_secrets_in_the_environment(role: str) -> None:
    made = command(role)

    assert made.argv[:2] == ("/images/base/bin/dask", role)
    assert option(made, "--host") == "127.0.0.1"
    assert made.directory == Path("/homes/ann")
    assert not [each for each in SECRETS if each in " ".join(made.argv)]
    assert not [each for each in SECRETS if each in repr(made)]
    environment = made.environment
    assert environment["DASK_GATEWAY_API_TOKEN"] == SECRETS[0]
    assert environment["DASK_GATEWAY_API_URL"] == "http://127.0.0.1:4003/api"
    assert environment["DASK_GATEWAY_CLUSTER_NAME"] == "1" * 32
    assert environment[f"DASK_DISTRIBUTED__COMM__TLS__{role.upper()}__KEY"] == SECRETS[1]
    assert environment["DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION"] == "True"
    assert environment["DASK_TEMPORARY_DIRECTORY"] == "/homes/ann/.cache/sandlot"
    assert environment["HOME"] == "/homes/ann"


def test_a_scheduler_tells_the_gateway_and_ends_when_it_is_idle() -> None:
    made = command("scheduler", idle_timeout="90 s")

    assert option(made, "--preload") == "dask_gateway.scheduler_preload"
    assert option(made, "--protocol") == "tls"
    assert option(made, "--dashboard-address") == "127.0.0.1:0"
    assert option(made, "--dg-api-address") == "127.0.0.1:0"
    assert option(made, "--dg-idle-timeout") == "90.0"
    # By itself, should the gateway be away when it is told.
    assert option(made, "--idle-timeout") == "150s"
    assert option(command("scheduler", idle_timeout="8 h"), "--idle-timeout") == "36000s"


def test_a_cluster_may_be_idle_for_ever() -> None:
    made = command("scheduler", idle_timeout=None)

    assert option(made, "--dg-idle-timeout") == "0"
    assert "--idle-timeout" not in made.argv


@pytest.mark.parametrize(
    ("size", "threads", "memory"),
    [
        pytest.param("half", "1", str(1024**3), id="half a core is one thread"),
        pytest.param("large", "2", str(2 * 1024**3), id="rounded down"),
    ],
)
def test_a_worker_has_what_its_size_has(size: str, threads: str, memory: str) -> None:
    made = command("worker", size, start_timeout="2 min")

    assert made.argv[2] == "tls://127.0.0.1:4000"
    assert option(made, "--name") == "2" * 32
    assert (option(made, "--nthreads"), option(made, "--memory-limit")) == (threads, memory)
    assert option(made, "--death-timeout") == "120.0"


def test_a_worker_sees_its_gpus_and_tells_its_scheduler_how_many() -> None:
    made = command("worker", gpus=(l4(3), l4(5)))

    assert made.environment["CUDA_VISIBLE_DEVICES"] == "GPU-3,GPU-5"
    assert option(made, "--resources") == "GPU=2"


@pytest.mark.parametrize("role", ["scheduler", "worker"])
def test_without_gpus_it_uses_none_of_others(role: str) -> None:
    made = command(role)

    assert made.environment["CUDA_VISIBLE_DEVICES"] == ""
    assert made.environment["ROCR_VISIBLE_DEVICES"] == ""
    assert "--resources" not in made.argv
