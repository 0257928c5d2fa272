"""The form over the hub's subscription: the real service as its own process, and a real hub."""

from __future__ import annotations

import asyncio
import html
import json
import re
import signal
import time
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio

from sandlot_contracts.offers import TICKET_HEADER
from sandlot_contracts.supervisor import LocalImage
from sandlot_hub.adapters.page_ticket import read_ticket, ticket_key
from sandlot_hub.domain.settings.fingerprint import settings_hash
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.services.offers.watch import Pace
from support.event_reader import EventReader
from support.fake_supervisor import no_socket, silent_socket
from support.installed_offers import Installation, installed_offers
from support.local_catalogue import CATALOGUE
from support.service_process import TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from support.hub_app import Browser, Reply

pytestmark = pytest.mark.asyncio(loop_scope="module")

FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
BUILDING = "It is being built on this machine"
FACILITIES = "GET /v1/facilities"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with installed_offers(tmp_path_factory.mktemp("offers")) as running:
        running.hub.add_user("boss", admin=True)
        yield running


def _data(page: Reply) -> dict[str, str]:
    """Return what the form tells its script."""
    (tag,) = re.findall(r'<div class="sandlot-form[^>]*>', page.text)
    return {
        key: html.unescape(value) for key, value in re.findall(r'data-([a-z-]+)="([^"]*)"', tag)
    }


async def _view(installation: Installation, user: str, path: str = "spawn") -> dict[str, str]:
    async with installation.hub.browser(user) as browser:
        return _data(await browser.get(path))


async def _view_until(
    installation: Installation, condition: Callable[[dict[str, str]], bool]
) -> dict[str, str]:
    async with installation.hub.browser("alice") as browser, asyncio.timeout(30):
        while not condition(data := _data(await browser.get("spawn"))):
            pass
    return data


def _read(ticket: str) -> tuple[str, str, frozenset[str]]:
    read = read_ticket(ticket, key=ticket_key(TOKEN), now=time.time())
    return read.kind, read.user, read.groups


async def test_views_ask_nobody(installation: Installation) -> None:
    first = await _view(installation, "alice")
    assert first["known"] == "true"  # the very first view of this hub
    asked, began = installation.supervisor.requests.count(FACILITIES), time.monotonic()
    async with installation.hub.browser("bob") as browser:
        pages = await asyncio.gather(*(browser.get("spawn") for _ in range(20)))
    assert {page.status for page in pages} == {200}
    assert {_data(page)["known"] for page in pages} == {"true"}
    # The service goes on asking, about once a second; the views add nothing to that.
    by_service = (time.monotonic() - began) / Pace().wait + 2
    assert installation.supervisor.requests.count(FACILITIES) - asked <= by_service


async def test_the_page_knows_by_which_settings_it_was_made(installation: Installation) -> None:
    told = (await _view(installation, "alice"))["settings"]
    assert told == settings_hash(SandlotSettings.model_validate(CATALOGUE))


async def test_a_change_reaches_the_next_view(installation: Installation) -> None:
    assert installation.supervisor.facilities.memory_enforced
    installation.supervisor.change(memory_enforced=False, memory_detail="No <cgroup>.")
    async with installation.hub.browser("alice") as browser, asyncio.timeout(30):
        while "No &lt;cgroup&gt;." not in (await browser.get("spawn")).text:
            pass
    installation.supervisor.change(memory_enforced=True)


async def test_the_ticket_is_the_owners_and_has_only_groups_that_matter(
    installation: Installation,
) -> None:
    # “ml” is in no rule of the settings, “cs101” is.
    assert _read((await _view(installation, "alice"))["ticket"]) == ("page", "alice", frozenset())
    bobs = ("page", "bob", frozenset({"cs101"}))
    assert _read((await _view(installation, "bob"))["ticket"]) == bobs
    by_boss = await _view(installation, "boss", "spawn/bob")
    assert _read(by_boss["ticket"]) == bobs
    assert by_boss["user"] == "bob"


