"""Nodes and pods, of which only what counts is read out of the JSON of the API server.

Amounts and labels are shared between objects that have the same: a cluster has few shapes.
"""

from __future__ import annotations

import sys
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from sandlot_hub.domain.capacity.cluster_records import (
    NO_LABELS,
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
_ALWAYS = b"Always"
"""An init container that is restarted so is a sidecar."""


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
        self._amounts = lru_cache(_SHAPES)(_read_allocatable)

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

    def key(self, record: NodeRecord) -> str:
        """Return the key of an object."""
        return record.name

    def _record(self, node: api.Node) -> NodeRecord:
        meta = node.metadata
        spec, status = node.spec or api.NodeSpec(), node.status or api.NodeStatus()
        written = bytes(status.allocatable)
        # What is written at length is read each time, rather than kept.
        short = len(written) <= _LONGEST_SHAPE
        amounts = (self._amounts if short else _read_allocatable)(written)
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

    def key(self, record: PodRecord) -> str:
        """Return the key of an object."""
        return record.key

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
        short = sum(map(len, shape)) <= _LONGEST_SHAPE
        amounts = (self._amounts if short else _read_shape)(shape, len(spec.containers or ()))
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


def _read_allocatable(written: bytes) -> Amounts:
    return read_amounts(_mapping(written), up=False)


_Shape: TypeAlias = tuple[bytes, ...]
"""What the amounts of a pod are made from, as it was written: overhead and amounts of the whole pod,
then of each container, of each init container, what it asks for, was given, and how it is restarted.
Tens of thousands are made at once, so that it is as flat as can be.
"""
_OF_POD = 2
_OF_CONTAINER = 3


def _shape(spec: api.PodSpec, status: api.PodStatus) -> _Shape:
    parts = [bytes(spec.overhead), bytes(spec.resources)]
    _add_containers(parts, spec.containers, status.container_statuses)
    _add_containers(parts, spec.init_containers, status.init_container_statuses)
    return tuple(parts)


def _add_containers(
    parts: list[bytes],
    containers: list[api.Container] | None,
    statuses: list[api.ContainerStatus] | None,
) -> None:
    if not containers:
        return
    given = {each.name: each.allocated_resources for each in statuses} if statuses else {}
    for each in containers:
        parts.append(bytes(each.resources))
        parts.append(bytes(given.get(each.name, api.NO_RAW)))
        parts.append((each.restart_policy or "").encode())


def _read_shape(shape: _Shape, containers: int) -> Amounts:
    overhead, whole = shape[:_OF_POD]
    level = _asked(whole)
    amounts = [
        _container_amounts(*shape[start : start + _OF_CONTAINER])
        for start in range(_OF_POD, len(shape), _OF_CONTAINER)
    ]
    return pod_amounts(
        amounts[:containers],
        amounts[containers:],
        overhead=_amounts(_mapping(overhead)),
        pod_level=level if level.requests or level.limits else None,
    )


def _container_amounts(resources: bytes, given: bytes, restart: bytes) -> ContainerAmounts:
    return _asked(resources)._replace(sidecar=restart == _ALWAYS, given=_amounts(_mapping(given)))


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
