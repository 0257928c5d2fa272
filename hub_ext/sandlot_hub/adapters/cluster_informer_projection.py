"""Nodes and pods, of which only what counts is read out of the JSON of the API server.

Amounts and labels are shared between objects that have the same: a cluster has few shapes.
"""

from __future__ import annotations

import sys
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from sandlot_hub.domain.capacity.cluster_records import (
    NO_LABELS,
    NOTHING,
    NodeRecord,
    PodRecord,
    Taint,
)
from sandlot_hub.domain.capacity.pod_requests import ContainerAmounts, pod_amounts
from sandlot_hub.domain.values.quantities import read_amount, read_amounts

from . import cluster_informer_objects as api
from .cluster_informer_events import (
    BOOKMARK,
    DELETED,
    UNREADABLE,
    decode_event,
    decode_page,
    unreadable,
)
from .cluster_informer_types import Change, Page

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sandlot_hub.domain.values.quantities import Amounts

_SHAPES = 4096
"""How many sets of amounts, and of labels, are remembered."""
_LONGEST_SHAPE = 8 * 1024
"""Bytes of one of them."""
_ENDED = frozenset({"Succeeded", "Failed"})


class NodeKind:
    """Implements `cluster_informer_types.Kind` for nodes; the key is their name.

    Parameters
    ----------
    labels
        The labels that somebody asks for; the others are not kept.
    """

    resource = "nodes"
    path = "/api/v1/nodes"

    def __init__(self, *, labels: Collection[str]) -> None:
        self._labels = _SomeLabels(labels)
        self._list = msgspec.json.Decoder(api.NodeList)
        self._event = msgspec.json.Decoder(api.NodeEvent)

    def page(self, body: bytes) -> Page[NodeRecord]:
        """Read a page of a list."""
        found = decode_page(self._list, body)
        meta = found.metadata
        return Page(meta.resource_version, meta.go_on, map(self._record, found.items or ()))

    def change(self, line: bytes) -> Change[NodeRecord]:
        """Read an event of a watch."""
        event = decode_event(self._event, line)
        meta = event.object.metadata
        if event.type == BOOKMARK:
            return Change(meta.resource_version)
        record = None if event.type == DELETED else self._record(event.object)
        return Change(meta.resource_version, meta.name, record)

    def _record(self, node: api.Node) -> NodeRecord:
        meta = node.metadata
        spec, status = node.spec or api.NodeSpec(), node.status or api.NodeStatus()
        amounts = read_amounts(status.allocatable or NOTHING, up=False)
        ready = next((each for each in status.conditions or () if each.type == "Ready"), None)
        taints = spec.taints or ()
        return NodeRecord(
            name=sys.intern(meta.name),
            ready=ready is not None and ready.status == "True",
            # One that is being removed takes no new pods, as if somebody had cordoned it.
            cordoned=bool(spec.unschedulable) or meta.deletion_timestamp is not None,
            labels=self._labels.of(meta.labels),
            taints=tuple(Taint(each.key, each.value or "", each.effect) for each in taints),
            allocatable=amounts.known,
            unknown=amounts.unknown,
            created=_seconds(meta.creation_timestamp),
            ready_since=None if ready is None else _seconds(ready.last_transition_time),
        )


class PodKind:
    """Implements `cluster_informer_types.Kind` for pods; the key is ``namespace/name``.

    Parameters
    ----------
    trusted
        The namespace of servers, where what a pod says of its flavor and its owner is ours;
        empty: none is.
    labels
        The labels of nodes that somebody asks for; what a pod wants of others is not kept.
    """

    resource = "pods"
    path = "/api/v1/pods"

    def __init__(self, *, trusted: str, labels: Collection[str]) -> None:
        self._trusted = trusted
        self._labels = _SomeLabels(labels)
        self._list = msgspec.json.Decoder(api.PodList)
        self._event = msgspec.json.Decoder(api.PodEvent)
        self._amounts = lru_cache(_SHAPES)(_read_shape)

    def page(self, body: bytes) -> Page[PodRecord]:
        """Read a page of a list; pods that have ended are left out."""
        found = decode_page(self._list, body)
        meta = found.metadata
        return Page(meta.resource_version, meta.go_on, self._records(found.items or []))

    def change(self, line: bytes) -> Change[PodRecord]:
        """Read an event of a watch; a pod that has ended is gone."""
        event = decode_event(self._event, line)
        meta = event.object.metadata
        if event.type == BOOKMARK:
            return Change(meta.resource_version)
        record = None if event.type == DELETED else self._record(event.object)
        return Change(meta.resource_version, _pod_key(meta), record)

    def _records(self, pods: list[api.Pod]) -> Iterator[PodRecord]:
        for pod in pods:
            record = self._record(pod)
            if record is not None:
                yield record

    def _record(self, pod: api.Pod) -> PodRecord | None:
        meta = pod.metadata
        spec, status = pod.spec or api.PodSpec(), pod.status or api.PodStatus()
        if status.phase in _ENDED:
            return None
        shape = _shape(spec, status)
        # What is written at length is read each time, rather than kept.
        amounts = (self._amounts if _is_short(shape) else _read_shape)(shape)
        node = sys.intern(spec.node_name or "")
        ours = bool(self._trusted) and meta.namespace == self._trusted
        return PodRecord(
            key=_pod_key(meta),
            uid=meta.uid,
            node=node,
            nominated=status.nominated_node_name or "",
            requests=amounts.known,
            unknown=amounts.unknown,
            deleting=meta.deletion_timestamp is not None,
            gated=bool(spec.scheduling_gates),
            created=_seconds(meta.creation_timestamp),
            # It says where a pod may come; one that is somewhere needs it no more.
            node_selector=NO_LABELS if node else self._labels.of(spec.node_selector),
            priority=spec.priority or 0,
            flavor=(ours and meta.labels and meta.labels.flavor) or "",
            owner=(ours and meta.annotations and meta.annotations.user) or "",
        )


