"""The last look at a finished manifest: nothing in it that neither plan nor administrator asked for.

Options were judged long before, and values of users never meet a template of ours. But the
manifest is put together by other people's code, which formats text, merges mappings and runs
hooks. So what users could have had a hand in is compared here, part by part, with what was
decided. What an administrator configured is theirs and stays.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.settings.pod_parts import merged_security
from sandlot_hub.domain.values.names import printable, quoted

from .breaches import Breach, BreachCode
from .documents import SERVER_CONTAINER, Document, items, part, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sandlot_hub.domain.settings.pod_parts import AdminParts, PodParts

OUR_PREFIX = "sandlot/"
"""What the keys of our labels and annotations begin with; nobody else may set one."""

_SPEC_FIELDS = frozenset(
    {
        "affinity",
        "automountServiceAccountToken",
        "containers",
        "enableServiceLinks",
        "imagePullSecrets",
        "initContainers",
        "nodeSelector",
        "priorityClassName",
        "resourceClaims",
        "restartPolicy",
        "runtimeClassName",
        "schedulerName",
        "securityContext",
        "serviceAccountName",
        "tolerations",
        "volumes",
    }
)
_CONTAINER_FIELDS = frozenset(
    {
        "args",
        "env",
        "image",
        "imagePullPolicy",
        "lifecycle",
        "name",
        "ports",
        "resources",
        "securityContext",
        "volumeMounts",
        "workingDir",
    }
)
_OPEN_REFERENCE = re.compile(r"(?<!\$)(?:\$\$)*\$\(")
"""A variable that the kubelet would replace: ``$(`` behind an even number of ``$``."""


def check_manifest(
    manifest: Document, *, name: str, parts: PodParts, admin: AdminParts
) -> tuple[Breach, ...]:
    """Return what is in a manifest and may not be there; nothing when all is well.

    Parameters
    ----------
    manifest
        The pod as it is about to be sent, as plain JSON.
    name
        The name that the pod shall have.
    parts
        What was planned.
    admin
        What the administrator configured.
    """
    found = [each for each in items(manifest, "spec", "containers") if _is_server(each)]
    if len(found) != 1:
        problem = f"there are {len(found)} containers {SERVER_CONTAINER!r}, not one"
        return (Breach(code=BreachCode.CONTAINER, where="spec.containers", problem=problem),)
    return (
        *_metadata(manifest, name, parts),
        *_pod(manifest, parts, admin),
        *_server(found[0], parts, admin),
    )


def _is_server(container: Document) -> bool:
    return container.get("name") == SERVER_CONTAINER


def _metadata(manifest: Document, name: str, parts: PodParts) -> Iterator[Breach]:
    if text(manifest, "metadata", "name") != name:
        yield Breach(code=BreachCode.NAME, where="metadata.name", problem=f"is not {quoted(name)}")
    for code, kind, expected in (
        (BreachCode.LABEL, "labels", parts.labels),
        (BreachCode.ANNOTATION, "annotations", parts.annotations),
    ):
        actual = part(manifest, "metadata", kind)
        ours = {key for key in actual if str(key).startswith(OUR_PREFIX)}
        for key in sorted(ours | expected.keys()):
            if actual.get(key) != expected.get(key):
                where = f"metadata.{kind}.{printable(key)}"
                yield Breach(code=code, where=where, problem="is not what was planned")


def _pod(manifest: Document, parts: PodParts, admin: AdminParts) -> Iterator[Breach]:
    spec = part(manifest, "spec")
    yield from _unknown_fields(spec, _SPEC_FIELDS | admin.spec_fields, "spec")
    for kind in ("containers", "initContainers"):
        for container in items(spec, kind):
            if container.get("name") not in {SERVER_CONTAINER, *admin.containers}:
                problem = f"nobody asked for {quoted(container.get('name'))}"
                yield Breach(code=BreachCode.CONTAINER, where=f"spec.{kind}", problem=problem)
    planned = [volume.document() for volume in parts.volumes]
    yield from _undecided(
        items(spec, "volumes"), (*planned, *admin.volumes), BreachCode.VOLUME, "spec.volumes"
    )
    if not admin.own_account and (
        spec.get("automountServiceAccountToken") is not False
        or spec.get("enableServiceLinks") is not False
        or "serviceAccountName" in spec
    ):
        problem = "a server gets no account of the cluster, and no list of its services"
        yield Breach(code=BreachCode.ACCOUNT, where="spec", problem=problem)
    expected = merged_security(parts.pod_security, admin.pod_security)
    yield from _context(part(spec, "securityContext"), expected, "spec")


def _server(container: Document, parts: PodParts, admin: AdminParts) -> Iterator[Breach]:
    where = f"spec.containers.{SERVER_CONTAINER}"
    yield from _unknown_fields(container, _CONTAINER_FIELDS | admin.container_fields, where)
    if container.get("image") != parts.image:
        yield Breach(
            code=BreachCode.IMAGE, where=f"{where}.image", problem=f"is not {quoted(parts.image)}"
        )
    planned = [mount.document() for mount in parts.mounts]
    yield from _undecided(
        items(container, "volumeMounts"),
        (*planned, *admin.mounts),
        BreachCode.MOUNT,
        f"{where}.volumeMounts",
    )
    yield from _resources(part(container, "resources"), parts, admin, where)
    yield from _variables(items(container, "env"), admin, f"{where}.env")
    expected = merged_security(parts.container_security, admin.container_security)
    yield from _context(part(container, "securityContext"), expected, where)


def _unknown_fields(document: Document, known: frozenset[str], where: str) -> Iterator[Breach]:
    for key in sorted(map(str, document.keys() - known)):
        path = f"{where}.{printable(key)}"
        yield Breach(code=BreachCode.FIELD, where=path, problem="nobody asked for it")


def _undecided(
    actual: Iterable[Document], decided: Iterable[Document], code: BreachCode, where: str
) -> Iterator[Breach]:
    known = list(decided)
    for each in actual:
        if each not in known:
            problem = f"nobody asked for {quoted(each.get('name'))} like this"
            yield Breach(code=code, where=where, problem=problem)


def _resources(
    resources: Document, parts: PodParts, admin: AdminParts, where: str
) -> Iterator[Breach]:
    planned: dict[str, object] = {"cpu": parts.cpus, "memory": parts.memory_bytes}
    planned |= {**parts.extended_resources, **admin.limits}
    for kind in ("limits", "requests"):
        for name, amount in part(resources, kind).items():
            if str(amount) != str(planned.get(name)):
                path = f"{where}.resources.{kind}.{printable(name)}"
                yield Breach(
                    code=BreachCode.RESOURCE, where=path, problem="is not what was planned"
                )
    for name in parts.extended_resources.keys() - part(resources, "limits").keys():
        path = f"{where}.resources.limits.{name}"
        yield Breach(code=BreachCode.RESOURCE, where=path, problem="is missing")
    claims = [text(each, "name") for each in items(resources, "claims")]
    if sorted(claims) != sorted({*parts.device_claims, *admin.device_claims}):
        path = f"{where}.resources.claims"
        yield Breach(code=BreachCode.RESOURCE, where=path, problem="is not what was planned")


def _variables(env: Iterable[Document], admin: AdminParts, where: str) -> Iterator[Breach]:
    for variable in env:
        name = variable.get("name")
        if name in admin.variables:
            continue
        path = f"{where}.{printable(name)}"
        if not isinstance(variable.get("value", ""), str) or "valueFrom" in variable:
            problem = "takes its value from elsewhere"
        elif _OPEN_REFERENCE.search(variable.get("value", "")):
            problem = "refers to another variable"
        else:
            continue
        yield Breach(code=BreachCode.VARIABLE, where=path, problem=problem)


def _context(actual: Document, expected: Mapping[str, Any], where: str) -> Iterator[Breach]:
    """Yield what makes a security context weaker, or just other, than it was planned."""
    for key in sorted(map(str, actual.keys() | expected.keys())):
        if actual.get(key) != expected.get(key):
            path = f"{where}.securityContext.{printable(key)}"
            yield Breach(code=BreachCode.PRIVILEGE, where=path, problem="is not what was planned")