async def test_the_page_follows_the_stream_with_tickets_of_the_hub(
    installation: Installation,
) -> None:
    async with installation.hub.browser("bob") as browser:
        data = _data(await browser.get("spawn/bob/second"))
        reply = await _fetch(browser, data["ticket-url"])
    assert data["ticket-url"] == "/hub/sandlot/ticket?user=bob&server=second"
    fresh = json.loads(reply.text)
    assert (reply.status, fresh["expires_in"]) == (200, 600)
    assert reply.headers["Cache-Control"] == "no-store"
    assert data["stream-url"] == "/services/offers/api/v1/stream"
    url = installation.service.url.with_path(data["stream-url"])
    for ticket in (data["ticket"], fresh["ticket"]):
        async with (
            aiohttp.ClientSession(headers={TICKET_HEADER: ticket}) as session,
            session.get(url) as response,
        ):
            assert response.status == 200
            offers = await EventReader(response).until("offers")
        states = {profile["slug"]: profile["state"] for profile in offers.data["profiles"]}
        assert states["course"] == "available"


async def _fetch(browser: Browser, path: str, *, xsrf: bool = True) -> Reply:
    headers = {**FETCH, "X-XSRFToken": browser.xsrf} if xsrf else FETCH
    return await browser.get(path.removeprefix("/hub/"), headers=headers, allow_redirects=False)


async def test_tickets_are_for_those_who_may_open_the_page(installation: Installation) -> None:
    hub = installation.hub
    async with hub.browser("alice") as browser:
        assert (await _fetch(browser, "sandlot/ticket?user=alice")).status == 200
        assert (await _fetch(browser, "sandlot/ticket?user=alice", xsrf=False)).status == 403
        assert (await _fetch(browser, "sandlot/ticket?user=bob")).status in {403, 404}
        assert (await _fetch(browser, "sandlot/ticket?user=nobody")).status in {403, 404}
        assert (await _fetch(browser, "sandlot/ticket")).status == 400
        await browser.get("logout")
        assert (await _fetch(browser, "sandlot/ticket?user=alice")).status == 403
    async with hub.browser("boss") as browser:
        reply = await _fetch(browser, "sandlot/ticket?user=bob&server=any")
        assert _read(json.loads(reply.text)["ticket"])[1] == "bob"
        assert (await _fetch(browser, "sandlot/ticket?user=nobody")).status == 404


async def test_without_the_service_the_last_is_shown_and_grows_old(
    installation: Installation,
) -> None:
    service = installation.service
    await service.end(signal.SIGKILL)
    try:
        with no_socket(installation.supervisor.socket):
            stale = await _view_until(installation, lambda data: data["known"] == "false")
            later = await _view_until(installation, lambda data: float(data["age"]) > 0.5)
        assert stale["stream-url"] == later["stream-url"] != ""
    finally:
        await service.start()
    assert (await _view_until(installation, lambda data: data["known"] == "true"))["ticket"]


async def test_without_the_service_the_form_refuses_nothing_that_can_be_started(
    installation: Installation,
) -> None:
    building = {"base": LocalImage(state="building", progress=0.4)}
    installation.supervisor.change(images=building)
    async with installation.hub.browser("alice") as browser, asyncio.timeout(30):
        while BUILDING not in (await browser.get("spawn")).text:
            pass
        await installation.service.end(signal.SIGKILL)
        try:
            installation.supervisor.change(images={"base": LocalImage(state="ready")})
            while BUILDING in (page := await browser.get("spawn")).text:
                pass
            assert (_data(page)["known"], _data(page)["age"]) == ("false", "0.0")
        finally:
            await installation.service.start()


async def test_form_does_not_wait_long_for_a_machine_that_is_silent(
    installation: Installation,
) -> None:
    service = installation.service
    await service.end(signal.SIGKILL)
    try:
        await _view_until(installation, lambda data: data["known"] == "false")
        with silent_socket(installation.supervisor.socket):
            stale = await _view_until(installation, lambda data: float(data["age"]) > 0.5)
            began = time.monotonic()
            await _view(installation, "alice")
            assert time.monotonic() - began < 4  # far less than the answer of a machine may take
        assert stale["known"] == "false"
    finally:
        await service.start()


async def test_a_start_does_not_need_the_service(installation: Installation) -> None:
    service = installation.service
    await service.end(signal.SIGKILL)
    try:
        reply = await installation.hub.rest("alice")("POST", "users/alice/server")
        assert reply.status == 201
    finally:
        await service.start()
        await installation.hub.rest("alice")("DELETE", "users/alice/server")