class _SomeLabels:
    """Keeps only labels that somebody asks for, each set of them once."""

    def __init__(self, kept: Collection[str]) -> None:
        self._kept = tuple(sorted(kept))
        self._shared = lru_cache(_SHAPES)(_labels)

    def of(self, labels: Mapping[str, str] | None) -> Mapping[str, str]:
        """Return those of these labels."""
        if not labels:
            return NO_LABELS
        found = tuple((key, labels[key]) for key in self._kept if key in labels)
        return self._shared(found) if found else NO_LABELS


def _labels(pairs: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    return dict(pairs)


class _ContainerShape(NamedTuple):
    """What amounts are made from, as it was written."""

    resources: bytes
    given: bytes
    sidecar: bool


class _Shape(NamedTuple):
    containers: tuple[_ContainerShape, ...]
    init_containers: tuple[_ContainerShape, ...]
    overhead: bytes
    pod_level: bytes


def _shape(spec: api.PodSpec, status: api.PodStatus) -> _Shape:
    return _Shape(
        _container_shapes(spec.containers, status.container_statuses),
        _container_shapes(spec.init_containers, status.init_container_statuses),
        bytes(spec.overhead),
        bytes(spec.resources),
    )


def _container_shapes(
    containers: list[api.Container] | None, statuses: list[api.ContainerStatus] | None
) -> tuple[_ContainerShape, ...]:
    if not containers:
        return ()
    given = {each.name: each.allocated_resources for each in statuses or ()}
    return tuple(
        _ContainerShape(
            bytes(each.resources),
            bytes(given.get(each.name, api.NO_RAW)),
            each.restart_policy == "Always",
        )
        for each in containers
    )


def _is_short(shape: _Shape) -> bool:
    parts = (*shape.containers, *shape.init_containers)
    length = sum(len(each.resources) + len(each.given) for each in parts)
    return length + len(shape.overhead) + len(shape.pod_level) <= _LONGEST_SHAPE


def _read_shape(shape: _Shape) -> Amounts:
    level = _asked(shape.pod_level)
    return pod_amounts(
        [_container_amounts(each) for each in shape.containers],
        [_container_amounts(each) for each in shape.init_containers],
        overhead=_amounts(_mapping(shape.overhead)),
        pod_level=level if level.requests or level.limits else None,
    )


def _container_amounts(shape: _ContainerShape) -> ContainerAmounts:
    given = _amounts(_mapping(shape.given))
    return _asked(shape.resources)._replace(sidecar=shape.sidecar, given=given)


def _asked(resources: bytes) -> ContainerAmounts:
    written = _mapping(resources)
    return ContainerAmounts(
        requests=_amounts(written.get("requests")), limits=_amounts(written.get("limits"))
    )


def _amounts(written: object) -> dict[str, int | None]:
    if not isinstance(written, dict):
        return {}
    return {name: read_amount(name, each, up=True) for name, each in written.items()}


def _mapping(written: bytes) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(written)
    except UNREADABLE as error:
        raise unreadable(error) from error
    return document if isinstance(document, dict) else {}


def _pod_key(meta: api.Meta) -> str:
    return f"{meta.namespace}/{meta.name}"


def _seconds(written: str | None) -> float | None:
    if written is None:
        return None
    try:
        moment = datetime.fromisoformat(written)
        return moment.timestamp() if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
