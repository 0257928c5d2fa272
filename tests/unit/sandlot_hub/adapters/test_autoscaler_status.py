"""Tests of what is read of the cluster autoscaler's status, as its versions write it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandlot_hub.adapters.autoscaler_status import read_node_groups
from sandlot_hub.domain.capacity.node_groups import NodeGroup

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
WRITTEN = "2026-11-21 11:59:52.044127619 +0000 UTC"

GROUP = """\
- health:
    cloudProviderTarget: {target}
    lastProbeTime: "2026-11-21T11:59:52Z"
    maxSize: {most}
    minSize: 0
    nodeCounts:
      longUnregistered: 0
      registered:
        notStarted: 0
        ready: {nodes}
        total: {nodes}
        unready:
          resourceUnready: 0
          total: 0
      unregistered: 0
    status: {health}
  name: {name}
  scaleDown:
    lastProbeTime: null
    status: NoCandidates
  scaleUp:
    backoffInfo:
      errorCode: QUOTA_EXCEEDED
      errorMessage: |-
        name: not-a-group
        maxSize: 99
    status: {scale_up}
"""

LEGACY_GROUP = """\
  Name:        {name}
  Health:      {health} (ready={nodes} unready=0 (resourceUnready=0) notStarted=0 \
longNotStarted=0 registered={nodes} longUnregistered=0 cloudProviderTarget={target} \
(minSize=0, maxSize={most}))
               LastProbeTime:      2026-11-21 11:59:51.80 +0000 UTC m=+1081389.237180180
               LastTransitionTime: 2026-11-21 07:00:00.00 +0000 UTC m=+423655.881636038
  ScaleUp:     {scale_up} (ready={nodes} cloudProviderTarget={target})
               LastProbeTime:      2026-11-21 11:59:51.80 +0000 UTC m=+1081389.237180180
  ScaleDown:   NoCandidates (candidates=0)

