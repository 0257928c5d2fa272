"""What this service counts besides what all of them do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry


class OffersMetrics:
    """Streams and what they cost.

    Parameters
    ----------
    registry
        The service's.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._streams = Gauge(
            "sandlot_offers_streams", "Streams that are read now.", registry=registry
        )
        self._age = Gauge(
            "sandlot_offers_snapshot_age_seconds",
            "Seconds since what this installation can do was known last.",
            registry=registry,
        )
        self._computations = Counter(
            "sandlot_offers_computations",
            "Decisions on what open pages show: one for each class of users and change.",
            registry=registry,
        )
        self._events = Counter(
            "sandlot_offers_events", "Events sent, by their name.", ["event"], registry=registry
        )

    def watch(self, *, streams: Callable[[], float], age_s: Callable[[], float]) -> None:
        """Take the values that are asked for when somebody looks."""
        self._streams.set_function(streams)
        self._age.set_function(age_s)

    def count_computation(self) -> None:
        """Count one decision."""
        self._computations.inc()

    def count_event(self, name: str) -> None:
        """Count one event of one stream."""
        self._events.labels(name).inc()
