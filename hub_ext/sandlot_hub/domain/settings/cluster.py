"""What an administrator writes about servers in a Kubernetes cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from sandlot_hub.domain.values.units import Duration, Memory

from .base import AllowSettings, SettingsModel, Slug, Text
from .cluster_types import (
    AttributeName,
    AttributeValue,
    GroupId,
    LabelKey,
    LabelValue,
    MountPath,
    NamespacedName,
    NodeGroupName,
    ObjectName,
    SubPath,
    VariableName,
    VariableText,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class TolerationSettings(SettingsModel):
    """A taint that does not keep servers off a node."""

    key: LabelKey | None = None
    """Key of the taint; every taint when not set."""
    operator: Literal["Exists", "Equal"] = "Exists"
    """`Exists` takes the taint with any value, `Equal` only with `value`."""
    value: LabelValue | None = None
    """Value of the taint, for `Equal`."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint; every effect when not set."""

    @model_validator(mode="after")
    def _is_a_toleration(self) -> Self:
        if self.operator == "Equal" and (self.key is None or self.value is None):
            msg = "`operator: Equal` needs `key` and `value`"
            raise ValueError(msg)
        if self.operator == "Exists" and self.value is not None:
            msg = "`value` needs `operator: Equal`; with `Exists` any value is taken"
            raise ValueError(msg)
        return self


class DeviceSettings(SettingsModel):
    """Devices that a driver announces for dynamic resource allocation."""

    driver: ObjectName
    """Name of the driver, such as `gpu.nvidia.com`."""
    attributes: dict[AttributeName, AttributeValue] = Field(default={})
    """What it says of those devices, such as `productName: NVIDIA L4`: text, whole numbers, true, false."""


class FlavorClusterSettings(SettingsModel):
    """Where and how the cluster has a kind of GPU."""

    node_selector: dict[LabelKey, LabelValue] = Field(default={})
    """Labels of the nodes that have it, such as `nvidia.com/gpu.product: NVIDIA-L4`."""
    tolerations: tuple[TolerationSettings, ...] = ()
    """Taints of those nodes."""
    runtime_class: ObjectName | None = None
    """RuntimeClass that gives containers the device, such as `nvidia`, where it is not the default."""
    shm_size: Memory | None = None
    """Size of `/dev/shm`, which data loaders of several processes need; it counts as memory."""
    new_node_takes: Duration | None = None
    """How long the cluster usually takes to add such a node, for people who wait for one."""
    grows_to: Annotated[int, Field(ge=0, le=1_000_000, strict=True)] | None = None
    """How many of it there are when the cluster has added all nodes that it may add."""
    node_groups: dict[NodeGroupName, Annotated[int, Field(ge=1, le=1000)]] = Field(default={})
    """How many of it a node has, by the cluster autoscaler's node group, as `aks-l4-*: 4`."""
    claim_template: ObjectName | None = None
    """ResourceClaimTemplate of one unit, for dynamic resource allocation; `resource` is not used then."""
    devices: DeviceSettings | None = None
    """Which devices those claims get, so that it is known what is free."""

    @model_validator(mode="after")
    def _claims_devices(self) -> Self:
        if self.devices is not None and self.claim_template is None:
            msg = "`devices` says what claims get, and needs `claim_template`"
            raise ValueError(msg)
        return self


class ClaimHome(SettingsModel):
    """Homes on claims of their own, which are made at the first start and kept."""

    kind: Literal["claim"]
    """A PersistentVolumeClaim for each home."""
    per: Literal["user", "server"] = "user"
    """Whether the named servers of a user share a home, or each has one."""
    size: Memory = 10 * 1024**3
    """Capacity that is asked for."""
    storage_class: ObjectName | None = None
    """StorageClass; the default one of the cluster when not set."""
    access_mode: Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"] = "ReadWriteOnce"
    """Named servers that share a home and run on several nodes need `ReadWriteMany`."""
    mount_path: MountPath = "/home/jovyan"
    """Where the server finds the home."""


class FolderHome(SettingsModel):
    """Homes as folders of one volume that is there already, such as a file server."""

    kind: Literal["folder"]
    """A folder for each home."""
    claim: ObjectName
    """The PersistentVolumeClaim of the volume, with access mode `ReadWriteMany`."""
    below: SubPath = "home"
    """The folder that holds the homes."""
    per: Literal["user", "server"] = "user"
    """Whether the named servers of a user share a home, or each has one."""
    mount_path: MountPath = "/home/jovyan"
    """Where the server finds the home."""


class NoHome(SettingsModel):
    """No homes: what people write is gone when the server stops."""

    kind: Literal["none"]
    """Nothing is kept."""


