from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from sandlot_hub.domain.settings.fingerprint import settings_hash
from sandlot_hub.domain.settings.kubespawner_override import RESERVED, merged, override_problem
from sandlot_hub.domain.settings.model import SandlotSettings
from support.kube_spawner import cluster_document


def _settings(override: dict[str, Any]) -> SandlotSettings:
    document = cluster_document()
    document["images"]["base"]["kubespawner_override"] = override
    return SandlotSettings.model_validate(document)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        pytest.param({"image": "evil/x:1"}, "write `reference` of the image", id="image"),
        pytest.param({"mem_limit": "1T"}, "write `cpus` and `memory`", id="memory"),
        pytest.param({"namespace": "kube-system"}, "it names what belongs", id="namespace"),
        pytest.param({"profile_list": []}, "it decides what may be started", id="profiles"),
        pytest.param({"start_timeout": 9}, "write `kubernetes.patience`", id="timeout"),
        pytest.param(
            {"extra_resource_limits": {"cpu": "8"}}, "cannot hold cpu: write", id="amount"
        ),
        pytest.param(
            {"extra_labels": {"sandlot/owner": "bob"}}, "cannot hold sandlot/owner", id="label"
        ),
        pytest.param({"Cmd": "x"}, "String should match pattern", id="no-name-of-an-option"),
        pytest.param({"args": b"x"}, "takes text, numbers, lists and mappings", id="bytes"),
        pytest.param({"volumes": {1: "x"}}, "takes text, numbers, lists and mappings", id="key"),
    ],
)
def test_what_cannot_be_set(override: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        _settings(override)


def test_a_mapping_without_end_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["x"] = endless
    with pytest.raises(ValidationError):
        _settings({"environment": endless})


def test_what_comes_with_sizes_is_not_set_by_images() -> None:
    limits = {"nvidia.com/gpu": "1"}
    assert override_problem("extra_resource_limits", limits) == ""
    problem = override_problem("extra_resource_limits", limits, {"nvidia.com/gpu"})
    assert "cannot hold nvidia.com/gpu: write `accelerator`" in problem


def test_every_reason_is_the_end_of_a_sentence() -> None:
    assert all(name in override_problem(name, None) for name in RESERVED)


def test_it_is_written_nowhere() -> None:
    """It may hold code, and what nobody but the hub shall read."""
    plain, other = _settings({}), _settings({"args": len, "environment": {"KEY": "not-for-others"}})
    assert settings_hash(plain) == settings_hash(other)
    assert "not-for-others" not in other.model_dump_json()


@pytest.mark.parametrize(
    ("current", "change", "result"),
    [
        pytest.param({"a": 1}, {"b": 2}, {"a": 1, "b": 2}, id="added"),
        pytest.param({"a": 1}, {"a": 2}, {"a": 2}, id="replaced"),
        pytest.param({"a": 1, "b": 2}, {"a": None}, {"b": 2}, id="taken-away"),
        pytest.param({}, {"a": None}, {}, id="nothing-to-take-away"),
        pytest.param({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}, id="deep"),
        pytest.param({"a": [1]}, {"a": [2]}, {"a": [2]}, id="lists-are-replaced"),
    ],
)
def test_mappings_are_merged(
    current: dict[str, Any], change: dict[str, Any], result: dict[str, Any]
) -> None:
    before = repr(current)
    assert merged(current, change) == result
    assert repr(current) == before
