"""Who may reach the processes of a Dask cluster on Kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.pods.names import label_value

from .names import (
    API_PORT,
    CLUSTER,
    DASHBOARD_PORT,
    GATEWAY,
    INSTANCE,
    PART,
    POLICY,
    PROXY,
    SCHEDULER_PORT,
    cluster_labels,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .names import DaskPlace


def policy_name(cluster: str) -> str:
    """Return the name of a cluster's NetworkPolicy."""
    return f"dask-{cluster}"


def dask_policy(owner: str, place: DaskPlace) -> dict[str, Any]:
    """Return the NetworkPolicy: the cluster itself, the gateway, and the owner's own servers."""
    mine = {INSTANCE: place.instance, CLUSTER: place.name}
    servers = {"sandlot/owner": label_value(owner), "sandlot/workload": "server"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": policy_name(place.name),
            "labels": cluster_labels(place, POLICY),
        },
        "spec": {
            "podSelector": {"matchLabels": mine},
            "policyTypes": ["Ingress"],
            "ingress": [
                {"from": [_pods(mine)]},
                {"from": [_pods({PART: PROXY})], "ports": [_port(SCHEDULER_PORT)]},
                {"from": [_pods({PART: GATEWAY})], "ports": [_port(API_PORT)]},
                {"from": [_pods(servers)], "ports": [_port(DASHBOARD_PORT)]},
            ],
        },
    }


def _pods(labels: Mapping[str, str]) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": dict(labels)}}


def _port(number: int) -> dict[str, Any]:
    return {"port": number, "protocol": "TCP"}
