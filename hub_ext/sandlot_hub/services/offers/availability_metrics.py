"""Accelerators for Prometheus: what is known when it looks, and nothing when nothing is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import Metric

    from sandlot_contracts.capacity import CapacityState, FlavorState

_GAUGES: tuple[tuple[str, str, Callable[[FlavorState], int]], ...] = (
    ("capacity", "Accelerators that are there at all", lambda state: state.total),
    ("allocated", "Accelerators that anybody has", lambda state: state.used),
    ("free", "Accelerators that servers can have now", lambda state: state.free),
    ("down", "Free accelerators that no server can have", lambda state: state.down),
    ("largest_free_block", "Free accelerators of one node, at most", lambda s: s.largest_block),
    ("waiting", "Servers, jobs and others that wait for one", lambda state: state.waiting),
)


class AcceleratorsCollector(Collector):
    """Gauges per flavor. While nothing is known there are none: an old number would be a lie.

    Parameters
    ----------
    capacity
        Returns what is free; None when that is not known.
    """

    def __init__(self, capacity: Callable[[], CapacityState | None]) -> None:
        self._capacity = capacity

    def describe(self) -> Iterator[Metric]:
        """Yield the names, so that nobody else takes them."""
        yield from self._families(None)

    @override
    def collect(self) -> Iterator[Metric]:
        """Yield what is known now."""
        yield from self._families(self._capacity())

    def _families(self, capacity: CapacityState | None) -> Iterator[Metric]:
        for name, words, value in _GAUGES:
            family = GaugeMetricFamily(
                f"sandlot_accelerators_{name}", f"{words}, by flavor.", labels=["flavor"]
            )
            for slug, state in (capacity.flavors if capacity else {}).items():
                family.add_metric([slug], value(state))
            yield family
        strays = GaugeMetricFamily(
            "sandlot_accelerators_without_flavor",
            "Accelerators that belong to no flavor of the settings, by the name of their resource.",
            labels=["resource"],
        )
        for resource, count in (capacity.unknown_flavor if capacity else {}).items():
            strays.add_metric([resource], count)
        yield strays
