"""Tests of what is read out of nodes and pods, however odd they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandlot_hub.adapters.cluster_informer_projection import NodeKind, PodKind
from sandlot_hub.domain.capacity.cluster_records import NodeRecord, PodRecord, Taint
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError

CREATED = "2026-11-21T10:00:00Z"
CREATED_S = 1795255200.0
GPU = "nvidia.com/gpu"


def node(document: dict[str, Any], *labels: str) -> NodeRecord:
    found = only(NodeKind(labels=labels), document)
    assert isinstance(found, NodeRecord)
    return found


def pod(document: dict[str, Any], *, trusted: str = "hub", labels: tuple[str, ...] = ()) -> Any:
    return only(PodKind(trusted=trusted, labels=labels), document)


def only(kind: Any, document: dict[str, Any]) -> Any:
    """Return what a list of one object and an event of it say alike."""
    listed = {"metadata": {"resourceVersion": "9"}, "items": [document]}
    records = list(kind.page(json.dumps(listed).encode()).records)
    changed = kind.change(json.dumps({"type": "MODIFIED", "object": document}).encode()).record
    assert records == ([] if changed is None else [changed])
    return changed


FULL_NODE: dict[str, Any] = {
    "kind": "Node",
    "metadata": {
        "name": "n1",
        "uid": "u",
        "creationTimestamp": CREATED,
        "labels": {"gpu": "l4", "kubernetes.io/hostname": "n1"},
        "annotations": {"huge": "x" * 200_000},
        "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:status": {}}}],
    },
    "spec": {
        "unschedulable": False,
        "podCIDR": "10.0.0.0/24",
        "taints": [{"key": GPU, "value": "present", "effect": "NoSchedule"}],
    },
    "status": {
        "allocatable": {"cpu": "15500m", "memory": "64Gi", "pods": "110", GPU: "4"},
        "capacity": {"cpu": "16"},
        "conditions": [
            {"type": "MemoryPressure", "status": "False"},
            {"type": "Ready", "status": "True", "lastTransitionTime": CREATED},
        ],
    },
}


def test_a_node() -> None:
    assert node(FULL_NODE, "gpu", "zone") == NodeRecord(
        name="n1",
        ready=True,
        cordoned=False,
        labels={"gpu": "l4"},
        taints=(Taint(GPU, "present", "NoSchedule"),),
        allocatable={"cpu": 15500, "memory": 64 * 2**30, "pods": 110, GPU: 4},
        created=CREATED_S,
        ready_since=CREATED_S,
    )


ODD_NODES = [
    pytest.param({"metadata": {"name": "n"}}, {"ready": False, "allocatable": {}}, id="empty"),
    pytest.param(
        {"metadata": {"name": "n", "labels": None}, "spec": None, "status": None},
        {"ready": False, "labels": {}},
        id="null",
    ),
    pytest.param(
        {"metadata": {"name": "n"}, "spec": {"unschedulable": True}},
        {"cordoned": True},
        id="cordoned",
    ),
    pytest.param(
        {"metadata": {"name": "n", "deletionTimestamp": CREATED}},
        {"cordoned": True},
        id="being-removed",
    ),
    pytest.param(
        {
            "metadata": {"name": "n"},
            "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]},
        },
        {"ready": False, "ready_since": None},
        id="silent",
    ),
    pytest.param(
        {
            "metadata": {"name": "n"},
            "status": {"allocatable": {"cpu": "-4", GPU: "9e99", "memory": "lots", "pods": None}},
        },
        {"allocatable": {}, "unknown": {"cpu", GPU, "memory", "pods"}},
        id="absurd-quantities",
    ),
    pytest.param(
        {"metadata": {"name": "n", "creationTimestamp": "yesterday"}},
        {"created": None},
        id="no-time",
    ),
    pytest.param(
        {"metadata": {"name": "n", "creationTimestamp": "2026-11-21T10:00:00"}},
        {"created": None},
        id="nobody-knows-where",
    ),
    pytest.param(
        {"metadata": {"name": "n", "creationTimestamp": "2999-01-01T00:00:00Z"}},
        {"created": 32472144000.0},
        id="in-the-future",
    ),
]


@pytest.mark.parametrize(("document", "expected"), ODD_NODES)
def test_an_odd_node(document: dict[str, Any], expected: dict[str, Any]) -> None:
    found = node(document)
    assert {name: getattr(found, name) for name in expected} == expected


def test_of_many_labels_only_those_are_kept_that_somebody_asks_for() -> None:
    labels = {f"label-{number}": "x" * 63 for number in range(10_000)}
    kind = NodeKind(labels=("label-1",))
    found = [only(kind, {"metadata": {"name": name, "labels": labels}}) for name in ("a", "b")]
    assert found[0].labels == {"label-1": "x" * 63}
    assert found[0].labels is found[1].labels


FULL_POD: dict[str, Any] = {
    "metadata": {
        "name": "jupyter-ann",
        "namespace": "hub",
        "uid": "u1",
        "creationTimestamp": CREATED,
        "labels": {"sandlot/flavor": "l4", "app": "jupyterhub"},
        "annotations": {"hub.jupyter.org/username": "ann"},
    },
    "spec": {
        "nodeName": "n1",
        "nodeSelector": {"gpu": "l4"},
        "priority": -5,
        "containers": [
            {
                "name": "notebook",
                "image": "x",
                "resources": {
                    "requests": {"cpu": "500m", "memory": "1Gi"},
                    "limits": {GPU: "1", "memory": "2Gi"},
                },
            }
        ],
        "initContainers": [
            {"name": "i", "resources": {"requests": {"cpu": "2"}}},
            {
                "name": "s",
                "restartPolicy": "Always",
                "resources": {"requests": {"memory": "1Gi"}},
            },
        ],
        "overhead": {"memory": "64Mi"},
    },
    "status": {"phase": "Running"},
}


def test_a_pod() -> None:
    assert pod(FULL_POD) == PodRecord(
        key="hub/jupyter-ann",
        uid="u1",
        node="n1",
        requests={"cpu": 2000, "memory": 2 * 2**30 + 64 * 2**20, GPU: 1},
        created=CREATED_S,
        priority=-5,
        flavor="l4",
        owner="ann",
    )


@pytest.mark.parametrize("trusted", [pytest.param("other", id="other"), pytest.param("", id="no")])
def test_what_a_pod_elsewhere_says_of_itself_is_not_believed(trusted: str) -> None:
    found = pod(FULL_POD, trusted=trusted)
    assert (found.flavor, found.owner) == ("", "")


def _pod(spec: object = None, status: object = None, **meta: object) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", "namespace": "any", **meta},
        "spec": spec,
        "status": status,
    }


def _asking(**requests: object) -> dict[str, Any]:
    return {"containers": [{"name": "c", "resources": {"requests": requests}}]}


ODD_PODS = [
    pytest.param(_pod(), {"node": "", "requests": {}, "owner": ""}, id="null"),
    pytest.param(_pod({"containers": None}, {}), {"requests": {}}, id="no-containers"),
    pytest.param(
        _pod({"containers": [{"name": "c"}, {"name": "d", "resources": None}]}),
        {"requests": {}},
        id="no-resources",
    ),
    pytest.param(
        _pod(_asking(cpu="-1", memory="1Zi", odd=True)),
        {"requests": {}, "unknown": {"cpu", "memory", "odd"}},
        id="absurd-quantities",
    ),
    pytest.param(
        _pod({"containers": [{"name": "c", "resources": {"requests": [1], "limits": "all"}}]}),
        {"requests": {}},
        id="no-mappings",
    ),
    pytest.param(
        _pod(_asking(**{f"example.com/{'x' * 50}-{each}": "1" for each in range(500)})),
        {"node": ""},
        id="very-many",
    ),
    pytest.param(
        _pod({"schedulingGates": [{"name": "kueue.x-k8s.io/admission"}]}),
        {"gated": True},
        id="gate",
    ),
    pytest.param(
        _pod({"schedulerName": "volcano", **_asking(**{GPU: "1"})}, {"phase": "Pending"}),
        {"node": "", "requests": {GPU: 1}, "gated": False},
        id="waits-for-another-scheduler",
    ),
    pytest.param(_pod(deletionTimestamp=CREATED), {"deleting": True}, id="ends"),
    pytest.param(_pod({}, {"nominatedNodeName": "n2"}), {"nominated": "n2"}, id="nominated"),
    pytest.param(
        _pod({"nodeSelector": {"gpu": "l4", "mine": "x"}}),
        {"node_selector": {"gpu": "l4"}},
        id="waits-for-a-kind",
    ),
    pytest.param(
        _pod({"resources": {"requests": {"cpu": "3"}}, **_asking(cpu="1", odd="2")}),
        {"requests": {"cpu": 3000, "odd": 2}},
        id="for-the-whole-pod",
    ),
    pytest.param(
        _pod(
            _asking(cpu="1"),
            {"containerStatuses": [{"name": "c", "allocatedResources": {"cpu": "2"}}]},
        ),
        {"requests": {"cpu": 2000}},
        id="being-made-smaller",
    ),
]


@pytest.mark.parametrize(("document", "expected"), ODD_PODS)
def test_an_odd_pod(document: dict[str, Any], expected: dict[str, Any]) -> None:
    found = pod(document, labels=("gpu",))
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_is_none(phase: str) -> None:
    assert pod(_pod(_asking(cpu="1"), {"phase": phase})) is None


def test_pods_that_ask_for_the_same_share_it() -> None:
    kind = PodKind(trusted="", labels=())
    one, other = (only(kind, _pod(_asking(cpu="1"), uid=uid)) for uid in ("a", "b"))
    assert one.requests is other.requests


def test_a_log_does_not_tell_whose_it_is() -> None:
    found = pod(FULL_POD)
    assert found.owner
    assert found.owner not in repr(found).replace(found.key, "")


def test_what_a_bookmark_leaves_empty_is_no_pod() -> None:
    spec, meta = {"containers": None}, {"resourceVersion": "77", "creationTimestamp": None}
    event = {"type": "BOOKMARK", "object": {"metadata": meta, "spec": spec, "status": {}}}
    found = PodKind(trusted="", labels=()).change(json.dumps(event).encode())
    assert found == ("77", "", None)


def test_where_a_list_goes_on() -> None:
    body = b'{"metadata": {"resourceVersion": "5", "continue": "abc"}, "items": null}'
    found = NodeKind(labels=()).page(body)
    assert (found.version, found.go_on, list(found.records)) == ("5", "abc", [])


def test_an_error_event_is_an_error() -> None:
    status = {"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired"}
    line = json.dumps({"type": "ERROR", "object": status}).encode()
    for kind in (NodeKind(labels=()), PodKind(trusted="", labels=())):
        with pytest.raises(ClusterRefusedError) as caught:
            kind.change(line)
        assert caught.value.status == 410


UNREADABLE = [
    pytest.param(b"", id="empty"),
    pytest.param(b"<html>", id="page"),
    pytest.param(b"[]", id="list"),
    pytest.param(b'{"type": "ADDED"', id="cut"),
    pytest.param(b'{"type": "ADDED", "object": {}}', id="no-metadata"),
    pytest.param(b'{"type": "ADDED", "object": {"metadata": {"name": 1}}}', id="name-is-a-number"),
    pytest.param(b'{"type": "CONFUSED", "object": {"metadata": {"name": "p"}}}', id="no-kind"),
    pytest.param(b'{"type": "ERROR", "object": {"code": "410"}}', id="error-without-number"),
    pytest.param(b'{"type": "ADDED", "object": {"metadata": {"name": "\xff"}}}', id="no-text"),
    pytest.param(b'{"type": "ADDED", "object": ' + b"[" * 5000, id="deep"),
]


@pytest.mark.parametrize("body", UNREADABLE)
def test_what_cannot_be_read_is_no_answer(body: bytes) -> None:
    for kind in (NodeKind(labels=()), PodKind(trusted="", labels=())):
        with pytest.raises(ClusterUnreachableError):
            kind.change(body)
        with pytest.raises(ClusterUnreachableError):
            kind.page(body)
