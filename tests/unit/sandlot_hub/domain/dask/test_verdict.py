from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.dask.verdict import about, judge_pod, new_judge, pod_view
from sandlot_hub.domain.pods.documents import StartSubject
from sandlot_hub.domain.pods.outcomes import Failed, FailureCode, Ready, Waiting
from sandlot_hub.domain.settings.cluster import StartPatience
from sandlot_hub.domain.settings.dask import DaskSettings

SUBJECT = StartSubject(image="Base")


def pod(*, ready: bool = False, **state: Any) -> dict[str, Any]:
    return {
        "metadata": {"uid": "u"},
        "spec": {"nodeName": "n"},
        "status": {
            "phase": "Failed" if "terminated" in state else "Running",
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": "dask-scheduler", "ready": ready, "state": state}],
        },
    }


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Your server ended with code 3.", "Its scheduler ended with code 3."),
        ("The node gets the image for your server.", "The node gets the image for its scheduler."),
        ("No node of the cluster can hold this server.", "No node of the cluster can hold its scheduler."),
        ("Next: start the server again; another node takes it.", "Next: start another cluster; another node takes it."),
        ("The image “Base” does not exist.", "The image “Base” does not exist."),
        ("The API server is busy.", "The API server is busy."),
    ],
)  # fmt: skip
def test_sentences_about_servers_become_ones_about_schedulers(said: str, told: str) -> None:
    assert about("its scheduler", said) == told


def test_a_ready_pod_is_ready_whatever_its_container_is_called() -> None:
    assert judge_pod(pod(ready=True, running={"startedAt": "t"}), SUBJECT) == Ready()


def test_one_that_ended_says_with_which_code() -> None:
    found = judge_pod(pod(terminated={"exitCode": 3, "reason": "Error"}), SUBJECT)

    assert isinstance(found, Failed)
    assert found.code is FailureCode.EXITED
    assert "3" in found.sentence


def test_an_image_that_does_not_exist_is_called_by_its_name() -> None:
    gone = {"reason": "ErrImagePull", "message": "reference: not found"}
    found = judge_pod(pod(waiting=gone), SUBJECT)

    assert isinstance(found, Failed)
    assert found.code is FailureCode.IMAGE_MISSING
    assert "“Base”" in found.sentence


def test_a_scheduler_that_does_not_get_ready_is_given_up_after_the_settings_time() -> None:
    judge = new_judge(StartPatience(), DaskSettings(start_timeout=30.0), now=100.0)
    view = pod_view(pod(running={"startedAt": "t"}), SUBJECT)

    assert isinstance(judge.judge(view, now=100.0), Waiting)
    assert isinstance(judge.judge(view, now=129.0), Waiting)
    found = judge.judge(view, now=130.5)
    assert isinstance(found, Failed)
    assert found.code is FailureCode.NO_ANSWER
