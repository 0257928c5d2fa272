"""What runs in the pods of a Dask cluster: arguments, environment and probes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from .names import (
    API_PORT,
    CERTIFICATE,
    CREDENTIALS,
    DASHBOARD_PORT,
    KEY,
    SCHEDULER_PORT,
    TOKEN,
)

if TYPE_CHECKING:
    from sandlot_hub.domain.settings.dask import DaskSettings

    from .names import DaskPlace

Role = Literal["scheduler", "worker"]

_HEARTBEAT_S = 1
"""How often a scheduler tells how many workers it has: people look at that number."""
_ADAPTIVE_S = 3
_FORGOTTEN_S = 60.0
_PROBE_S = 1
_SILENT_AFTER = 6
_SILENT_S = 10
_TLS = "DASK_DISTRIBUTED__COMM__TLS__"


def process_environment(role: Role, place: DaskPlace) -> list[dict[str, Any]]:
    """Return the variables that tell a process which cluster it belongs to, as a manifest has them."""
    side = role.upper()
    told = {
        "DASK_GATEWAY_API_URL": place.door_url,
        "DASK_GATEWAY_API_TOKEN": f"{CREDENTIALS}/{TOKEN}",
        "DASK_GATEWAY_CLUSTER_NAME": place.name,
        "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True",
        f"{_TLS}CA_FILE": f"{CREDENTIALS}/{CERTIFICATE}",
        f"{_TLS}{side}__CERT": f"{CREDENTIALS}/{CERTIFICATE}",
        f"{_TLS}{side}__KEY": f"{CREDENTIALS}/{KEY}",
    }
    fields = {"POD_IP": "status.podIP", "POD_NAME": "metadata.name"}
    return [
        *({"name": name, "value": value} for name, value in told.items()),
        *(
            {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
            for name, path in fields.items()
        ),
    ]


def scheduler_arguments(dask: DaskSettings) -> tuple[str, ...]:
    """Return what `dask scheduler` is started with; the kubelet fills in the address."""
    return (
        *("--protocol", "tls"),
        *("--host", "$(POD_IP)"),
        *("--port", str(SCHEDULER_PORT)),
        *("--dashboard-address", f":{DASHBOARD_PORT}"),
        *("--preload", "dask_gateway.scheduler_preload"),
        *("--dg-api-address", f":{API_PORT}"),
        *("--dg-heartbeat-period", str(_HEARTBEAT_S)),
        *("--dg-adaptive-period", str(_ADAPTIVE_S)),
        *idle_arguments(dask),
    )


def idle_arguments(dask: DaskSettings) -> tuple[str, ...]:
    """Return what ends a scheduler on which nothing was computed for long.

    It tells the gateway once. If that is away in this moment, it ends by itself a while later:
    nobody else would ever end it.
    """
    idle_s = dask.idle_timeout
    if idle_s is None:
        return ("--dg-idle-timeout", "0")
    by_itself_s = idle_s + max(_FORGOTTEN_S, idle_s / 4)
    return ("--dg-idle-timeout", str(idle_s), "--idle-timeout", f"{by_itself_s:g}s")


def worker_arguments(dask: DaskSettings, *, cpus: float, memory_bytes: int) -> tuple[str, ...]:
    """Return what `dask worker` is started with; the scheduler's address is in its environment."""
    return (
        *("--host", "$(POD_IP)"),
        "--no-dashboard",
        *("--name", "$(POD_NAME)"),
        *("--nthreads", str(max(1, math.floor(cpus)))),
        *("--memory-limit", str(memory_bytes)),
        *("--death-timeout", str(dask.start_timeout)),
    )


def worker_resources(accelerators: int) -> tuple[str, ...]:
    """Return what tells a worker's scheduler how many GPUs it has, for tasks that ask for some.

    So ``dask.annotate(resources={"GPU": 1})`` has as many of them at once as there are GPUs.
    """
    return ("--resources", f"GPU={accelerators}") if accelerators else ()


def scheduler_probes(dask: DaskSettings) -> dict[str, Any]:
    """Return how the kubelet sees that a scheduler works, and that it no longer does."""
    answers = {"httpGet": {"port": API_PORT, "path": "/api/health"}}
    return {
        "readinessProbe": {**answers, "periodSeconds": _PROBE_S, "failureThreshold": 3},
        # A scheduler that computes does not answer for a while. One that is silent for a minute
        # is ended: whoever waits for it would wait for ever.
        "livenessProbe": {
            **answers,
            "initialDelaySeconds": math.ceil(dask.start_timeout),
            "periodSeconds": _SILENT_S,
            "timeoutSeconds": _SILENT_S,
            "failureThreshold": _SILENT_AFTER,
        },
    }
