"""What is available, live, through the proxy of `sandlot up`: the supervisor's own count."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.offers import TICKET_HEADER
from support.event_reader import EventReader, reading, ticket
from support.fake_supervisor import silent_socket
from support.hub_user import HubUser

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from sandlot_hub.adapters.page_ticket import TicketKind
    from support.stack import Stack

pytestmark = [pytest.mark.timeout(1200), pytest.mark.asyncio]

TOLD_S = 8.0
"""How soon a page must hear of something; a second or three, and what a busy machine adds."""


def opened(
    stack: Stack, path: str, *, kind: TicketKind = "page", user: str = "ann"
) -> AbstractAsyncContextManager[EventReader]:
    secrets = json.loads((stack.data_dir / "state/secrets.json").read_text())
    headers = ticket(user, kind=kind, token=secrets["service_tokens"]["offers"])
    return reading(f"{stack.url}services/offers/api/v1/{path}", headers)


async def test_servers_are_counted_while_people_look(stack: Stack) -> None:
    stack.wait_image("base")
    person = HubUser(stack.url, "carla")
    person.log_in(stack.add_user("carla"))
    async with (
        opened(stack, "snapshots", kind="hub") as hub,
        opened(stack, "stream") as page,
    ):
        assert hub.response.headers["Content-Type"].startswith("text/event-stream")
        assert "Content-Encoding" not in hub.response.headers
        first = (await hub.next()).data["machine"]
        contents = first["images"]["base"]["contents"]
        assert "jupyterlab" in {package["name"] for package in contents["packages"]}
        assert contents["built_at"].endswith("Z")
        assert (await page.next()).name == "offers"
        before = first["running"].get("small", 0)

        choice = {"profile": "everyday", "image": "base", "size": "small"}
        await asyncio.to_thread(person.start, choice)
        async with asyncio.timeout(TOLD_S):
            while (await hub.until("snapshot")).data["machine"]["running"].get(
                "small"
            ) != before + 1:
                pass
        await asyncio.to_thread(person.stop)
        async with asyncio.timeout(TOLD_S):
            while (await hub.until("snapshot")).data["machine"]["running"].get(
                "small", 0
            ) != before:
                pass


async def test_a_silent_supervisor_is_told_to_every_page(stack: Stack) -> None:
    async with opened(stack, "stream") as page:
        assert (await page.next()).data["known"]
        with silent_socket(stack.data_dir / "run/supervisor.sock"):
            async with asyncio.timeout(TOLD_S):
                change = await page.until("change", known=False)
        assert {profile["state"] for profile in change.data["profiles"]} >= {"unknown"}
        async with asyncio.timeout(TOLD_S):
            await page.until("change", known=True)


async def test_a_restarted_service_says_goodbye_and_knows_the_same_tickets(stack: Stack) -> None:
    async with opened(stack, "stream") as page:
        await page.next()
        restarting = asyncio.create_task(asyncio.to_thread(stack.run, "restart", "offers"))
        assert (await page.until("bye")).data == {"reason": "restarting"}
        with pytest.raises(EOFError):
            await page.next()
        await restarting
    async with opened(stack, "stream") as page:
        assert (await page.next()).name == "offers"
        sent = page.response.request_info.headers[TICKET_HEADER]
    for part in ("offers", "proxy", "hub", "supervisor"):
        assert sent not in stack.log(part)


async def test_the_proxy_lets_nobody_in_without_a_ticket(stack: Stack) -> None:
    url = f"{stack.url}services/offers/api/v1/stream"
    for headers in ({}, ticket(token="0" * 64)):
        async with reading(url, headers) as answer:
            assert answer.response.status == 401
            assert answer.response.headers["Access-Control-Allow-Origin"] == "*"
