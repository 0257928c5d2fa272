"""Devices that claims get, and the claims, read out of the JSON of the API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from sandlot_hub.domain.capacity.device_records import (
    ClaimRecord,
    DeviceId,
    DeviceRecord,
    SliceRecord,
)

from .cluster_informer_events import BOOKMARK, DELETED, decode_event, decode_page
from .cluster_informer_objects import ListMeta, Meta, Object
from .cluster_informer_types import Change, Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandlot_hub.domain.capacity.device_records import AttributeValue

GROUP = "resource.k8s.io"
"""The API group of both."""
_API = f"/apis/{GROUP}/v1"


class _Pool(Object):
    name: str
    generation: int = 0
    resource_slice_count: int = 0


class _Device(Object):
    name: str
    attributes: dict[str, dict[str, Any]] | None = None
    consumes_counters: list[Any] | None = None
    allow_multiple_allocations: bool | None = None
    taints: list[Any] | None = None
    node_name: str | None = None
    node_selector: dict[str, Any] | None = None
    all_nodes: bool | None = None


class _SliceSpec(Object):
    driver: str
    pool: _Pool
    node_name: str | None = None
    devices: list[_Device] | None = None


class _Slice(Object):
    metadata: Meta
    spec: _SliceSpec | None = None


class _SliceList(Object):
    metadata: ListMeta
    items: list[_Slice] | None = None


class _SliceEvent(Object):
    type: str
    object: _Slice


class _Result(Object):
    driver: str
    pool: str
    device: str
    admin_access: bool | None = None


class _Results(Object):
    results: list[_Result] | None = None


class _Allocation(Object):
    devices: _Results | None = None


class _ClaimStatus(Object):
    allocation: _Allocation | None = None


class _Claim(Object):
    metadata: Meta
    status: _ClaimStatus | None = None


class _ClaimList(Object):
    metadata: ListMeta
    items: list[_Claim] | None = None


class _ClaimEvent(Object):
    type: str
    object: _Claim


class SliceKind:
    """Implements `cluster_informer_types.Kind` for what drivers announce; the key is the name."""

    resource = "resourceslices"
    path = f"{_API}/resourceslices"

    def __init__(self) -> None:
        self._list = msgspec.json.Decoder(_SliceList)
        self._event = msgspec.json.Decoder(_SliceEvent)

    def page(self, body: bytes) -> Page[SliceRecord]:
        """Read a page of a list."""
        found = decode_page(self._list, body)
        meta = found.metadata
        return Page(meta.resource_version, meta.go_on, map(_slice_record, found.items or ()))

    def change(self, line: bytes) -> Change[SliceRecord]:
        """Read an event of a watch."""
        event = decode_event(self._event, line)
        meta = event.object.metadata
        if event.type == BOOKMARK:
            return Change(meta.resource_version)
        record = None if event.type == DELETED else _slice_record(event.object)
        return Change(meta.resource_version, meta.name, record)

    def key(self, record: SliceRecord) -> str:
        """Return the key of an object."""
        return record.name


class ClaimKind:
    """Implements `cluster_informer_types.Kind` for claims; the key is ``namespace/name``."""

    resource = "resourceclaims"
    path = f"{_API}/resourceclaims"

    def __init__(self) -> None:
        self._list = msgspec.json.Decoder(_ClaimList)
        self._event = msgspec.json.Decoder(_ClaimEvent)

    def page(self, body: bytes) -> Page[ClaimRecord]:
        """Read a page of a list."""
        found = decode_page(self._list, body)
        meta = found.metadata
        return Page(meta.resource_version, meta.go_on, map(_claim_record, found.items or ()))

    def change(self, line: bytes) -> Change[ClaimRecord]:
        """Read an event of a watch."""
        event = decode_event(self._event, line)
        meta = event.object.metadata
        if event.type == BOOKMARK:
            return Change(meta.resource_version)
        record = None if event.type == DELETED else _claim_record(event.object)
        return Change(meta.resource_version, _claim_key(meta), record)

    def key(self, record: ClaimRecord) -> str:
        """Return the key of an object."""
        return record.key


def _slice_record(found: _Slice) -> SliceRecord:
    spec = found.spec or _SliceSpec(driver="", pool=_Pool(name=""))
    return SliceRecord(
        name=found.metadata.name,
        driver=spec.driver,
        pool=spec.pool.name,
        generation=spec.pool.generation,
        slices=spec.pool.resource_slice_count,
        node=spec.node_name or "",
        devices=tuple(_device_record(each, spec.driver) for each in spec.devices or ()),
    )


def _device_record(device: _Device, driver: str) -> DeviceRecord:
    parts = (device.consumes_counters, device.allow_multiple_allocations, device.taints)
    elsewhere = (device.node_name, device.node_selector, device.all_nodes)
    return DeviceRecord(
        name=device.name,
        attributes=dict(_attributes(device.attributes or {}, f"{driver}/")),
        whole=not any(parts) and not any(elsewhere),
    )


def _attributes(
    written: Mapping[str, Mapping[str, Any]], own: str
) -> Iterator[tuple[str, AttributeValue]]:
    for name, typed in written.items():
        # One of ``string``, ``int``, ``bool`` and ``version``, or of later kinds.
        value = next(iter(typed.values()), None)
        if isinstance(value, str | int | bool):
            yield name.removeprefix(own), value


def _claim_record(claim: _Claim) -> ClaimRecord:
    status = claim.status or _ClaimStatus()
    allocation = status.allocation or _Allocation()
    devices = allocation.devices or _Results()
    return ClaimRecord(
        key=_claim_key(claim.metadata),
        devices=tuple(
            DeviceId(each.driver, each.pool, each.device)
            for each in devices.results or ()
            if not each.admin_access
        ),
    )


def _claim_key(meta: Meta) -> str:
    return f"{meta.namespace}/{meta.name}"
