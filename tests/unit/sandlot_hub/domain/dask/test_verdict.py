from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.dask.names import SCHEDULER, WORKER
from sandlot_hub.domain.dask.verdict import about, judge_pod, new_judge, pod_view, subject_of
from sandlot_hub.domain.pods.documents import StartSubject
from sandlot_hub.domain.pods.outcomes import Failed, FailureCode, Ready, Waiting
from sandlot_hub.domain.settings.cluster import StartPatience
from sandlot_hub.domain.settings.dask import DaskSettings
from sandlot_hub.domain.settings.model import SandlotSettings
from support.kube_catalogue import cluster_catalogue

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
        ("Next: stop your other servers, and start this one again.", "Next: stop your other servers, and start another cluster."),
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


@pytest.mark.parametrize(
    ("component", "config", "subject"),
    [
        pytest.param(
            WORKER,
            {"image": "base", "flavor": "l4", "accelerators": 1},
            StartSubject(
                image="JupyterLab",
                accelerator="NVIDIA L4",
                resource="nvidia.com/gpu",
                new_node_s=240.0,
            ),
            id="a worker with a GPU",
        ),
        pytest.param(
            SCHEDULER,
            {"image": "base", "flavor": "l4", "accelerators": 1},
            StartSubject(image="JupyterLab", new_node_s=60.0),
            id="its scheduler has none",
        ),
        pytest.param(
            WORKER,
            {"image": "base"},
            StartSubject(image="JupyterLab", new_node_s=60.0),
            id="a worker without",
        ),
        pytest.param(
            WORKER,
            {"image": "gone", "flavor": "gone", "accelerators": 1},
            StartSubject(image="gone", new_node_s=60.0),
            id="what the settings no longer have",
        ),
    ],
)
def test_what_its_pods_are_in_words(
    component: str, config: dict[str, Any], subject: StartSubject
) -> None:
    document = cluster_catalogue(new_node_takes="1 min")
    document["accelerators"]["l4"]["kubernetes"] = {"new_node_takes": "4 min"}
    settings = SandlotSettings.model_validate(document)

    assert subject_of(config, settings, component=component) == subject


def test_a_worker_that_waits_for_a_gpu_says_for_which() -> None:
    said = (
        "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, "
        "2 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: 1 Preemption is not "
        "helpful for scheduling, 2 No preemption victims found for incoming pod."
    )
    waits = {
        "metadata": {"uid": "u"},
        "spec": {},
        "status": {
            "phase": "Pending",
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "Unschedulable",
                    "message": said,
                }
            ],
        },
    }
    settings = SandlotSettings.model_validate(cluster_catalogue())
    subject = subject_of({"image": "base", "flavor": "l4"}, settings, component=WORKER)
    verdict = judge_pod(waits, subject)

    assert isinstance(verdict, Waiting)
    assert about("a worker", verdict.sentence) == "All NVIDIA L4 of the cluster are in use."
