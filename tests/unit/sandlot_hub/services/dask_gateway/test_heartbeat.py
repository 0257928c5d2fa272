from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from sandlot_hub.services.dask_gateway.heartbeat import Heartbeat

HONEST: dict[str, Any] = {
    "scheduler_address": "tls://127.0.0.1:4000",
    "dashboard_address": "http://127.0.0.1:4001",
    "api_address": "http://127.0.0.1:4002",
    "count": 2,
    "active_workers": ["a"],
    "closing_workers": [],
    "closed_workers": [],
}


def beat(**changes: Any) -> Heartbeat:
    return Heartbeat.model_validate_json(json.dumps({**HONEST, **changes}))


def test_what_a_scheduler_says_is_passed_on() -> None:
    assert beat().about({"a": True}, count=2) == HONEST


def test_a_scheduler_may_be_without_a_dashboard() -> None:
    assert beat(dashboard_address="").dashboard_address == ""


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"scheduler_address": "tcp://127.0.0.1:4000"}, id="not encrypted"),
        pytest.param({"scheduler_address": "tls://10.0.0.1:4000"}, id="elsewhere"),
        pytest.param({"api_address": "http://127.0.0.1:4002/x"}, id="a path"),
        pytest.param({"api_address": "http://127.0.0.1:4002@evil"}, id="a user"),
        pytest.param({"api_address": ""}, id="no address"),
        pytest.param({"dashboard_address": "https://evil.example"}, id="a dashboard elsewhere"),
        pytest.param({"count": -1}, id="negative"),
        pytest.param({"count": "2"}, id="text"),
        pytest.param({"count": 1.5}, id="a fraction"),
        pytest.param({"active_workers": [{}]}, id="no names"),
        pytest.param({"active_workers": "abc"}, id="no list"),
        pytest.param({"closed_workers": ["x"] * 10_001}, id="too many names"),
        pytest.param({"closed_workers": ["x" * 201]}, id="a long name"),
    ],
)
def test_what_no_scheduler_says_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        beat(**changes)


@pytest.mark.parametrize(
    ("said", "workers", "heard"),
    [
        pytest.param(
            {"active_workers": ["a", "stranger"]},
            {"a": True},
            {"active_workers": ["a"], "closed_workers": []},
            id="strangers are not there",
        ),
        pytest.param(
            {"active_workers": []},
            {"a": True, "b": False},
            {"active_workers": [], "closed_workers": ["a"]},
            id="one that ran and is not spoken of has gone",
        ),
        pytest.param(
            {"active_workers": ["a"], "closed_workers": ["a"]},
            {"a": True},
            {"active_workers": ["a"], "closed_workers": []},
            id="here and gone is here",
        ),
        pytest.param(
            {"active_workers": ["a", "a", "a"], "closing_workers": ["b"]},
            {"a": True, "b": True},
            {"active_workers": ["a"], "closing_workers": ["b"]},
            id="each once",
        ),
    ],
)
def test_only_workers_that_there_are_are_heard_of(
    said: dict[str, Any], workers: dict[str, bool], heard: dict[str, Any]
) -> None:
    about = beat(**said).about(workers, count=1)

    assert about["count"] == 1
    assert {name: about[name] for name in heard} == heard
