from __future__ import annotations

import json
from typing import Any

import pytest

from sandlot_hub.adapters.cluster_informer_devices import ClaimKind, SliceKind
from sandlot_hub.domain.capacity.device_records import (
    ClaimRecord,
    DeviceId,
    DeviceRecord,
    SliceRecord,
)
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError

DRIVER = "gpu.example.com"


def _slice(**device: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "s1", "resourceVersion": "7"},
        "spec": {
            "driver": DRIVER,
            "pool": {"name": "n1", "generation": 3, "resourceSliceCount": 2},
            "nodeName": "n1",
            "devices": [{"name": "gpu-0", "attributes": {"product": {"string": "L4"}}, **device}],
        },
    }


def _event(kind: str, document: object) -> bytes:
    return json.dumps({"type": kind, "object": document}).encode()


def test_a_slice() -> None:
    change = SliceKind().change(_event("ADDED", _slice()))
    assert (change.version, change.key) == ("7", "s1")
    assert change.record == SliceRecord(
        name="s1",
        driver=DRIVER,
        pool="n1",
        generation=3,
        slices=2,
        node="n1",
        devices=(DeviceRecord("gpu-0", {"product": "L4"}),),
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param({"a": {"int": 4}, "b": {"bool": True}}, {"a": 4, "b": True}, id="kinds"),
        pytest.param({"a": {"version": "1.2.3"}}, {"a": "1.2.3"}, id="version"),
        pytest.param({f"{DRIVER}/a": {"int": 1}}, {"a": 1}, id="own-domain"),
        pytest.param({"x.example/a": {"int": 1}}, {"x.example/a": 1}, id="other-domain"),
        pytest.param({"a": {}, "b": {"list": [1]}, "c": {"int": None}}, {}, id="of-no-kind"),
        pytest.param(None, {}, id="none"),
    ],
)
def test_attributes(written: object, read: dict[str, Any]) -> None:
    record = SliceKind().change(_event("MODIFIED", _slice(attributes=written))).record
    assert record is not None
    assert record.devices[0].attributes == read


@pytest.mark.parametrize(
    "device",
    [
        pytest.param({"consumesCounters": [{"counterSet": "gpu"}]}, id="partition"),
        pytest.param({"allowMultipleAllocations": True}, id="shared"),
        pytest.param({"taints": [{"key": "broken", "effect": "NoExecute"}]}, id="tainted"),
        pytest.param({"nodeName": "n2"}, id="elsewhere"),
        pytest.param({"allNodes": True}, id="everywhere"),
    ],
)
def test_a_device_that_is_not_whole(device: dict[str, Any]) -> None:
    record = SliceKind().change(_event("ADDED", _slice(**device))).record
    assert record is not None
    assert not record.devices[0].whole


def test_a_claim_has_what_it_was_given() -> None:
    results = [
        {"request": "a", "driver": DRIVER, "pool": "n1", "device": "gpu-0"},
        {"request": "b", "driver": DRIVER, "pool": "n1", "device": "gpu-1", "adminAccess": True},
    ]
    document = {
        "metadata": {"name": "c", "namespace": "ns", "resourceVersion": "8"},
        "status": {"allocation": {"devices": {"results": results}}},
    }
    change = ClaimKind().change(_event("MODIFIED", document))
    assert change.key == "ns/c"
    assert change.record == ClaimRecord(key="ns/c", devices=(DeviceId(DRIVER, "n1", "gpu-0"),))


@pytest.mark.parametrize(
    "status",
    [None, {}, {"allocation": None}, {"allocation": {}}, {"allocation": {"devices": {}}}],
    ids=["no-status", "empty", "not-given", "given-nothing", "no-results"],
)
def test_a_claim_that_has_nothing(status: object) -> None:
    document = {"metadata": {"name": "c", "namespace": "ns"}, "status": status}
    assert ClaimKind().change(_event("ADDED", document)).record == ClaimRecord(
        key="ns/c", devices=()
    )


def test_pages_and_the_other_events() -> None:
    page = {"metadata": {"resourceVersion": "9", "continue": "x"}, "items": [_slice()]}
    found = SliceKind().page(json.dumps(page).encode())
    assert (found.version, found.go_on) == ("9", "x")
    assert [each.name for each in found.records] == ["s1"]
    claims = ClaimKind().page(b'{"metadata": {"resourceVersion": "9"}, "items": null}')
    assert list(claims.records) == []
    for kind in (SliceKind(), ClaimKind()):
        meta = {"metadata": {"name": "s1", "namespace": "ns", "resourceVersion": "7"}}
        assert kind.change(_event("DELETED", meta)).record is None
        assert kind.change(_event("BOOKMARK", meta)).key == ""
        with pytest.raises(ClusterRefusedError, match="410"):
            kind.change(_event("ERROR", {"code": 410, "reason": "Expired"}))
        with pytest.raises(ClusterUnreachableError):
            kind.change(b'{"type": "ADDED", "object": {"metadata": 3}}')
