"""How the pods of a Dask cluster are, judged as those of servers are, in words about a cluster."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.pods.documents import (
    SERVER_CONTAINER,
    StartSubject,
    StartView,
    items,
    part,
)
from sandlot_hub.domain.pods.endings import VANISHED
from sandlot_hub.domain.pods.verdict import StartJudge, observe

from .names import WORKER
from .options import IMAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_hub.domain.pods.documents import Document
    from sandlot_hub.domain.pods.outcomes import Verdict
    from sandlot_hub.domain.settings.cluster import StartPatience
    from sandlot_hub.domain.settings.dask import DaskSettings
    from sandlot_hub.domain.settings.model import SandlotSettings

GONE = VANISHED
"""What is known of a pod that nobody here has removed, and that is gone."""

_AGAIN = re.compile(r"start (?:the server|your server|this one|it) again", re.IGNORECASE)
_SERVER = re.compile(r"\b(?P<first>[Yy]our|[Tt]he|[Tt]his) server\b")


def new_judge(patience: StartPatience, dask: DaskSettings, *, now: float) -> StartJudge:
    """Return what judges the start of a scheduler.

    Parameters
    ----------
    patience
        How long servers may wait for each thing that a cluster lets them wait for.
    dask
        How long a scheduler may take, once it runs.
    now
        Seconds, by a clock that never goes back.
    """
    answer = min(dask.start_timeout, patience.in_all)
    return StartJudge(patience=patience.model_copy(update={"answer": answer}), now=now)


def subject_of(
    config: Mapping[str, Any], settings: SandlotSettings, *, component: str
) -> StartSubject:
    """Return what a pod of a cluster is, in the words of people.

    Parameters
    ----------
    config
        What is kept of the plan of the cluster.
    settings
        They may know no more what it was made of.
    component
        `names.SCHEDULER` or `names.WORKER`: accelerators are the workers'.
    """
    image = settings.images.get(config[IMAGE])
    flavor = settings.accelerators.get(config.get("flavor", "")) if component == WORKER else None
    takes = None if flavor is None else flavor.kubernetes.new_node_takes
    return StartSubject(
        image=config[IMAGE] if image is None else image.display_name,
        accelerator="" if flavor is None else flavor.display_name,
        resource="" if flavor is None else flavor.resource,
        new_node_s=takes or settings.kubernetes.new_node_takes,
    )


def pod_view(pod: Document, subject: StartSubject) -> StartView:
    """Return what is known of a pod with one container, for those who judge servers."""
    statuses = [
        {**each, "name": SERVER_CONTAINER} for each in items(pod, "status", "containerStatuses")
    ]
    status = {**part(pod, "status"), "containerStatuses": statuses}
    return StartView(subject=subject, pod={**pod, "status": status})


def judge_pod(pod: Document, subject: StartSubject) -> Verdict:
    """Return how a pod is, whatever time it took."""
    return observe(pod_view(pod, subject))


def about(who: str, sentence: str) -> str:
    """Return a sentence about a server as one about `who`, such as ``its scheduler``."""

    def named(found: re.Match[str]) -> str:
        capital = found["first"][0].isupper()
        return who[0].upper() + who[1:] if capital else who

    return _SERVER.sub(named, _AGAIN.sub("start another cluster", sentence))
