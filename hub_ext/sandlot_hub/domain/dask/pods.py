"""A Dask cluster as objects of Kubernetes: its scheduler, each of its workers, who may reach them.

They carry the same parts as the servers of their owner: image, amounts, devices, nodes, volumes and
labels. All of it is decided when a cluster is made, so that a worker that is added tomorrow is like
those of today, whatever the settings say by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.choices.plan import Plan
from sandlot_hub.domain.choices.resolution import accelerator_plan
from sandlot_hub.domain.pods.names import HUB, SPAWN_ID, environment_value
from sandlot_hub.domain.pods.plan import PodRequest, build_pod_parts
from sandlot_hub.domain.settings.cluster import NoHome
from sandlot_hub.domain.settings.model import SizeSettings

from .names import (
    CREDENTIALS,
    SCHEDULER,
    SCHEDULER_PORT,
    WORKER,
    cluster_labels,
    host_in_url,
    scheduler_name,
    secret_name,
)
from .policy import dask_policy
from .processes import (
    Role,
    process_environment,
    scheduler_arguments,
    scheduler_probes,
    worker_arguments,
    worker_resources,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_hub.domain.settings.model import SandlotSettings
    from sandlot_hub.domain.settings.pod_parts import PodParts
    from sandlot_hub.domain.values.entitlements import Entitlements

    from .names import DaskPlace
    from .options import DaskPlan

_GRACE_S = 5
_OF_STARTS = frozenset({HUB, SPAWN_ID})
"""Labels by which a start of a server knows its pod."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaskObjects:
    """What a cluster is made of."""

    scheduler: dict[str, Any]
    worker: dict[str, Any]
    """Without the scheduler's address and without a name: `worker_of` adds both."""
    policy: dict[str, Any]
    """The NetworkPolicy."""

    def document(self) -> dict[str, Any]:
        """Return all of them, to be kept with the cluster."""
        return {"scheduler": self.scheduler, "worker": self.worker, "policy": self.policy}


def dask_objects(
    plan: DaskPlan, entitlements: Entitlements, settings: SandlotSettings, place: DaskPlace
) -> DaskObjects:
    """Return the objects of a cluster.

    The same plan, settings and place always give the same objects.
    """
    return DaskObjects(
        scheduler=_pod("scheduler", plan, entitlements, settings, place),
        worker=_pod("worker", plan, entitlements, settings, place),
        policy=dask_policy(entitlements.user, place),
    )


def worker_of(template: Mapping[str, Any], *, scheduler_ip: str) -> dict[str, Any]:
    """Return one more worker of a cluster, to be given a name by the API server.

    Parameters
    ----------
    template
        `DaskObjects.worker`.
    scheduler_ip
        The address of the scheduler's pod, which it keeps as long as it lives.
    """
    address = f"tls://{host_in_url(scheduler_ip)}:{SCHEDULER_PORT}"
    container = template["spec"]["containers"][0]
    told = {"name": "DASK_SCHEDULER_ADDRESS", "value": address}
    return {
        **template,
        "spec": {
            **template["spec"],
            "containers": [{**container, "env": [*container["env"], told]}],
        },
    }


# --- a pod ---------------------------------------------------------------------------------


def _pod(
    role: Role,
    plan: DaskPlan,
    entitlements: Entitlements,
    settings: SandlotSettings,
    place: DaskPlace,
) -> dict[str, Any]:
    parts = _parts(role, plan, entitlements, settings)
    component = SCHEDULER if role == "scheduler" else WORKER
    metadata: dict[str, Any] = {
        "labels": {
            **{key: value for key, value in parts.labels.items() if key not in _OF_STARTS},
            **cluster_labels(place, component),
            "sandlot/workload": component,
        },
        "annotations": dict(parts.annotations),
    }
    if role == "scheduler":
        metadata["name"] = scheduler_name(place.name)
        arguments, probes = scheduler_arguments(settings.dask), scheduler_probes(settings.dask)
    else:
        metadata["generateName"] = f"{WORKER}-{place.name}-"
        arguments, probes = (
            (
                *worker_arguments(settings.dask, cpus=parts.cpus, memory_bytes=parts.memory_bytes),
                *worker_resources(plan.worker_size.accelerators),
            ),
            {},
        )
    container = {
        "name": component,
        "image": parts.image,
        "imagePullPolicy": parts.pull_policy,
        "args": ["dask", role, *arguments],
        "env": [*_environment(parts), *process_environment(role, place)],
        "resources": _resources(parts),
        "securityContext": parts.container_security,
        "volumeMounts": [
            *(mount.document() for mount in parts.mounts),
            {"name": "dask-credentials", "mountPath": CREDENTIALS, "readOnly": True},
        ],
        **probes,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {**_spec(parts, place), "containers": [container]},
    }


def _parts(
    role: Role, plan: DaskPlan, entitlements: Entitlements, settings: SandlotSettings
) -> PodParts:
    size = plan.size if role == "worker" else _scheduler_size(settings)
    request = PodRequest(
        plan=Plan(
            owner=entitlements.user,
            profile_slug=plan.profile_slug,
            profile=settings.profiles[plan.profile_slug],
            image_slug=plan.image_slug,
            image=settings.images[plan.image_slug],
            size_slug=plan.size_slug,
            size=size,
            accelerator=accelerator_plan(settings, size),
        ),
        entitlements=entitlements,
        spawn_id="",
    )
    cluster = settings.kubernetes
    if not settings.dask.mount_home:
        cluster = cluster.model_copy(update={"homes": NoHome(kind="none")})
    return build_pod_parts(request, cluster)


def _scheduler_size(settings: SandlotSettings) -> SizeSettings:
    scheduler = settings.dask.scheduler
    return SizeSettings(display_name="Scheduler", cpus=scheduler.cpus, memory=scheduler.memory)


def _spec(parts: PodParts, place: DaskPlace) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        "nodeSelector": dict(parts.node_selector),
        "tolerations": [dict(each) for each in parts.tolerations],
        "runtimeClassName": parts.runtime_class,
        "priorityClassName": parts.priority_class,
        "imagePullSecrets": [{"name": name} for name in parts.pull_secrets],
        "resourceClaims": [
            {"name": name, "resourceClaimTemplateName": template}
            for name, template in parts.device_claims.items()
        ],
    }
    return {
        **{name: value for name, value in chosen.items() if value},
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # One that ended is replaced, not begun again: its name is one worker's, for ever.
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": _GRACE_S,
        "securityContext": parts.pod_security,
        "volumes": [
            *(volume.document() for volume in parts.volumes),
            {"name": "dask-credentials", "secret": {"secretName": secret_name(place.name)}},
        ],
    }


def _resources(parts: PodParts) -> dict[str, Any]:
    amounts = {"cpu": parts.cpus, "memory": parts.memory_bytes}
    resources: dict[str, Any] = {
        "requests": amounts,
        "limits": {**amounts, **parts.extended_resources},
    }
    if parts.device_claims:
        resources["claims"] = [{"name": name} for name in parts.device_claims]
    return resources


def _environment(parts: PodParts) -> list[dict[str, str]]:
    return [
        {"name": name, "value": environment_value(value)}
        for name, value in parts.environment.items()
    ]
