"""What Prometheus is told of the informers: how far behind, how busy, how often broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prometheus_client.core import Metric

    from sandlot_hub.adapters.cluster_informer import Informer

_PREFIX = "sandlot_offers_informer"


class InformerCollector(Collector):
    """Reads the informers when somebody asks, so that an event costs nothing more.

    Parameters
    ----------
    informers
        Returns those at work; none while the account may not look at the cluster.
    monotonic
        Seconds that never go back.
    """

    def __init__(
        self,
        informers: Callable[[], Sequence[Informer[Any]]],
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._informers = informers
        self._monotonic = monotonic

    @override
    def collect(self) -> Iterator[Metric]:
        """Yield everything, by kind of object."""
        lag = GaugeMetricFamily(
            f"{_PREFIX}_lag_seconds",
            "Seconds since the cluster was heard of last; none before the first list.",
            labels=["kind"],
        )
        live = GaugeMetricFamily(
            f"{_PREFIX}_live", "Whether what is known counts as true now.", labels=["kind"]
        )
        counters = {
            "events": CounterMetricFamily(
                f"{_PREFIX}_events", "Changes that were taken in.", labels=["kind"]
            ),
            "relists": CounterMetricFamily(
                f"{_PREFIX}_relists", "Lists after the first one.", labels=["kind"]
            ),
            "watches": CounterMetricFamily(
                f"{_PREFIX}_watches", "Watches that were asked for.", labels=["kind"]
            ),
            "failures": CounterMetricFamily(
                f"{_PREFIX}_failures",
                "Requests that were refused or not answered, and watches that broke off.",
                labels=["kind"],
            ),
        }
        now = self._monotonic()
        for each in self._informers():
            kind, counts = [each.resource], each.counts
            if each.heard is not None:
                lag.add_metric(kind, max(0.0, now - each.heard.monotonic))
            live.add_metric(kind, each.trusted_until > now)
            counters["events"].add_metric(kind, counts.events)
            counters["relists"].add_metric(kind, max(0, counts.lists - 1))
            counters["watches"].add_metric(kind, counts.watches)
            counters["failures"].add_metric(kind, counts.failures)
        yield from (lag, live, *counters.values())
