"""Puts the parts of a plan into the manifest that an administrator's options make.

Both are plain JSON documents. KubeSpawner's options stay as they are: a start leaves
nothing behind that the next one, of another size, would inherit, and no text of users
passes through the templates that KubeSpawner formats its options with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.settings.pod_parts import AdminParts, merged_security

from .documents import SERVER_CONTAINER, Document, items, part, text
from .names import environment_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandlot_hub.domain.settings.pod_parts import PodParts

_PLANNED_AMOUNTS = frozenset({"cpu", "memory"})


def read_admin_parts(
    manifest: Document,
    *,
    variables: Iterable[str] = (),
    spec_fields: Iterable[str] = (),
    container_fields: Iterable[str] = (),
) -> AdminParts:
    """Return what an administrator's options alone put into a manifest.

    Parameters
    ----------
    manifest
        As KubeSpawner makes it of its options.
    variables
        Names of the variables that the administrator set.
    spec_fields, container_fields
        Fields that the administrator added to the pod, and to the server's container.
    """
    spec, server = part(manifest, "spec"), _server(manifest)
    resources = part(server, "resources")
    amounts = {**part(resources, "requests"), **part(resources, "limits")}
    beside = (*items(spec, "containers"), *items(spec, "initContainers"))
    return AdminParts(
        containers=frozenset(text(each, "name") for each in beside) - {SERVER_CONTAINER},
        volumes=items(spec, "volumes"),
        mounts=items(server, "volumeMounts"),
        limits={name: each for name, each in amounts.items() if name not in _PLANNED_AMOUNTS},
        device_claims=frozenset(text(each, "name") for each in items(resources, "claims")),
        spec_fields=frozenset(spec_fields),
        container_fields=frozenset(container_fields),
        variables=frozenset(variables),
        pod_security=part(spec, "securityContext"),
        container_security=part(server, "securityContext"),
        own_account="serviceAccountName" in spec,
    )


def complete_manifest(manifest: Document, parts: PodParts, admin: AdminParts) -> dict[str, Any]:
    """Return the manifest of an administrator's options with the parts of a plan.

    What the person chose is the plan's: image, amounts, devices and where those are. In
    all else an administrator's own options hold, and ours are added where they say nothing.
    """
    metadata, spec = part(manifest, "metadata"), part(manifest, "spec")
    kept = _added_volumes(parts, admin)
    return {
        **manifest,
        "metadata": {
            **metadata,
            "labels": {**part(metadata, "labels"), **parts.labels},
            "annotations": {**part(metadata, "annotations"), **parts.annotations},
        },
        "spec": _without_nothing(
            {
                "enableServiceLinks": False,
                "automountServiceAccountToken": False,
                "priorityClassName": parts.priority_class,
                **spec,
                **({"runtimeClassName": parts.runtime_class} if parts.runtime_class else {}),
                "nodeSelector": {**part(spec, "nodeSelector"), **parts.node_selector},
                "tolerations": [*items(spec, "tolerations"), *map(dict, parts.tolerations)],
                "imagePullSecrets": _pull_secrets(spec, parts),
                "securityContext": merged_security(parts.pod_security, admin.pod_security),
                "resourceClaims": [*items(spec, "resourceClaims"), *_device_claims(parts)],
                "volumes": [*admin.volumes, *(volume for volume, _ in kept)],
                "containers": [
                    _completed(each, parts, admin, [mount for _, mount in kept])
                    if text(each, "name") == SERVER_CONTAINER
                    else each
                    for each in items(spec, "containers")
                ],
            }
        ),
    }


def _server(manifest: Document) -> Document:
    named = (
        each
        for each in items(manifest, "spec", "containers")
        if text(each, "name") == SERVER_CONTAINER
    )
    return next(named, {})


def _without_nothing(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value not in (None, [], {})}


def _pull_secrets(spec: Document, parts: PodParts) -> list[Document]:
    theirs = items(spec, "imagePullSecrets")
    known = {text(each, "name") for each in theirs}
    return [*theirs, *({"name": name} for name in parts.pull_secrets if name not in known)]


def _device_claims(parts: PodParts) -> list[dict[str, str]]:
    return [
        {"name": name, "resourceClaimTemplateName": template}
        for name, template in parts.device_claims.items()
    ]


def _added_volumes(
    parts: PodParts, admin: AdminParts
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    # A path can be mounted once, and what an administrator mounts there holds; so does the
    # name of a volume.
    paths = {text(mount, "mountPath").rstrip("/") for mount in admin.mounts}
    names = {text(volume, "name") for volume in admin.volumes}
    return [
        (volume.document(), mount.document())
        for volume, mount in zip(parts.volumes, parts.mounts, strict=True)
        if mount.path not in paths and volume.name not in names
    ]


def _completed(
    server: Document, parts: PodParts, admin: AdminParts, mounts: list[dict[str, Any]]
) -> dict[str, Any]:
    resources = part(server, "resources")
    amounts: dict[str, object] = {"cpu": parts.cpus, "memory": parts.memory_bytes}
    claims = [*items(resources, "claims"), *({"name": name} for name in parts.device_claims)]
    return _without_nothing(
        {
            "imagePullPolicy": parts.pull_policy,
            **server,
            "image": parts.image,
            "resources": _without_nothing(
                {
                    "requests": {**part(resources, "requests"), **amounts},
                    "limits": {
                        **part(resources, "limits"),
                        **amounts,
                        **parts.extended_resources,
                    },
                    "claims": claims,
                }
            ),
            "securityContext": merged_security(parts.container_security, admin.container_security),
            "volumeMounts": [*admin.mounts, *mounts],
            "env": _environment(server, parts, admin),
        }
    )


def _environment(server: Document, parts: PodParts, admin: AdminParts) -> list[Document]:
    theirs = items(server, "env")
    known = {text(variable, "name") for variable in theirs}
    # Ours come first, where an administrator's may refer to them.
    ours = [
        {"name": name, "value": environment_value(value)}
        for name, value in parts.environment.items()
        if name not in known
    ]
    return [*ours, *(_literal(each, admin) for each in theirs)]


def _literal(variable: Document, admin: AdminParts) -> Document:
    # What the hub says about user and server may hold a user's text. An administrator's own
    # variables may refer to others.
    if "value" not in variable or text(variable, "name") in admin.variables:
        return variable
    return {**variable, "value": environment_value(text(variable, "value"))}
