from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.capacity.placing_options import (
    places_itself,
    uncounted_images,
    uncounted_sizes,
)
from sandlot_hub.domain.settings.model import SandlotSettings
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


ELSEWHERE = {"node_selector": {"pool": "b"}}


@pytest.mark.parametrize(
    ("images", "profile", "left_out"),
    [
        pytest.param({"odd": ELSEWHERE}, {"images": ["odd"]}, True, id="only-elsewhere"),
        pytest.param(
            {"odd": ELSEWHERE, "base": {}}, {"images": ["odd", "base"]}, False, id="here-too"
        ),
        pytest.param(
            {"odd": ELSEWHERE, "not-with-it": {}},
            {"images": ["odd", "not-with-it"]},
            True,
            id="here-with-none-that-it-runs",
        ),
        pytest.param({"odd": {"environment": {"A": "b"}}}, {"images": ["odd"]}, False, id="here"),
        pytest.param(
            {"odd": ELSEWHERE},
            {
                "images": ["odd"],
                "custom_images": {
                    "allow": [{"registry": "quay.io", "repository": "lab/*", "tag": "1"}]
                },
            },
            False,
            id="here-with-one-that-somebody-names",
        ),
    ],
)
def test_a_size_is_as_uncounted_as_all_its_images(
    images: dict[str, Any], profile: dict[str, Any], *, left_out: bool
) -> None:
    settings = SandlotSettings.model_validate(
        {
            "version": 1,
            "images": {
                slug: {"display_name": slug, "reference": "r:1", "kubespawner_override": override}
                for slug, override in images.items()
            },
            "sizes": {
                "small": {
                    "display_name": "Small",
                    "cpus": 1,
                    "memory": "1 GiB",
                    "excludes_images": ["not-with-it"] if "not-with-it" in images else [],
                }
            },
            "profiles": {"lab": {"display_name": "Lab", "sizes": ["small"], **profile}},
        }
    )
    assert uncounted_images(settings) == (("odd",) if images["odd"] == ELSEWHERE else ())
    assert uncounted_sizes(settings) == (("small",) if left_out else ())
