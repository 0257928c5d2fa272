"""The offers service, put together."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import resource
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot_hub.adapters.supervisor_client import SupervisorClient
from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.services.access import Page, Ticket, TokenApi
from sandlot_hub.services.app import Route, build_application
from sandlot_hub.services.event_stream import OpenStreams, StreamLimits
from sandlot_hub.services.pages import build_templates

from .audiences import Audiences
from .availability import ClusterFacilities, FacilitiesSource, Offers
from .availability_handlers import availability_routes
from .availability_metrics import AcceleratorsCollector
from .board import AvailabilityBoard
from .handlers import OffersHandler, OffersPage
from .metrics import OffersMetrics
from .streams import PageStream, SnapshotStream
from .watch import MachineWatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tornado.web import Application

    from sandlot_hub.services.context import ServiceContext

NAME = "offers"
READ_SCOPE = "custom:sandlot-offers:read"
"""What a token needs to read offers, besides the access to this service."""

_READ = frozenset({READ_SCOPE})
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class OffersParts:
    """What the routes work with."""

    offers: Offers
    streams: OpenStreams
    audiences: Audiences
    metrics: OffersMetrics
    board: AvailabilityBoard


def offers_routes(parts: OffersParts) -> tuple[Route, ...]:
    """Return the route table of this service."""
    streaming = {"offers": parts.offers, "streams": parts.streams, "metrics": parts.metrics}
    return (
        Route(
            template="api/v1/offers",
            handler=OffersHandler,
            access=TokenApi(scopes=_READ),
            arguments={"offers": parts.offers},
        ),
        Route(
            template="api/v1/stream",
            handler=PageStream,
            access=Ticket(kind="page"),
            arguments={**streaming, "audiences": parts.audiences},
        ),
        Route(
            template="api/v1/snapshots",
            handler=SnapshotStream,
            access=Ticket(kind="hub"),
            arguments=streaming,
        ),
        Route(
            template="",
            handler=OffersPage,
            access=Page(scopes=_READ),
            arguments={"offers": parts.offers, "templates": build_templates(_TEMPLATES)},
        ),
        *availability_routes(
            board=parts.board,
            streaming=streaming,
            templates=build_templates(_TEMPLATES),
            scopes=_READ,
        ),
    )


@asynccontextmanager
async def offers_application(context: ServiceContext) -> AsyncIterator[Application]:
    """Make the application; close what it opened at the end."""
    async with serve_offers(context, _facilities_source(context)) as application:
        yield application


@asynccontextmanager
async def serve_offers(
    context: ServiceContext, source: FacilitiesSource
) -> AsyncIterator[Application]:
    """Make the application around what knows what can be done.

    It keeps up with what changes meanwhile. Should that ever end with an error, everything ends:
    a service that no longer knows what changes must not go on as if it did.
    """
    is_cluster = context.config.supervisor_socket is None
    offers = Offers(
        settings=context.settings.settings,
        source=source,
        clock=context.clock,
        mode=Mode.KUBERNETES if is_cluster else Mode.LOCAL,
    )
    context = dataclasses.replace(context, healthy=offers.known)
    streams = OpenStreams(limits=_stream_limits(), ending=context.ending)
    source.listen(streams.wake)
    metrics = OffersMetrics(context.metrics.registry)
    metrics.watch(streams=lambda: len(streams), age_s=lambda: offers.age_s(source.latest))
    context.metrics.registry.register(AcceleratorsCollector(lambda: source.latest.capacity))
    audiences = Audiences(offers=offers, metrics=metrics)
    board = AvailabilityBoard(
        offers=offers,
        settings_hash=context.settings.hash,
        templates=build_templates(_TEMPLATES),
    )
    parts = OffersParts(
        offers=offers, streams=streams, audiences=audiences, metrics=metrics, board=board
    )
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(source.run())
        try:
            yield build_application(context, offers_routes(parts))
        finally:
            watching.cancel()


def _facilities_source(context: ServiceContext) -> FacilitiesSource:
    socket = context.config.supervisor_socket
    if socket is None:
        return _cluster_source(context)
    return MachineWatch(
        supervisor=SupervisorClient(socket),
        clock=context.clock,
        jitter=random.random,
    )


def _cluster_source(context: ServiceContext) -> FacilitiesSource:
    place = context.config.cluster
    if place is None:
        return ClusterFacilities(Facilities(mode=Mode.KUBERNETES), clock=context.clock)
    # Needs the extra `kube`, which one machine has not.
    from .cluster_source import cluster_watch  # noqa: PLC0415

    return cluster_watch(context, place)


def _stream_limits() -> StreamLimits:
    """Return limits that leave as many connections again for everything else."""
    limits = StreamLimits()
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return dataclasses.replace(limits, total=min(limits.total, max(1, descriptors // 2)))
