"""Documents of the cluster's API, as its own parts write them (Kubernetes 1.36)."""

from __future__ import annotations

from typing import Any

from sandlot_hub.domain.pods.documents import StartSubject, StartView

POD_NAME = "jupyter-ann"
POD_UID = "3e0f1f5e-52b5-4b7b-8c0e-0a1f6a3b1c11"
OTHER_UID = "11111111-52b5-4b7b-8c0e-0a1f6a3b1c11"

NOTEBOOK = "spec.containers{notebook}"
"""Where an event of the server's container is."""

IMAGE_MISSING = (
    'Failed to pull image "registry/torch:2": rpc error: code = NotFound desc = failed to pull and '
    'unpack image "registry/torch:2": failed to resolve reference "registry/torch:2": '
    "registry/torch:2: not found"
)
"""What the kubelet says of an image that the registry does not have."""

SUBJECT = StartSubject(
    image="PyTorch", accelerator="NVIDIA L4", resource="nvidia.com/gpu", home_claim="claim-ann"
)


def condition(kind: str, status: str, reason: str = "", message: str = "") -> dict[str, Any]:
    """Return a condition of a pod."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastProbeTime": None,
        "lastTransitionTime": "2026-11-21T12:00:00Z",
    }


def unschedulable(message: str) -> dict[str, Any]:
    """Return a pod that the scheduler found no node for."""
    return pod(conditions=[condition("PodScheduled", "False", "Unschedulable", message)])


def container(
    name: str = "notebook", *, ready: bool = False, restarts: int = 0, **states: Any
) -> dict[str, Any]:
    """Return the state of a container; `states` are ``state`` and ``last``, one entry each."""
    return {
        "name": name,
        "image": "registry/torch:2",
        "imageID": "",
        "ready": ready,
        "restartCount": restarts,
        "started": ready,
        "state": states.get("state", {}),
        "lastState": states.get("last", {}),
    }


def waiting(reason: str, message: str = "", **fields: Any) -> dict[str, Any]:
    """Return a container that waits."""
    state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
    return container(state=state, **fields)


def ended(code: int, reason: str = "Error", message: str = "") -> dict[str, Any]:
    """Return the state of a container that ended."""
    end = {"exitCode": code, "reason": reason, "startedAt": None, "finishedAt": None}
    return {"terminated": {**end, **({"message": message} if message else {})}}


def pod(
    phase: str = "Pending",
    *containers: dict[str, Any],
    node: str = "",
    conditions: list[dict[str, Any]] | None = None,
    init: list[dict[str, Any]] | None = None,
    deleted: bool = False,
    **status: Any,
) -> dict[str, Any]:
    """Return a pod."""
    metadata: dict[str, Any] = {"name": POD_NAME, "namespace": "people", "uid": POD_UID}
    if deleted:
        metadata["deletionTimestamp"] = "2026-11-21T12:00:30Z"
    spec: dict[str, Any] = {"containers": [{"name": "notebook"}]}
    if node:
        spec["nodeName"] = node
    found = {"phase": phase, "conditions": conditions or [], **status}
    if containers:
        found["containerStatuses"] = list(containers)
    if init:
        found["initContainerStatuses"] = init
    return {"metadata": metadata, "spec": spec, "status": found}


def on_node(*containers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a pod that has a node."""
    return pod(fields.pop("phase", "Pending"), *containers, node="n1", **fields)


def running(*, ready: bool = True) -> dict[str, Any]:
    """Return a pod whose server runs."""
    state = {"running": {"startedAt": "2026-11-21T12:00:10Z"}}
    return on_node(
        container(ready=ready, state=state),
        phase="Running",
        podIP="10.1.2.3",
        conditions=[condition("Ready", "True" if ready else "False")],
    )


def event(
    reason: str, message: str = "", *, at: str = "12:00:05", uid: str = POD_UID, field: str = ""
) -> dict[str, Any]:
    """Return an event of a pod, as the kubelet writes it."""
    return {
        "metadata": {"name": f"{POD_NAME}.{reason}", "creationTimestamp": f"2026-11-21T{at}Z"},
        "involvedObject": {"kind": "Pod", "name": POD_NAME, "uid": uid, "fieldPath": field},
        "reason": reason,
        "message": message,
        "type": "Normal",
        "firstTimestamp": f"2026-11-21T{at}Z",
        "lastTimestamp": f"2026-11-21T{at}Z",
        "eventTime": None,
        "count": 1,
    }


def view(document: dict[str, Any] | None, *events: dict[str, Any], **fields: Any) -> StartView:
    """Return all that is known of a start."""
    return StartView(**{"subject": SUBJECT, "pod": document, "events": events, **fields})
