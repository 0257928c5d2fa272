"""The source of facilities where servers are pods, put together. Needs the extra ``kube``."""

from __future__ import annotations

import os
import random
from functools import partial
from typing import TYPE_CHECKING

from sandlot_hub.adapters.cluster_access import cluster_configuration
from sandlot_hub.adapters.cluster_informer import InformerMeans
from sandlot_hub.adapters.cluster_informer_wire import ClusterReader
from sandlot_hub.domain.capacity.inventory import Inventory

from .cluster_watch import ClusterWatch
from .informer_metrics import InformerCollector

if TYPE_CHECKING:
    from sandlot_hub.adapters.service_config import ClusterPlace
    from sandlot_hub.services.context import ServiceContext


def cluster_watch(context: ServiceContext, place: ClusterPlace) -> ClusterWatch:
    """Return what keeps up with a cluster, with its metrics.

    Parameters
    ----------
    context
        The service's.
    place
        The cluster, and whose credentials it is looked at with.
    """
    configure = partial(cluster_configuration, place.credentials, environment=os.environ)
    reader = ClusterReader(configure=configure)
    watch = ClusterWatch(
        reader=reader,
        inventory=Inventory(
            settings=context.settings.settings, hub=place.placement, left_out=place.uncounted
        ),
        place=place,
        means=InformerMeans(reader=reader, clock=context.clock, jitter=random.random),
    )
    context.metrics.registry.register(
        InformerCollector(lambda: watch.informers, monotonic=context.clock.monotonic)
    )
    return watch
