from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.pods.steps import steps_behind
from support.pod_states import container, ended, on_node, pod, running, waiting

PLACE = {"place": "Place found: node n1."}
BOTH = PLACE | {"image": "The image is there."}


@pytest.mark.parametrize(
    ("document", "behind"),
    [
        pytest.param(None, {}, id="not-there"),
        pytest.param(pod(), {}, id="no-node"),
        pytest.param(on_node(), PLACE, id="node"),
        pytest.param(on_node(waiting("ErrImagePull")), PLACE, id="image-error"),
        pytest.param(
            on_node(
                waiting("PodInitializing"), init=[container("block", state={"running": {"x": 1}})]
            ),
            PLACE,
            id="what-an-administrator-added-runs",
        ),
        pytest.param(
            on_node(waiting("PodInitializing"), container("beside", state={"running": {"x": 1}})),
            PLACE,
            id="what-runs-beside-it",
        ),
        pytest.param(running(ready=False), BOTH, id="runs"),
        pytest.param(on_node(container(state=ended(1))), BOTH, id="ended"),
        pytest.param(
            on_node(container(state={"waiting": {"reason": "CrashLoopBackOff"}}, last=ended(1))),
            BOTH,
            id="is-started-again",
        ),
    ],
)
def test_what_is_behind(document: dict[str, Any] | None, behind: dict[str, str]) -> None:
    assert steps_behind(document) == behind
    assert list(steps_behind(document)) == list(behind)


def test_the_name_of_a_node_is_text() -> None:
    found = pod() | {"spec": {"nodeName": "n\x1b[31m" + "x" * 1000}}
    said = steps_behind(found)["place"]
    assert "\x1b" not in said
    assert len(said) < 300
