"""What happens to a pod on a fake node, chosen by its annotations.

Kwok plays the kubelet: it walks each pod through stages. Pods without a fate run at once, as kwok's
own stages have it; a pod with one says what the kubelet would say, in its status and its events.
What depends on real volumes, probes or processes is not here: that needs a real node.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import yaml

from support.cluster import pod_status

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FATE = "sandlot.test/fate"
AFTER = "sandlot.test/after"
"""How long until it happens, as Go writes durations (``1.5s``); nothing means at once."""
EXIT_CODE = "sandlot.test/exit-code"


class Fate(StrEnum):
    """The value of the annotation `FATE`."""

    SLOW = "slow"
    """The image is being pulled for `AFTER`; then it runs."""
    IMAGE = "image-missing"
    """The image cannot be pulled."""
    CONFIG = "config-error"
    """The container refers to a Secret that does not exist."""
    CRASH = "crash-loop"
    """It runs, ends with an error, and is restarted ever more slowly."""
    OOM = "out-of-memory"
    """It runs and is killed for its memory."""
    EXIT = "exit"
    """It runs and ends with the code of `EXIT_CODE` (1)."""
    EVICTED = "evicted"
    """It runs until its node is short of memory."""
    STUCK = "stuck"
    """It runs, and once deleted does not end until the annotation goes."""


AT_THE_START = (Fate.SLOW, Fate.IMAGE, Fate.CONFIG)
"""Those that happen before it runs."""

Stage = dict[str, Any]

ALIVE = {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"}
WAITING = "(.status.containerStatuses // [])[].state.waiting.reason"
RUNNING = "(.status.containerStatuses // [])[].state.running.startedAt"


def fate_annotations(
    fate: Fate, *, after: str = "", exit_code: int | None = None
) -> dict[str, str]:
    """Return the annotations that give a pod this fate."""
    found = {FATE: fate.value}
    if after:
        found[AFTER] = after
    if exit_code is not None:
        found[EXIT_CODE] = str(exit_code)
    return found


def write_stages(path: Path, kwok_files: Iterable[Path]) -> None:
    """Write kwok's configuration: its own stages for pods without a fate, ours for the others."""
    own = [_made_ours(yaml.safe_load(file.read_text())) for file in kwok_files]
    # A document of JSON is one of YAML, and quotes the templates for us.
    path.write_text("\n---\n".join(json.dumps(stage) for stage in [*own, *stages()]))


def _made_ours(stage: Stage) -> Stage:
    """Keep kwok's stage from a pod that has a fate."""
    spec = stage["spec"]
    name = stage["metadata"]["name"]
    if spec["resourceRef"]["kind"] == "Pod":
        others = {Fate.STUCK.value} if name == "pod-delete" else {fate.value for fate in Fate}
        spec["selector"]["matchExpressions"].append(
            {"key": f'.metadata.annotations["{FATE}"]', "operator": "NotIn", "values": [*others]}
        )
    return stage


def stages() -> list[Stage]:
    """Return our stages. A pod matches one at a time, so they need no weights."""
    return [_creating(), *_starts(), *_failures_to_start(), *_ends()]


def _creating() -> Stage:
    """Every pod with a fate begins as one whose image is being pulled."""
    return _stage(
        "creating",
        fates=Fate,
        where=[{"key": ".status.containerStatuses", "operator": "DoesNotExist"}],
        events=[("Normal", "Pulling", "Pulling image")],
        status=pod_status.waiting("ContainerCreating", ""),
    )


def _starts() -> list[Stage]:
    """Become running: after its time for a slow one, at once for those whose end comes later."""
    created = [_is(WAITING, "ContainerCreating")]
    events = [
        ("Normal", "Pulled", "Successfully pulled image"),
        ("Normal", "Created", "Created container"),
        ("Normal", "Started", "Started container"),
    ]
    later = [fate for fate in Fate if fate not in AT_THE_START]
    running = pod_status.running()
    return [
        _stage("slow", fates=[Fate.SLOW], where=created, events=events, status=running, late=True),
        _stage("start", fates=later, where=created, events=events, status=running),
    ]


