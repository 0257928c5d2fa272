"""Names, labels and ports of what belongs to a Dask cluster on Kubernetes."""

from __future__ import annotations

from dataclasses import dataclass

INSTANCE = "gateway.dask.org/instance"
"""Label of everything that a gateway makes; dask-gateway's own."""
CLUSTER = "gateway.dask.org/cluster"
"""Label with the cluster that something belongs to; dask-gateway's own."""
COMPONENT = "app.kubernetes.io/component"
"""Label with what it is there."""
PART = "sandlot/part"
"""Label of the gateway's own pods."""
GATEWAY, PROXY = "dask-gateway", "dask-proxy"
"""Its values: those that speak with schedulers, and those that lead people's code to them."""
SCHEDULER, WORKER, POLICY = "dask-scheduler", "dask-worker", "dask-policy"
"""Values of `COMPONENT`, and names of containers."""

SCHEDULER_PORT, DASHBOARD_PORT, API_PORT = 8786, 8787, 8788
"""Of a scheduler."""
CREDENTIALS = "/etc/dask-credentials"
"""Where certificate, key and token of the cluster are in its containers."""
CERTIFICATE, KEY, TOKEN = "dask.crt", "dask.pem", "api-token"
"""Their names there, and in the Secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaskPlace:
    """One cluster, as far as its objects depend on who makes it."""

    name: str
    instance: str
    """The gateway that made it; several may share a namespace."""
    door_url: str
    """Where schedulers reach the gateway, ending in ``/api``."""


def scheduler_name(cluster: str) -> str:
    """Return the name of a cluster's scheduler pod."""
    return f"{SCHEDULER}-{cluster}"


def secret_name(cluster: str) -> str:
    """Return the name of the Secret with a cluster's keys."""
    return f"dask-credentials-{cluster}"


def cluster_labels(place: DaskPlace, component: str) -> dict[str, str]:
    """Return the labels by which a part of a cluster is found."""
    return {
        "app.kubernetes.io/name": "dask-gateway",
        COMPONENT: component,
        INSTANCE: place.instance,
        CLUSTER: place.name,
    }


def host_in_url(address: str) -> str:
    """Return an address as it stands in a URL."""
    return f"[{address}]" if ":" in address else address
