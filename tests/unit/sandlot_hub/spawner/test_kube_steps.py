from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandlot_hub.spawner.exceptions import SpawnFailed
from sandlot_hub.spawner.kube_steps import CLUSTER_STEPS, StartSteps
from sandlot_hub.spawner.progress import StartStory

if TYPE_CHECKING:
    from sandlot_hub.domain.pods.steps import ClusterStep

FOUND: dict[ClusterStep, str] = {"place": "Place found: node n1."}
ALL: dict[ClusterStep, str] = FOUND | {"image": "The image is there."}


@pytest.fixture
def story() -> StartStory:
    return StartStory(monotonic=lambda: 0.0)


@pytest.fixture
def steps(story: StartStory) -> StartSteps:
    begun = StartSteps(story)
    begun.begin()
    return begun


def _told(story: StartStory) -> list[tuple[str, str, str]]:
    return [(each["step"], each["state"], each["message"]) for each in story.told]


def test_every_step_is_told_once(story: StartStory, steps: StartSteps) -> None:
    steps.show({})
    steps.wait("All are in use.")
    steps.show(FOUND)
    steps.show(FOUND)
    steps.wait("The node gets the image “Base”.")
    steps.show(ALL)
    steps.show(ALL)
    steps.wait("The server runs.")
    assert _told(story) == [
        ("place", "now", "Waiting for a place…"),
        ("place", "now", "All are in use."),
        ("place", "done", "Place found: node n1."),
        ("image", "now", "Getting the image…"),
        ("image", "now", "The node gets the image “Base”."),
        ("image", "done", "The image is there."),
        ("answer", "now", "Starting JupyterLab…"),
        ("answer", "now", "The server runs."),
    ]


def test_several_steps_between_two_looks(story: StartStory, steps: StartSteps) -> None:
    steps.show(ALL)
    assert [(step, state) for step, state, _ in _told(story)] == [
        ("place", "now"),
        ("place", "done"),
        ("image", "done"),
        ("answer", "now"),
    ]


def test_a_failure_is_at_the_step_that_had_begun(story: StartStory, steps: StartSteps) -> None:
    steps.show(FOUND)
    story.fail(SpawnFailed("It does not exist.", code="image-missing"))
    assert _told(story)[-1] == ("image", "failed", "It does not exist.")


def test_steps_never_go_back(story: StartStory, steps: StartSteps) -> None:
    steps.show(ALL)
    steps.show({})
    steps.wait("The node does not answer.")
    assert _told(story)[-1] == ("answer", "now", "The node does not answer.")


def test_every_step_that_is_told_is_known(story: StartStory, steps: StartSteps) -> None:
    steps.show(ALL)
    told = [step for step, _, _ in _told(story)]
    assert ["allowed", *dict.fromkeys(told)] == [known.step for known in CLUSTER_STEPS]
