"""What a plan asks of the cluster: the parts of a server's manifest that Sandlot decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SHM_PATH = "/dev/shm"  # noqa: S108 (a mount point in the server, no file of the hub)

RESTRICTED_POD: Mapping[str, Any] = {
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""What the Pod Security standard *restricted* asks of a pod."""

RESTRICTED_CONTAINER: Mapping[str, Any] = {
    **RESTRICTED_POD,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
"""What it asks of a container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A claim, or memory."""

    name: str
    claim: str = ""
    """Name of the claim; empty for memory."""
    memory_bytes: int = 0
    """Most that a volume in memory may hold."""

    def document(self) -> dict[str, Any]:
        """Return the volume as the API server takes it."""
        if self.claim:
            return {"name": self.name, "persistentVolumeClaim": {"claimName": self.claim}}
        limit = str(self.memory_bytes)
        return {"name": self.name, "emptyDir": {"medium": "Memory", "sizeLimit": limit}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """Where the server finds a volume."""

    volume: str
    path: str
    folder: str = ""
    """Folder of the volume; its root when empty."""
    read_only: bool = False

    def document(self) -> dict[str, Any]:
        """Return the mount as the API server takes it."""
        document: dict[str, Any] = {"name": self.volume, "mountPath": self.path}
        if self.folder:
            document["subPath"] = self.folder
        if self.read_only:
            document["readOnly"] = True
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeClaim:
    """The claim of a home, to be made when it is not there."""

    name: str
    size_bytes: int
    storage_class: str | None
    access_mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PodParts:
    """One server, as the cluster is asked for it."""

    image: str
    pull_policy: str
    pull_secrets: tuple[str, ...]
    cpus: float
    """Cores, reserved and at most."""
    memory_bytes: int
    """Memory, reserved and at most."""
    extended_resources: Mapping[str, int]
    """Units of device plug-ins, by resource name."""
    device_claims: Mapping[str, str]
    """Name in the manifest to the template that each claim of a device is made from."""
    node_selector: Mapping[str, str]
    tolerations: tuple[Mapping[str, str], ...]
    runtime_class: str | None
    priority_class: str | None
    file_group: int
    home: HomeClaim | None
    volumes: tuple[Volume, ...]
    mounts: tuple[Mount, ...]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    environment: Mapping[str, str]
    """Values as the server shall find them; see `pod_names.environment_value`."""

    @property
    def pod_security(self) -> dict[str, Any]:
        """The security context of the pod: *restricted*, and the group of its files."""
        return {
            **RESTRICTED_POD,
            "fsGroup": self.file_group,
            # Else every start walks through all files of a home to set their group.
            "fsGroupChangePolicy": "OnRootMismatch",
        }

    @property
    def container_security(self) -> dict[str, Any]:
        """The security context of the server's container."""
        return dict(RESTRICTED_CONTAINER)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminParts:
    """What an administrator configured for every server, and so may be in a manifest."""

    containers: frozenset[str] = frozenset()
    """Names of containers beside the server's, those that run before it included."""
    volumes: tuple[Mapping[str, Any], ...] = ()
    mounts: tuple[Mapping[str, Any], ...] = ()
    limits: Mapping[str, object] = field(default_factory=dict)
    """Amounts of further resources, by name."""
    device_claims: frozenset[str] = frozenset()
    """Names of further claims of devices."""
    spec_fields: frozenset[str] = frozenset()
    """Further fields of the pod."""
    container_fields: frozenset[str] = frozenset()
    """Further fields of the server's container."""
    variables: frozenset[str] = frozenset()
    """Names of variables whose values are theirs."""
    pod_security: Mapping[str, Any] = field(default_factory=dict)
    """What they wrote in the security context of the pod."""
    container_security: Mapping[str, Any] = field(default_factory=dict)
    """What they wrote in that of the server's container."""
    own_account: bool = False
    """Whether they gave servers a service account."""


def merged_security(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a security context: *restricted*, and on top what an administrator wrote.

    An administrator who lets servers be root wants them to be root: then nothing of ours is
    added, which would only keep such servers from starting.
    """
    if theirs.get("privileged") or theirs.get("runAsUser") == 0:
        return dict(theirs)
    return {**ours, **theirs}
