from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sandlot_contracts.offers import OfferList
from sandlot_contracts.supervisor import LocalImage
from sandlot_hub.services.access import Page, Ticket, TokenApi
from sandlot_hub.services.handlers import allowed_methods
from sandlot_hub.services.offers.app import (
    READ_SCOPE,
    OffersParts,
    offers_application,
    offers_routes,
)
from support.fake_supervisor import FakeSupervisor, facilities
from support.probe_service import Browser
from support.service_process import RunningService, running_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sandlot_hub.adapters.settings_file import LoadedSettings
    from support.fake_hub import FakeHub

TOKEN = "alice-token"
SCOPES = ["access:services!service=offers", READ_SCOPE]


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s.sock"


@pytest_asyncio.fixture
async def supervisor(socket: Path) -> AsyncIterator[FakeSupervisor]:
    machine = FakeSupervisor(
        socket=socket,
        facilities=facilities(
            cpus=4,
            images={"base": LocalImage(state="ready"), "scipy": LocalImage(state="queued")},
        ),
    )
    async with machine.serve():
        yield machine


@pytest_asyncio.fixture
async def offers(
    hub: FakeHub, socket: Path, supervisor: FakeSupervisor, settings: LoadedSettings
) -> AsyncIterator[RunningService]:
    hub.add_user(TOKEN, "alice", scopes=SCOPES, groups=["ml"])
    async with running_service(
        offers_application,
        settings,
        hub_api_url=hub.api_url,
        supervisor_socket=socket,
    ) as running:
        yield running


def states(document: object) -> dict[str, str]:
    offers = OfferList.model_validate(document).offers
    return {f"{o.profile}/{o.image}/{o.size}": o.state for o in offers}


@pytest.mark.asyncio
async def test_the_caller_gets_the_callers_offers(
    offers: RunningService, hub: FakeHub, settings: LoadedSettings
) -> None:
    answer = await offers.ask("api/v1/offers", token=TOKEN)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    document = OfferList.model_validate(answer.json)
    assert (document.user, document.settings_hash) == ("alice", settings.hash)
    assert states(answer.json)["notebook/base/small"] == "available"
    assert states(answer.json)["teaching/base/small"] == "unavailable"
    hub.add_user("bob-token", "bob", scopes=SCOPES, groups=["cs101"])
    other = await offers.ask("api/v1/offers", token="bob-token")
    assert other.json["user"] == "bob"
    assert states(other.json)["teaching/base/small"] == "available"


@pytest.mark.asyncio
async def test_nobody_asks_for_somebody_else(offers: RunningService) -> None:
    answer = await offers.ask("api/v1/offers?user=bob&owner=bob", token=TOKEN)
    assert answer.json["user"] == "alice"


@pytest.mark.asyncio
async def test_without_the_supervisor_there_still_are_offers(
    hub: FakeHub, socket: Path, settings: LoadedSettings
) -> None:
    hub.add_user(TOKEN, "alice", scopes=SCOPES)
    async with running_service(
        offers_application, settings, hub_api_url=hub.api_url, supervisor_socket=socket
    ) as service:
        answer = await service.ask("api/v1/offers", token=TOKEN)
        assert answer.status == 200
        assert set(states(answer.json).values()) == {"unknown", "unavailable"}
        assert (await service.ask("health")).json["status"] == "degraded"


@pytest.mark.asyncio
async def test_the_page_shows_the_same(offers: RunningService, hub: FakeHub) -> None:
    browser = Browser(offers)
    login = await browser.log_in(hub, TOKEN)
    assert login.headers["Location"] == "/services/offers/"
    page = await browser.ask("", headers={"Accept": "text/html"})
    assert page.status == 200
    assert page.text.count('data-state="available"') == 1
    assert "For &lt;everyday&gt; work" in page.text
    assert "Base 2026-10" in page.text
    assert "alice" in page.text
    assert 'href="/hub/spawn"' in page.text
    assert TOKEN not in page.text


@pytest.mark.asyncio
async def test_the_page_says_when_nothing_is_open(
    hub: FakeHub, socket: Path, supervisor: FakeSupervisor, settings: LoadedSettings
) -> None:
    hub.add_user(TOKEN, "alice", scopes=SCOPES)
    hidden = {
        slug: profile.model_copy(
            update={"hidden": True, "allow": profile.allow.model_copy(update={"users": ("x",)})}
        )
        for slug, profile in settings.settings.profiles.items()
    }
    closed = settings.settings.model_copy(update={"profiles": hidden})
    nothing = type(settings)(settings=closed, hash="0", source="test")
    async with running_service(
        offers_application, nothing, hub_api_url=hub.api_url, supervisor_socket=socket
    ) as service:
        page = await service.ask("", token=TOKEN, headers={"Accept": "text/html"})
    assert "Nothing is open to you yet" in page.text
    assert "hub/spawn" not in page.text


@pytest.mark.asyncio
async def test_under_another_base_url(
    hub: FakeHub, socket: Path, supervisor: FakeSupervisor, settings: LoadedSettings
) -> None:
    hub.add_user(TOKEN, "alice", scopes=SCOPES)
    async with running_service(
        offers_application,
        settings,
        hub_api_url=hub.api_url,
        supervisor_socket=socket,
        hub_base_url="/lab/",
        public_url="https://hub.example.org/lab/",
    ) as service:
        browser = Browser(service)
        begin = await browser.ask("")
        assert begin.headers["Location"].startswith("/lab/hub/api/oauth2/authorize?")
        assert begin.cookies["service-offers-oauth-state"]["secure"]
        login = await browser.log_in(hub, TOKEN)
        assert login.headers["Location"] == "/lab/services/offers/"
        assert login.cookies["service-offers"]["secure"]
        assert login.cookies["_xsrf"]["secure"]
        page = await browser.ask("", headers={"Accept": "text/html"})
        assert 'href="/lab/hub/static/css/style.min.css"' in page.text


@pytest.mark.asyncio
async def test_in_a_cluster_there_is_no_supervisor_to_ask(
    hub: FakeHub, settings: LoadedSettings
) -> None:
    hub.add_user(TOKEN, "alice", scopes=SCOPES)
    async with running_service(offers_application, settings, hub_api_url=hub.api_url) as service:
        answer = await service.ask("api/v1/offers", token=TOKEN)
        assert set(states(answer.json).values()) == {"unavailable"}
        assert (await service.ask("health")).json["status"] == "ok"


def test_the_routes_have_their_policy_and_change_nothing() -> None:
    parts = OffersParts(
        offers=None,  # type: ignore[arg-type]
        streams=None,  # type: ignore[arg-type]
        audiences=None,  # type: ignore[arg-type]
        metrics=None,  # type: ignore[arg-type]
        board=None,  # type: ignore[arg-type]
    )
    routes = {route.template: route for route in offers_routes(parts)}
    scopes = frozenset({"custom:sandlot-offers:read"})
    assert routes["api/v1/offers"].access == TokenApi(scopes=scopes)
    assert routes[""].access == Page(scopes=scopes)
    assert routes["availability"].access == Page(scopes=scopes)
    assert routes["api/v1/availability"].access == TokenApi(scopes=scopes)
    assert routes["api/v1/availability/stream"].access == TokenApi(scopes=scopes)
    assert routes["api/v1/stream"].access == Ticket(kind="page")
    assert routes["api/v1/snapshots"].access == Ticket(kind="hub")
    for template, route in routes.items():
        # Pages of another origin ask for permission before they send their ticket.
        asked = ("OPTIONS",) if template == "api/v1/stream" else ()
        assert allowed_methods(route.handler) == ("GET", "HEAD", *asked)
