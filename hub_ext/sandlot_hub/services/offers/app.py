"""The offers service, put together."""

from __future__ import annotations

import dataclasses
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot_hub.adapters.supervisor_client import SupervisorClient
from sandlot_hub.domain.facilities import Facilities, Mode
from sandlot_hub.services.access import Page, TokenApi
from sandlot_hub.services.app import Route, build_application
from sandlot_hub.services.pages import build_templates

from .availability import ClusterFacilities, FacilitiesSource, MachineFacilities, Offers
from .handlers import OffersHandler, OffersPage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tornado.web import Application

    from sandlot_hub.services.context import ServiceContext

NAME = "offers"
READ_SCOPE = "custom:sandlot-offers:read"
"""What a token needs to read offers, besides the access to this service."""

_READ = frozenset({READ_SCOPE})
_TEMPLATES = Path(__file__).parent / "templates"


def offers_routes(offers: Offers) -> tuple[Route, ...]:
    """Return the route table of this service."""
    return (
        Route(
            template="api/v1/offers",
            handler=OffersHandler,
            access=TokenApi(scopes=_READ),
            arguments={"offers": offers},
        ),
        Route(
            template="",
            handler=OffersPage,
            access=Page(scopes=_READ),
            arguments={"offers": offers, "templates": build_templates(_TEMPLATES)},
        ),
    )


@asynccontextmanager
async def offers_application(context: ServiceContext) -> AsyncIterator[Application]:
    """Make the application; close what it opened at the end."""
    source = _facilities_source(context)
    offers = Offers(settings=context.settings.settings, source=source, clock=context.clock)
    context = dataclasses.replace(context, healthy=offers.known)
    try:
        yield build_application(context, offers_routes(offers))
    finally:
        await source.close()


def _facilities_source(context: ServiceContext) -> FacilitiesSource:
    socket = context.config.supervisor_socket
    if socket is None:
        return ClusterFacilities(Facilities(mode=Mode.KUBERNETES), clock=context.clock)
    return MachineFacilities(supervisor=SupervisorClient(socket), clock=context.clock)
