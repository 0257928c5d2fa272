from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sandlot_hub.adapters.hub_identity import CheckResult
from sandlot_hub.services.metrics import ServiceMetrics
from support.probe_service import ALICE

if TYPE_CHECKING:
    from support.fake_hub import FakeHub
    from support.service_process import RunningService


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def requests(text: str) -> set[tuple[str, str, str]]:
    return {
        (dict(labels)["route"], dict(labels)["method"], dict(labels)["status"])
        for name, labels in samples(text)
        if name == "sandlot_http_requests_total"
    }


@pytest.mark.asyncio
async def test_the_number_of_series_is_bounded(probe: RunningService, hub: FakeHub) -> None:
    hub.add_service("metrics-token", "prometheus", scopes=["read:metrics"])
    for number in range(50):
        await probe.ask(f"api/v1/notes/{number}?q={number}", token=ALICE)
        await probe.ask(f"nothing/{number}")
        await probe.ask("health", method=f"BREW{number}")
    answer = await probe.ask("metrics", token="metrics-token")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert requests(answer.text) == {
        ("api/v1/notes/{key}", "GET", "2xx"),
        ("(none)", "GET", "4xx"),
        ("health", "other", "4xx"),
    }
    assert "alice" not in answer.text
    assert "notes/1" not in answer.text
    checks = {
        dict(labels)["result"]: value
        for (name, labels), value in samples(answer.text).items()
        if name == "sandlot_hub_token_checks_total"
    }
    assert checks == {"valid": 2, "cached": 49}


def test_what_is_counted() -> None:
    metrics = ServiceMetrics(service="offers", settings_hash="0123456789abcdef")
    metrics.observe_request(route="health", method="GET", status=204, seconds=0.2)
    metrics.observe_request(route="health", method="GET", status=200, seconds=0.3)
    metrics.observe_check(CheckResult.UNAVAILABLE)
    found = samples(metrics.render().decode())
    label = {"service": "offers", "route": "health"}
    counted = frozenset({**label, "method": "GET", "status": "2xx"}.items())
    assert found["sandlot_http_requests_total", counted] == 2
    timed = frozenset(label.items())
    assert found["sandlot_http_request_duration_seconds_sum", timed] == pytest.approx(0.5)
    checked = frozenset({"service": "offers", "result": "unavailable"}.items())
    assert found["sandlot_hub_token_checks_total", checked] == 1
    [info] = [dict(labels) for name, labels in found if name == "sandlot_service_info"]
    assert (info["service"], info["settings_hash"]) == ("offers", "0123456789abcdef")
    assert any(name == "process_resident_memory_bytes" for name, _ in found)


def test_two_services_in_one_process_do_not_share_a_registry() -> None:
    ServiceMetrics(service="offers", settings_hash="a")
    ServiceMetrics(service="quota", settings_hash="a")