"""


def a_group(template: str, name: str, **fields: Any) -> str:
    said = {"most": 5, "nodes": 2, "target": 2, "health": "Healthy", "scale_up": "NoActivity"}
    return template.format(name=name, **{**said, **fields})


def status(
    *groups: str, written: str = WRITTEN, state: str = "Running", wide: str = "Healthy"
) -> str:
    return (
        f"autoscalerStatus: {state}\nclusterWide:\n  health:\n    status: {wide}\n"
        f"  scaleUp:\n    status: NoActivity\nnodeGroups:\n{''.join(groups)}time: {written}\n"
    )


def legacy(*groups: str, written: str = WRITTEN, wide: str = "Healthy") -> str:
    return (
        f"Cluster-autoscaler status at {written}:\nCluster-wide:\n"
        f"  Health:      {wide} (ready=2 unready=0 notStarted=0 registered=2)\n"
        "  ScaleUp:     NoActivity (ready=2 registered=2)\n"
        "  ScaleDown:   NoCandidates (candidates=0)\n\nNodeGroups:\n" + "".join(groups)
    )


def read(text: str, now: datetime = NOW) -> tuple[NodeGroup, ...] | None:
    return read_node_groups(json.dumps({"data": {"status": text}}).encode(), now=now)


MIG = "https://www.googleapis.com/compute/v1/projects/p/zones/z/instanceGroups/gke-c-l4-12-grp"
FORMATS = [pytest.param(GROUP, status, id="yaml"), pytest.param(LEGACY_GROUP, legacy, id="text")]


@pytest.mark.parametrize(("template", "whole"), FORMATS)
def test_both_formats(template: str, whole: Any) -> None:
    groups = [
        a_group(template, MIG),
        a_group(template, "aks-l4-38371103-vmss", nodes=0, most=3, scale_up="InProgress"),
        a_group(template, "eks-l4-1ac7", scale_up="Backoff"),
        a_group(template, "sick", health="Unhealthy"),
    ]
    expected = (
        NodeGroup(MIG, 2, 5, grows=True),
        NodeGroup("aks-l4-38371103-vmss", 0, 3, grows=True),
        NodeGroup("eks-l4-1ac7", 2, 5, grows=False),
        NodeGroup("sick", 2, 5, grows=False),
    )
    assert read(whole(*groups)) == expected
    unwell = read(whole(*groups, wide="Unhealthy"))
    assert unwell == tuple(each._replace(grows=False) for each in expected)


AGES = [
    pytest.param(timedelta(minutes=14), True, id="a-moment-ago"),
    pytest.param(timedelta(minutes=16), False, id="long-ago"),
    pytest.param(timedelta(hours=-1), True, id="its-clock-is-ahead"),
]


@pytest.mark.parametrize(("template", "whole"), FORMATS)
@pytest.mark.parametrize(("age", "believed"), AGES)
def test_what_is_old_is_not_believed(
    template: str, whole: Any, age: timedelta, *, believed: bool
) -> None:
    found = read(whole(a_group(template, "l4")), NOW + age)
    assert (found is not None) is believed


def test_another_time_zone() -> None:
    there = status(a_group(GROUP, "l4"), written="2026-11-21 04:59:00 -0700 PDT")
    assert read(there) is not None
    assert read(there, NOW + timedelta(hours=1)) is None


NOTHING = [
    pytest.param("", id="empty"),
    pytest.param("Initializing", id="a-word"),
    pytest.param(status(state="Initializing"), id="begins"),
    pytest.param(status(written="yesterday"), id="no-time"),
    pytest.param(status(written="2026-02-30 11:59:52 +0000 UTC"), id="no-such-day"),
    pytest.param("nodeGroups: []\n", id="nothing-else"),
    pytest.param("time: [1, 2]\nautoscalerStatus: Running\n", id="time-is-a-list"),
    pytest.param("a: &a [*a]\n", id="no-end"),
    pytest.param("[" * 500, id="deep"),
    pytest.param("!!python/object:os.system {}", id="tag"),
    pytest.param(status(a_group(GROUP, "x")) + "# " + "x" * 300_000, id="long"),
    pytest.param(legacy(written="soon"), id="text-without-time"),
]


@pytest.mark.parametrize("text", NOTHING)
def test_what_cannot_be_read_says_nothing(text: str) -> None:
    assert read(text) is None


BODIES = [
    pytest.param(b"", id="empty"),
    pytest.param(b"[]", id="no-object"),
    pytest.param(b"{}", id="without-data"),
    pytest.param(b'{"data": null}', id="null"),
    pytest.param(b'{"data": {"other": "x"}}', id="another-key"),
    pytest.param(b'{"data": {"status": 7}}', id="a-number"),
    pytest.param(b"<html>", id="no-json"),
    pytest.param(b"\xff", id="no-text"),
    pytest.param(b"[" * 100_000, id="deep"),
]


@pytest.mark.parametrize("body", BODIES)
def test_nor_does_anything_else(body: bytes) -> None:
    assert read_node_groups(body, now=NOW) is None


ODD = [
    pytest.param(a_group(GROUP, "x", most=-1), id="negative"),
    pytest.param(a_group(GROUP, "x", most=10**9), id="absurd"),
    pytest.param(a_group(GROUP, "x", most="many"), id="a-word"),
    pytest.param(a_group(GROUP, "x", most="true"), id="true"),
    pytest.param(a_group(GROUP, "x", nodes="null"), id="null"),
    pytest.param(a_group(GROUP, "[]"), id="name-is-a-list"),
    pytest.param("- name: x\n", id="nothing-but-a-name"),
    pytest.param("- 7\n", id="a-number"),
]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_group_is_left_out(odd: str) -> None:
    assert read(status(odd, a_group(GROUP, "l4"))) == (NodeGroup("l4", 2, 5, grows=True),)


def test_an_odd_group_of_the_old_format_is_left_out() -> None:
    odd = "  Name:        old\n  Health:      Healthy (registered=1 (min=5, max=5))\n"
    assert read(legacy("  Health: Healthy\n", odd, a_group(LEGACY_GROUP, "l4"))) == (
        NodeGroup("l4", 2, 5, grows=True),
    )


@given(st.one_of(st.text(), st.text().map(lambda text: legacy(text) + text), st.text().map(status)))
def test_nothing_fails(text: str) -> None:
    read(text)
