"""The judgement of a start, on documents that a real API server gives out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.domain.pods.documents import StartSubject, StartView
from sandlot_hub.domain.pods.outcomes import Failed, FailureCode, Ready, Waiting, WaitReason
from sandlot_hub.domain.pods.verdict import observe
from support.cluster.fates import Fate
from support.cluster.objects import pod
from support.cluster.waiting import until

if TYPE_CHECKING:
    from sandlot_hub.domain.pods.outcomes import Verdict
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes

pytestmark = pytest.mark.asyncio

SUBJECT = StartSubject(image="Base", accelerator="NVIDIA L4", resource="nvidia.com/gpu")


async def _verdict(namespace: TestNamespace) -> Verdict:
    name: dict[str, Any] = {"namespace": namespace.name, "_preload_content": False}
    answers: list[Any] = [
        await namespace.core.read_namespaced_pod("p", **name),
        await namespace.core.list_namespaced_event(**name),
    ]
    found, events = [json.loads(await each.read()) for each in answers]
    return observe(StartView(subject=SUBJECT, pod=found, events=events["items"]))


@pytest.mark.parametrize(
    ("fate", "more", "expected"),
    [
        pytest.param(None, {}, Ready, id="runs"),
        pytest.param(Fate.SLOW, {"after": "1h"}, WaitReason.IMAGE, id="slow"),
        pytest.param(Fate.IMAGE, {}, FailureCode.IMAGE_MISSING, id="image"),
        pytest.param(Fate.CONFIG, {}, WaitReason.CONTAINER, id="config"),
        pytest.param(Fate.CRASH, {}, WaitReason.RESTARTING, id="crash"),
        pytest.param(Fate.OOM, {}, FailureCode.OUT_OF_MEMORY, id="out-of-memory"),
        pytest.param(Fate.EXIT, {"exit_code": 7}, WaitReason.RESTARTING, id="exit"),
        pytest.param(Fate.EXIT, {"restartPolicy": "Never"}, FailureCode.EXITED, id="exit-for-good"),
        pytest.param(Fate.EVICTED, {}, FailureCode.EVICTED, id="evicted"),
        pytest.param(None, {"nodeSelector": {"no": "such"}}, WaitReason.NEVER_FITS, id="no-node"),
        pytest.param(
            None,
            {"schedulingGates": [{"name": "example.org/queue"}]},
            WaitReason.QUEUE,
            id="queue",
        ),
    ],
)
async def test_a_fate_is_judged(
    fate: Fate | None,
    more: dict[str, Any],
    expected: object,
    namespace: TestNamespace,
    nodes: FakeNodes,
) -> None:
    pool = await nodes.add(1)
    await namespace.create_pod(pod("p", fate=fate, **{**pool.placement, **more}))

    async def judged() -> bool:
        match await _verdict(namespace):
            case Waiting(reason=reason):
                return reason is expected
            case Failed(code=code):
                return code is expected
            case Ready():
                return expected is Ready

    await until(judged, what=f"the verdict is {expected}")
