from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.domain.pods.documents import OthersWaiting
from sandlot_hub.domain.pods.outcomes import Failed, FailureCode, Waiting
from sandlot_hub.domain.pods.ports import ClusterUnreachableError
from sandlot_hub.domain.settings.cluster import StartPatience
from sandlot_hub.spawner.kube_watchdog import LOOK_S, Watchdog
from support.pod_states import (
    SUBJECT,
    condition,
    container,
    ended,
    event,
    on_node,
    pod,
    running,
    unschedulable,
    waiting,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandlot_hub.domain.pods.documents import Document

pytestmark = pytest.mark.asyncio

BUSY = unschedulable(
    "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: "
    "1 No preemption victims found for incoming pod."
)
HOME_GONE = unschedulable('0/1 nodes are available: persistentvolumeclaim "claim-ann" not found.')
DATA_GONE = unschedulable('0/1 nodes are available: persistentvolumeclaim "maps" not found.')
UNBOUND = unschedulable(
    "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
)
LOST = {"metadata": {"name": "claim-ann"}, "status": {"phase": "Lost"}}


class Scene:
    """A start that goes through states, one a look; the last one stays."""

    def __init__(self, *pods: Document | None, events: tuple[Document, ...] = ()) -> None:
        self._pods: Iterator[Document | None] = iter(pods)
        self._pod: Document | None = None
        self._events = events
        self.gone: Document | None = None
        self.earlier = False
        self.there: Iterator[bool] = iter(())
        self.home: Document | None = None
        self.told: list[str] = []
        self.looked_at: list[Document | None] = []
        self.asked: list[str] = []
        self.unreachable = 0
        self.answers_after_s = 0.0
        self.now = 0.0

    def pod(self) -> Document | None:
        self._pod = next(self._pods, self._pod)
        return self._pod

    def gone_pod(self) -> Document | None:
        return self.gone

    def earlier_ends(self) -> bool:
        return self.earlier

    async def is_there(self) -> bool:
        self.asked.append("is there")
        if self.unreachable:
            self.unreachable -= 1
            raise ClusterUnreachableError
        return next(self.there, False)

    def events(self) -> tuple[Document, ...]:
        return self._events

    def answers(self) -> bool:
        return self.now >= self.answers_after_s

    async def claim(self) -> Document | None:
        self.asked.append("read")
        if self.unreachable:
            self.unreachable -= 1
            raise ClusterUnreachableError
        return self.home

    async def make_home_again(self) -> None:
        self.asked.append("make")
        self.home = {"metadata": {"name": "claim-ann"}, "status": {"phase": "Pending"}}

    def show_steps(self, pod: Document | None) -> None:
        self.looked_at.append(pod)

    def tell(self, waits: Waiting) -> None:
        self.told.append(waits.sentence)

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def watch(self, **fields: Any) -> Failed | None:
        patience = StartPatience.model_validate({"busy": "1 min", "volume": "1 min"})
        dog = Watchdog(surroundings=self, subject=SUBJECT, patience=patience, **fields)
        return await dog.watch(monotonic=self.monotonic, sleep=self.sleep)


async def test_a_start_that_goes_well() -> None:
    pulling = on_node(waiting("ContainerCreating"))
    scene = Scene(
        None,
        pod(),
        pulling,
        running(ready=False),
        running(),
        events=(event("Pulling", field="spec.containers{notebook}"),),
    )
    assert await scene.watch() is None
    assert scene.told == [
        "The cluster is asked for your server.",
        "The cluster looks for a node.",
        "The node gets the image “PyTorch”.",
        "The server runs, and gets ready to answer.",
    ]
    assert scene.asked == []
    assert scene.looked_at == [None, pod(), pulling, running(ready=False), running()]


async def test_an_old_list_ends_no_start() -> None:
    """R05: a watch that goes back in time does not have the pod any more."""
    scene = Scene(pod(), None, None, running())
    scene.unreachable, scene.there = 1, iter([True])
    assert await scene.watch() is None
    assert scene.asked == ["is there"] * 2


async def test_a_server_that_runs_and_never_answers() -> None:
    scene = Scene(running())
    scene.answers_after_s = float("inf")
    failed = await scene.watch()
    assert failed is not None
    assert failed.code is FailureCode.NO_ANSWER
    assert 120 <= scene.now < 120 + 2 * LOOK_S


async def test_a_server_that_takes_its_time_to_answer() -> None:
    scene = Scene(running())
    scene.answers_after_s = 30
    assert await scene.watch() is None
    assert scene.told == ["The server runs, and gets ready to answer."]


async def test_one_that_ends_before_it_answers() -> None:
    scene = Scene(running(), on_node(container(state=ended(137, "OOMKilled"))))
    scene.answers_after_s = float("inf")
    failed = await scene.watch()
    assert failed is not None
    assert failed.code is FailureCode.OUT_OF_MEMORY


async def test_one_that_came_and_went_between_two_looks() -> None:
    scene = Scene(None)
    target = condition("DisruptionTarget", "True", "PreemptionByScheduler")
    scene.gone = pod(conditions=[target])
    failed = await scene.watch()
    assert failed is not None
    assert failed.code is FailureCode.PREEMPTED
    assert scene.now == 0


async def test_one_that_waits_for_the_end_of_an_earlier_one() -> None:
    scene = Scene(None)
    scene.earlier = True
    failed = await scene.watch()
    assert failed is not None
    assert failed.code is FailureCode.STOP_STUCK
    assert scene.told == ["Your earlier server has not ended yet."]
    assert 120 <= scene.now < 120 + 2 * LOOK_S


async def test_what_is_certain_ends_the_start_at_once() -> None:
    scene = Scene(on_node(waiting("ErrImagePull", "registry/torch:2: not found")))
    failed = await scene.watch()
    assert failed is not None
    assert failed.code is FailureCode.IMAGE_MISSING
    assert scene.now == 0


async def test_patience_ends_it() -> None:
    scene = Scene(BUSY)
    failed = await scene.watch(others=lambda: OthersWaiting(count=2, oldest_s=240))
    assert failed is not None
    assert failed.code is FailureCode.BUSY
    assert "2 others wait for this kind of GPU too, the oldest 4 min." in failed.sentence
    assert 60 <= scene.now < 60 + 2 * LOOK_S


async def test_people_are_told_what_is_new() -> None:
    scene = Scene(*[BUSY] * 10, running())
    await scene.watch()
    assert len(scene.told) == 1


async def test_a_home_that_was_deleted_is_made_again() -> None:
    scene = Scene(*[HOME_GONE] * 12, running())
    assert await scene.watch() is None
    assert scene.asked == ["read", "make", "read"]
    assert "The volume of your home was deleted; an empty one is being made." in scene.told


async def test_what_an_administrator_made_is_not_made_by_us() -> None:
    scene = Scene(*[DATA_GONE] * 12, running())
    assert await scene.watch() is None
    assert "make" not in scene.asked


async def test_a_cluster_that_does_not_answer_is_asked_again() -> None:
    scene = Scene(*[HOME_GONE] * 12, running())
    scene.unreachable = 1
    assert await scene.watch() is None
    assert scene.asked == ["read", "read", "make"]


async def test_a_lost_volume_is_found_out() -> None:
    scene = Scene(UNBOUND)
    scene.home = LOST
    failed = await scene.watch()
    assert failed is not None
    assert failed.code is FailureCode.VOLUME_LOST


async def test_one_that_goes_away_tells_what_was_seen_last() -> None:
    target = [condition("DisruptionTarget", "True", "PreemptionByScheduler")]
    scene = Scene(running(ready=False), None)
    failed = await scene.watch()
    assert failed is not None
    assert failed.code is FailureCode.VANISHED
    preempted = await Scene(on_node(phase="Running", conditions=target, deleted=True)).watch()
    assert preempted is not None
    assert preempted.code is FailureCode.PREEMPTED
