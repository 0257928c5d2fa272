"""The routes of the availability page: the page, its stream, and the same for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from sandlot_contracts.availability import AvailabilityNews
from sandlot_hub.adapters.page_ticket import PageTicket
from sandlot_hub.domain.capacity.flavor_availability import sight_of
from sandlot_hub.services.access import Page, TokenApi
from sandlot_hub.services.app import Route
from sandlot_hub.services.handlers import ServiceHandler
from sandlot_hub.services.pages import PageHandler

from .availability import iso
from .handlers import entitlements_of
from .streams import OffersStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jinja2 import Environment

    from sandlot_hub.adapters.hub_identity import HubIdentity
    from sandlot_hub.domain.capacity.flavor_availability import Sight

    from .availability import Offers, Snapshot
    from .board import AvailabilityBoard

PAGE = "availability"
"""Path of the page below the service's prefix."""
API = "api/v1/availability"
STREAM = f"{API}/stream"


def availability_routes(
    *,
    board: AvailabilityBoard,
    streaming: Mapping[str, Any],
    templates: Environment,
    scopes: frozenset[str],
) -> tuple[Route, ...]:
    """Return the routes. All want a login: what is free in a cluster is for those who use it.

    Parameters
    ----------
    board
        What is told of accelerators.
    streaming
        What every stream of this service works with, ``offers`` among it.
    templates
        Those of this service.
    scopes
        What a login must hold.
    """
    asking = {"board": board, "offers": streaming["offers"]}
    return (
        Route(
            template=PAGE,
            handler=AvailabilityPage,
            access=Page(scopes=scopes),
            arguments={**asking, "templates": templates},
        ),
        Route(
            template=API,
            handler=AvailabilityHandler,
            access=TokenApi(scopes=scopes),
            arguments=asking,
        ),
        Route(
            template=STREAM,
            handler=AvailabilityStream,
            access=TokenApi(scopes=scopes),
            arguments={**streaming, "board": board},
        ),
    )


class AvailabilityHandler(ServiceHandler):
    """``GET api/v1/availability``: which accelerators are free now."""

    board: AvailabilityBoard
    offers: Offers

    @override
    async def get(self) -> None:
        """Answer with what the caller may know."""
        snapshot = await self.offers.source.snapshot()
        self.write_model(self.board.of(_sight(self.board, self.user), snapshot))


class AvailabilityPage(PageHandler):
    """The same as a page, which goes on by the stream where there is JavaScript."""

    is_live: ClassVar[bool] = True

    board: AvailabilityBoard
    offers: Offers

    @override
    async def get(self) -> None:
        """Answer with a bar a flavor."""
        snapshot = await self.offers.source.snapshot()
        sight = _sight(self.board, self.user)
        self.write_page(
            "availability.html",
            # The script sends it with its cookie: other pages of this origin do not have it.
            xsrf=self.xsrf_token.decode("ascii"),
            stream=self.context.config.prefix + STREAM,
            api=self.context.config.prefix + API,
            found=self.board.of(sight, snapshot),
            fragment=self.board.fragment(sight, snapshot),
        )


class AvailabilityStream(OffersStream):
    """``GET api/v1/availability/stream``: the part of the page that changes, whenever it does."""

    board: AvailabilityBoard
    _sight: Sight
    _shown: str = ""

    @override
    def reader(self) -> PageTicket:
        """Return the caller: known by a login, which is checked anew as often as a ticket is."""
        return PageTicket(
            kind="page", user=self.user.name, signed=self.context.clock.now().timestamp()
        )

    @override
    async def begin(self) -> None:
        """Find out what the caller may see."""
        await super().begin()
        self._sight = _sight(self.board, self.user)

    @override
    def news(self) -> Iterator[bytes]:
        """Return the part of the page when it says something else than before."""
        snapshot = self.untold()
        if snapshot is None:
            return
        html = self.board.shared_fragment(self._sight, snapshot)
        if html != self._shown:
            self._shown = html
            yield self._event("availability", self._news(snapshot, html))

    @override
    def knows(self, snapshot: Snapshot) -> bool:
        """Return whether it is known what is free."""
        return snapshot.capacity is not None

    def _news(self, snapshot: Snapshot, html: str) -> bytes:
        news = AvailabilityNews(
            as_of=iso(snapshot.as_of),
            age_s=self.offers.age_s(snapshot),
            known=self.knows(snapshot),
            counting=snapshot.counting,
            settings_hash=self.context.settings.hash,
            html=html,
        )
        return news.model_dump_json().encode()


def _sight(board: AvailabilityBoard, caller: HubIdentity) -> Sight:
    return sight_of(entitlements_of(caller), board.settings)
