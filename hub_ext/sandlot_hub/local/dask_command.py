"""How a scheduler and a worker of a Dask cluster are started: command and environment.

Secrets travel in the environment, which nobody but the owner can read: distributed takes
certificates and keys as text, so that no file has to be made for another account and removed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sandlot_hub.domain.dask.processes import idle_arguments, worker_resources

from .processes import Command
from .server_environment import server_environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sandlot_contracts.supervisor import StartDask
    from sandlot_hub.domain.capacity.machine_gpus import MachineGpu
    from sandlot_hub.domain.settings.model import SandlotSettings

    from .processes import Identity

HEARTBEAT_S = 1
"""How often a scheduler tells the gateway how many workers it has: people look at that number."""
_ADAPTIVE_S = 3.0
_GRACE_S = 5.0
_TLS = "DASK_DISTRIBUTED__COMM__TLS__"


def dask_command(  # noqa: PLR0913 (what the command is made of)
    request: StartDask,
    settings: SandlotSettings,
    *,
    image: Path,
    home: Path,
    identity: Identity,
    api_url: str,
    gpus: Sequence[MachineGpu] = (),
) -> Command:
    """Return the command.

    Parameters
    ----------
    request
        Which process of which cluster.
    settings
        What the request was made from.
    image
        Folder of the environment that it runs in.
    home
        The owner's home.
    identity
        Whom it runs as.
    api_url
        Where the gateway listens to schedulers.
    gpus
        Those that it may use, all of one vendor.
    """
    arguments = (
        _scheduler(settings)
        if request.role == "scheduler"
        else (*_worker(request, settings), *worker_resources(len(gpus)))
    )
    environment = server_environment(
        user=request.owner,
        home=home,
        image=image,
        given=_given(request, home, api_url),
        gpus=gpus,
    )
    return Command(
        argv=(f"{image}/bin/dask", request.role, *arguments),
        environment=environment,
        directory=home,
        identity=identity,
        grace_s=_GRACE_S,
    )


def _scheduler(settings: SandlotSettings) -> tuple[str, ...]:
    return (
        *("--protocol", "tls"),
        *("--host", "127.0.0.1"),
        *("--port", "0"),
        *("--dashboard-address", "127.0.0.1:0"),
        *("--preload", "dask_gateway.scheduler_preload"),
        *("--dg-api-address", "127.0.0.1:0"),
        *("--dg-heartbeat-period", str(HEARTBEAT_S)),
        *("--dg-adaptive-period", str(_ADAPTIVE_S)),
        *idle_arguments(settings.dask),
    )


def _worker(request: StartDask, settings: SandlotSettings) -> tuple[str, ...]:
    size = settings.sizes[request.size]
    return (
        str(request.scheduler_address),
        *("--host", "127.0.0.1"),
        # Its own dashboard would take a second of CPU to start; the scheduler's tells the same.
        "--no-dashboard",
        *("--name", request.process_id),
        *("--nthreads", str(max(1, math.floor(size.cpus)))),
        *("--memory-limit", str(size.memory)),
        *("--death-timeout", str(settings.dask.start_timeout)),
    )


def _given(request: StartDask, home: Path, api_url: str) -> dict[str, str]:
    role = request.role.upper()
    return {
        "DASK_GATEWAY_API_URL": api_url,
        "DASK_GATEWAY_API_TOKEN": request.token,
        "DASK_GATEWAY_CLUSTER_NAME": request.cluster,
        "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True",
        f"{_TLS}CA_FILE": request.certificate,
        f"{_TLS}{role}__CERT": request.certificate,
        f"{_TLS}{role}__KEY": request.key,
        # What workers spill; in the temporary directory of the machine it would be anybody's.
        "DASK_TEMPORARY_DIRECTORY": f"{home}/.cache/sandlot",
    }
