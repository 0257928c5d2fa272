"""Prometheus metrics with bounded labels: the route's template, never an address or a name."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

if TYPE_CHECKING:
    from sandlot_hub.adapters.hub_identity import CheckResult

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD = "other"


class ServiceMetrics:
    """What every service counts, in a registry of its own.

    Parameters
    ----------
    service
        Name of the service.
    settings_hash
        Hash of the settings that it has loaded.
    """

    def __init__(self, *, service: str, settings_hash: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Gauge(
            "sandlot_service_info",
            "The running version and the settings it works from; always 1.",
            ["service", "version", "settings_hash"],
            registry=self.registry,
        ).labels(service, version("sandlot"), settings_hash).set(1)
        self._requests = Counter(
            "sandlot_http_requests",
            "Requests, by route, method and class of status.",
            ["service", "route", "method", "status"],
            registry=self.registry,
        )
        self._durations = Histogram(
            "sandlot_http_request_duration_seconds",
            "Seconds until a request was answered, by route.",
            ["service", "route"],
            registry=self.registry,
        )
        self._checks = Counter(
            "sandlot_hub_token_checks",
            "Questions whose token this is: cached, valid, invalid, or the hub was unavailable.",
            ["service", "result"],
            registry=self.registry,
        )
        self._service = service

    def observe_request(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one finished request; `route` is the template of the route table."""
        label = method if method in METHODS else OTHER_METHOD
        self._requests.labels(self._service, route, label, f"{status // 100}xx").inc()
        self._durations.labels(self._service, route).observe(seconds)

    def observe_check(self, result: CheckResult) -> None:
        """Count one question whose token something is."""
        self._checks.labels(self._service, result.value).inc()

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