Home = Annotated[ClaimHome | FolderHome | NoHome, Field(discriminator="kind")]


class SharedFolderSettings(SettingsModel):
    """A folder that everybody can read and write."""

    claim: ObjectName
    """The PersistentVolumeClaim, with access mode `ReadWriteMany`."""
    sub_path: SubPath | None = None
    """Folder of the volume; its root when not set."""
    mount_path: MountPath = "/home/jovyan/shared"
    """Where servers find it."""


class DataVolumeSettings(SettingsModel):
    """A volume with data. Who neither reads nor writes it never sees it."""

    claim: ObjectName
    """The PersistentVolumeClaim."""
    sub_path: SubPath | None = None
    """Folder of the volume; its root when not set."""
    mount_path: MountPath
    """Where servers find it."""
    allow: AllowSettings = AllowSettings()
    """Who may read it; everybody when empty."""
    write_groups: tuple[Text, ...] = ()
    """Members of these groups may write, and so read; nobody writes when empty."""


class StartPatience(SettingsModel):
    """How long each reason to wait may last before a start is given up and says why."""

    busy: Duration = 600.0
    """All accelerators, CPUs or memory that fit are used by others."""
    never_fits: Duration = 60.0
    """No node of the cluster can hold the server, and none is being added."""
    new_node: Duration = 900.0
    """The cluster adds a node."""
    queue: Duration = 3600.0
    """A queue of the cluster holds the server back."""
    image: Duration = 1200.0
    """The node gets the image."""
    image_error: Duration = 60.0
    """The image cannot be got, and it is not certain that it never can."""
    volume: Duration = 180.0
    """A volume is made, attached or freed by another server."""
    container: Duration = 30.0
    """The container cannot be made from its configuration, or ends and is started again."""
    preparing: Duration = 180.0
    """The node prepares the container: network, devices, mounts."""
    answer: Duration = 120.0
    """The server runs, and does not answer yet."""
    node_lost: Duration = 60.0
    """The node of the server does not answer."""
    stopping: Duration = 120.0
    """An earlier server of the same name ends."""
    in_all: Duration = 3600.0
    """All of that together."""

    @model_validator(mode="after")
    def _fits_in(self) -> Self:
        for name, seconds in self:
            if seconds > self.in_all:
                msg = f"`{name}` is longer than `in_all`, so it would never be reached"
                raise ValueError(msg)
        return self


class ClusterSettings(SettingsModel):
    """Servers in a Kubernetes cluster."""

    homes: Home = ClaimHome(kind="claim")
    """Where the files of users are kept."""
    shared_folder: SharedFolderSettings | None = None
    """A folder that everybody can read and write."""
    data_volumes: dict[Slug, DataVolumeSettings] = Field(default={})
    """Volumes with data for some groups, by slug."""
    image_pull_secrets: tuple[ObjectName, ...] = ()
    """Secrets with the credentials of image registries."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When a node asks the registry for an image that it has."""
    priority_class: ObjectName | None = None
    """PriorityClass of servers; that of the cluster when not set."""
    node_selector: dict[LabelKey, LabelValue] = Field(default={})
    """Labels of the nodes for servers of every size."""
    tolerations: tuple[TolerationSettings, ...] = ()
    """Taints of the nodes for servers of every size."""
    shm_size: Memory | None = None
    """Size of `/dev/shm` where a kind of GPU says nothing else; 64 MiB in most clusters when not set."""
    new_node_takes: Duration | None = None
    """How long the cluster usually takes to add a node, where a kind of GPU says nothing else."""
    autoscaler_status: NamespacedName = "kube-system/cluster-autoscaler-status"
    """ConfigMap in which the cluster autoscaler tells of node groups; read where `node_groups` is set."""
    file_group: GroupId = 100
    """Unix group that owns the files of volumes; the image's user is a member."""
    environment: dict[VariableName, VariableText] = Field(default={})
    """Environment variables of every server. No secrets: whoever runs code there can read them."""
    patience: StartPatience = StartPatience()
    """How long a start may wait, by reason."""

    @model_validator(mode="after")
    def _mounts_apart(self) -> Self:
        seen: set[str] = set()
        for path in self._mount_paths():
            if path in seen:
                msg = f"two volumes cannot both be at {path}"
                raise ValueError(msg)
            seen.add(path)
        return self

    def _mount_paths(self) -> Iterator[str]:
        if not isinstance(self.homes, NoHome):
            yield self.homes.mount_path
        if self.shared_folder is not None:
            yield self.shared_folder.mount_path
        for volume in self.data_volumes.values():
            yield volume.mount_path
