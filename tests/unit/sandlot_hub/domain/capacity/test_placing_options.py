from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.capacity.placing_options import places_itself, uncounted_sizes
from support.counted import counted_settings

ASKING = {"name": "a", "resources": {"requests": {"cpu": "1"}}}


@pytest.mark.parametrize(
    ("override", "of_a_size", "for_all"),
    [
        pytest.param({}, False, False, id="nothing"),
        pytest.param(
            {"environment": {"A": "b"}, "delete_grace_period": 3}, False, False, id="else"
        ),
        pytest.param({"node_selector": {"zone": "a"}}, True, False, id="selector"),
        pytest.param({"node_selector": {}}, False, False, id="empty-selector"),
        pytest.param({"tolerations": [{"key": "a"}]}, True, False, id="tolerations"),
        pytest.param({"extra_containers": [{"name": "a"}]}, False, False, id="containers"),
        pytest.param({"extra_containers": [ASKING]}, True, False, id="containers-that-ask"),
        pytest.param({"extra_containers": {"a": ASKING}}, True, False, id="named-containers"),
        pytest.param({"extra_containers": list}, True, False, id="containers-by-a-function"),
        pytest.param({"extra_resource_limits": {"a/b": "1"}}, True, False, id="amounts"),
        pytest.param({"node_affinity_required": [{"a": 1}]}, True, True, id="affinity"),
        pytest.param({"init_containers": [{"name": "a"}]}, False, False, id="init-containers"),
        pytest.param(
            {"init_containers": [{"name": "a", "resources": {}}, ASKING]},
            True,
            True,
            id="init-containers-that-ask",
        ),
        pytest.param({"extra_pod_config": {"dnsPolicy": "None"}}, False, False, id="harmless-pod"),
        pytest.param({"extra_pod_config": {"nodeName": "n1"}}, True, True, id="pod-with-a-node"),
        pytest.param({"extra_pod_config": dict}, True, True, id="pod-by-a-function"),
    ],
)
def test_options_that_place_a_server(
    override: dict[str, Any], *, of_a_size: bool, for_all: bool
) -> None:
    assert places_itself(override) is of_a_size
    assert places_itself(override, for_all=True) is for_all


def test_sizes_of_which_nothing_is_said() -> None:
    size = {
        "display_name": "Odd",
        "cpus": 1,
        "memory": "1 GiB",
        "kubespawner_override": {"node_selector": {"zone": "a"}},
    }
    settings = counted_settings(sizes={"odd": size})
    assert uncounted_sizes(settings) == ("odd",)
    assert uncounted_sizes(settings, {"node_affinity_required": [], "init_containers": None}) == (
        "odd",
    )
    assert uncounted_sizes(settings, {"node_affinity_required": [{}]}) == tuple(settings.sizes)
