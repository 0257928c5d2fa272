"""The parts of the API's objects that are read; nothing else of them is ever made.

What the API may leave out may also be null, so that is taken everywhere.
"""

from __future__ import annotations

from typing import Any

import msgspec

NO_RAW = msgspec.Raw(b"{}")


class Object(msgspec.Struct, rename="camel", gc=False):
    """A part of an object. They hold nothing that refers back, so nobody looks for cycles."""


class Meta(Object):
    """What every object says of itself."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None


class ListMeta(Object):
    """What a list says of itself."""

    resource_version: str = ""
    go_on: str = msgspec.field(name="continue", default="")


# --- nodes --------------------------------------------------------------------------------------


class NodeMeta(Meta):
    """What a node says of itself."""

    labels: dict[str, str] | None = None


class Taint(Object):
    """What keeps pods off a node."""

    key: str
    effect: str
    value: str | None = None


class NodeSpec(Object):
    """What a node should be."""

    unschedulable: bool | None = None
    taints: list[Taint] | None = None


class Condition(Object):
    """How a node is in one respect."""

    type: str
    status: str
    last_transition_time: str | None = None


class NodeStatus(Object):
    """How a node is; what it has as it was written."""

    allocatable: msgspec.Raw = NO_RAW
    conditions: list[Condition] | None = None


class Node(Object):
    """A node."""

    metadata: NodeMeta
    spec: NodeSpec | None = None
    status: NodeStatus | None = None


class NodeList(Object):
    """A page of nodes."""

    metadata: ListMeta
    items: list[Node] | None = None


class NodeEvent(Object):
    """A change of a node."""

    type: str
    object: Node


# --- pods ---------------------------------------------------------------------------------------


class PodLabels(Object):
    """The labels of a pod that are ours."""

    flavor: str | None = msgspec.field(name="sandlot/flavor", default=None)


class PodAnnotations(Object):
    """The annotations of a pod that are ours."""

    user: str | None = msgspec.field(name="hub.jupyter.org/username", default=None)


class PodMeta(Meta):
    """What a pod says of itself."""

    labels: PodLabels | None = None
    annotations: PodAnnotations | None = None


class Container(Object):
    """A container; its resources as they were written."""

    name: str = ""
    resources: msgspec.Raw = NO_RAW
    restart_policy: str | None = None


class PodSpec(Object):
    """What a pod should be."""

    node_name: str | None = None
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    overhead: msgspec.Raw = NO_RAW
    resources: msgspec.Raw = NO_RAW
    node_selector: dict[str, str] | None = None
    scheduling_gates: list[Any] | None = None
    priority: int | None = None


class ContainerStatus(Object):
    """How a container is; what it was given as it was written."""

    name: str = ""
    allocated_resources: msgspec.Raw = NO_RAW


class PodStatus(Object):
    """How a pod is."""

    phase: str = ""
    nominated_node_name: str | None = None
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None


class Pod(Object):
    """A pod."""

    metadata: PodMeta
    spec: PodSpec | None = None
    status: PodStatus | None = None


class PodList(Object):
    """A page of pods."""

    metadata: ListMeta
    items: list[Pod] | None = None


class PodEvent(Object):
    """A change of a pod."""

    type: str
    object: Pod


class ErrorEvent(Object):
    """The last event of a watch that went wrong."""

    type: str
    object: dict[str, Any]
