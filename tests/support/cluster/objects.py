"""Manifests for tests: as small as Kubernetes allows, within Pod Security *restricted*.

They are plain mappings, which the client sends as they are; its signatures name its own models
only, hence `Any`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.cluster import fates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.cluster.fates import Fate

GPU = "nvidia.com/gpu"
IMAGE = "registry.invalid/sandlot/base:1"
"""Nothing on a fake node ever asks for it."""


def pod(
    name: str,
    *,
    fate: Fate | None = None,
    after: str = "",
    exit_code: int | None = None,
    gpus: int = 0,
    labels: Mapping[str, str] | None = None,
    **spec: Any,
) -> Any:
    """Return a pod with one container.

    Parameters
    ----------
    name
        Of the pod.
    fate, after, exit_code
        What happens to it on a fake node; see `support.cluster.fates`.
    gpus
        How many whole NVIDIA GPUs it asks for.
    labels
        Of the pod.
    spec
        More fields of the pod's specification, as the API spells them.
    """
    asked = {} if fate is None else fates.fate_annotations(fate, after=after, exit_code=exit_code)
    resources = {"limits": {GPU: str(gpus)}} if gpus else {}
    container = {
        "name": "notebook",
        "image": IMAGE,
        "resources": resources,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": asked, "labels": dict(labels or {})},
        "spec": {
            "containers": [container],
            "automountServiceAccountToken": False,
            "restartPolicy": "OnFailure",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 1000,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            **spec,
        },
    }


def quota(name: str, hard: Mapping[str, str]) -> Any:
    """Return a limit on what a namespace may ask for."""
    return {"metadata": {"name": name}, "spec": {"hard": dict(hard)}}


def claim(name: str, *, storage_class: str = "", size: str = "1Gi") -> Any:
    """Return a claim for a volume; without a storage class nobody provides one."""
    return {
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
            "storageClassName": storage_class,
        },
    }


def volume(name: str, *, storage_class: str, size: str = "1Gi") -> Any:
    """Return a volume for one claim of a storage class that nobody provides volumes for."""
    return {
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": size},
            "hostPath": {"path": "/nowhere"},
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": storage_class,
        },
    }


def service(name: str) -> Any:
    """Return a Service without endpoints."""
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}


def state_of(status: Any) -> tuple[str, str]:
    """Return what a pod's first container does, and why: the state's name and its reason."""
    states = status.container_statuses or []
    if not states:
        return "none", ""
    state = states[0].state
    for kind in ("waiting", "running", "terminated"):
        found = getattr(state, kind)
        if found is not None:
            return kind, getattr(found, "reason", None) or ""
    return "none", ""