def _failures_to_start() -> list[Stage]:
    pull = "Failed to pull image: rpc error: code = NotFound desc = failed to resolve reference: not found"
    secret = 'secret "missing" not found'
    return [
        _stage(
            "err-image-pull",
            fates=[Fate.IMAGE],
            where=[_is(WAITING, "ContainerCreating")],
            events=[("Warning", "Failed", pull), ("Warning", "Failed", "Error: ErrImagePull")],
            status=pod_status.waiting("ErrImagePull", pull),
            late=True,
        ),
        _stage(
            "image-pull-back-off",
            fates=[Fate.IMAGE],
            where=[_is(WAITING, "ErrImagePull")],
            events=[
                ("Normal", "BackOff", "Back-off pulling image"),
                ("Warning", "Failed", "Error: ImagePullBackOff"),
            ],
            status=pod_status.waiting("ImagePullBackOff", f"Back-off pulling image: {pull}"),
            delay_ms=500,
        ),
        _stage(
            "config-error",
            fates=[Fate.CONFIG],
            where=[_is(WAITING, "ContainerCreating")],
            events=[("Warning", "Failed", f"Error: {secret}")],
            status=pod_status.waiting("CreateContainerConfigError", secret),
            late=True,
        ),
    ]


def _ends() -> list[Stage]:
    """End what runs."""
    runs = [_is(".status.phase", "Running"), {"key": RUNNING, "operator": "Exists"}]
    back_off = ("Warning", "BackOff", "Back-off restarting failed container")
    memory = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 52Mi."
    return [
        _stage(
            "crash-loop",
            fates=[Fate.CRASH],
            where=runs,
            events=[back_off],
            status=pod_status.restarting("1", "Error"),
            late=True,
        ),
        _stage(
            "out-of-memory",
            fates=[Fate.OOM],
            where=runs,
            status=pod_status.ended('"137"', "OOMKilled"),
            late=True,
        ),
        _stage(
            "exit",
            fates=[Fate.EXIT],
            where=runs,
            status=pod_status.ended(f'(or (index .metadata.annotations "{EXIT_CODE}") "1")', ""),
            late=True,
        ),
        _stage(
            "evicted",
            fates=[Fate.EVICTED],
            where=runs,
            events=[("Warning", "Evicted", memory)],
            status=pod_status.evicted(memory),
            late=True,
        ),
    ]


def _stage(
    name: str,
    *,
    fates: Iterable[Fate],
    where: list[dict[str, Any]],
    status: str,
    events: Iterable[tuple[str, str, str]] = (),
    late: bool = False,
    delay_ms: int = 0,
) -> Stage:
    """Return a stage of pods with one of these fates.

    Parameters
    ----------
    where
        What else must hold for the pod.
    status
        Template of its new status.
    events
        Type, reason and message of what the kubelet would report, in this order.
    late
        Whether it waits for the time that the pod's annotation names.
    """
    key = f'.metadata.annotations["{FATE}"]'
    fated = {"key": key, "operator": "In", "values": [fate.value for fate in fates]}
    steps: list[dict[str, Any]] = [
        {"event": {"type": kind, "reason": reason, "message": message}}
        for kind, reason, message in events
    ]
    steps.append({"patch": {"subresource": "status", "root": "status", "template": status}})
    spec: dict[str, Any] = {
        "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
        "selector": {"matchExpressions": [ALIVE, fated, *where]},
        "steps": steps,
    }
    delay: dict[str, Any] = {"durationMilliseconds": delay_ms}
    if late:
        delay["durationFrom"] = {"expressionFrom": f'.metadata.annotations["{AFTER}"]'}
    if late or delay_ms:
        spec["delay"] = delay
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": f"sandlot-{name}"},
        "spec": spec,
    }


def _is(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": [value]}
