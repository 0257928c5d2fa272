"""The streams of the offers service as its own process, over a supervisor's socket."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio

from sandlot_contracts.offers import TICKET_HEADER
from support.event_reader import Event, EventReader, reading, ticket
from support.fake_supervisor import no_socket, silent_socket
from support.installed_offers import METRICS_TOKEN, Installation, installed_offers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOLD_S = 6.0
"""How soon every page must know; two to three seconds, and what a busy machine adds."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with installed_offers(tmp_path_factory.mktemp("streams")) as running:
        yield running


def page(
    installation: Installation, headers: dict[str, str]
) -> AbstractAsyncContextManager[EventReader]:
    return reading(f"{installation.service.url}api/v1/stream", headers)


def states(event: Event) -> dict[str, str]:
    return {profile["slug"]: profile["state"] for profile in event.data["profiles"]}


async def refusal(
    installation: Installation, path: str, headers: dict[str, str]
) -> tuple[int, Any]:
    async with reading(f"{installation.service.url}{path}", headers) as events:
        problem = json.loads(await events.response.text())
        return events.response.status, problem["code"]


# --- who may -----------------------------------------------------------------------------------


async def test_people_see_what_is_theirs(installation: Installation) -> None:
    async with (
        page(installation, ticket("alice", groups=["ml"])) as alice,
        page(installation, ticket("bob", groups=["cs101"])) as bob,
    ):
        assert states(await alice.next()) == {"everyday": "available", "course": "unavailable"}
        assert states(await bob.next()) == {"everyday": "available", "course": "available"}


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        pytest.param("api/v1/stream", {}, "ticket-missing", id="none"),
        pytest.param("api/v1/stream", ticket(age_s=600), "ticket-expired", id="expired"),
        pytest.param(
            "api/v1/stream",
            {TICKET_HEADER: ticket()[TICKET_HEADER].replace("|", "!", 1)},
            "ticket-invalid",
            id="altered",
        ),
        pytest.param("api/v1/stream", ticket(token="x" * 32), "ticket-invalid", id="foreign"),
        pytest.param("api/v1/stream", ticket(kind="hub"), "ticket-invalid", id="hub-as-page"),
        pytest.param("api/v1/snapshots", ticket(), "ticket-invalid", id="page-as-hub"),
        pytest.param("api/v1/snapshots", {}, "ticket-missing", id="hub-none"),
    ],
)
async def test_nobody_else_sees_anything(
    installation: Installation, path: str, headers: dict[str, str], code: str
) -> None:
    assert await refusal(installation, path, headers) == (401, code)


async def test_another_persons_ticket_cannot_be_made_of_ones_own(
    installation: Installation,
) -> None:
    alice, bob = (
        ticket(name, groups=groups)[TICKET_HEADER]
        for name, groups in (
            ("alice", ["ml"]),
            ("bob", ["cs101"]),
        )
    )
    # The value of the one with the signature of the other.
    mixed = f"{bob.rpartition('|')[0]}|{alice.rpartition('|')[2]}"
    found = await refusal(installation, "api/v1/stream", {TICKET_HEADER: mixed})
    assert found == (401, "ticket-invalid")


# --- what is told ------------------------------------------------------------------------------


async def test_a_change_reaches_open_pages_and_the_hub(installation: Installation) -> None:
    url = f"{installation.service.url}api/v1/snapshots"
    async with (
        page(installation, ticket()) as events,
        reading(url, ticket("hub", kind="hub")) as hub,
    ):
        await events.next()
        await hub.next()
        images = installation.supervisor.facilities.model_dump()["images"]
        queued = {**images, "base": {"state": "queued"}}
        installation.supervisor.change(images=queued)
        assert states(await events.until("change"))["everyday"] == "available"
        assert (await hub.until("snapshot")).data["machine"]["images"]["base"]["state"] == "queued"
        installation.supervisor.change(images=images)
        await events.until("change")


async def test_fifty_pages_of_a_class_are_one_decision(installation: Installation) -> None:
    async def decisions() -> float:
        _, text = await installation.service.ask("metrics", METRICS_TOKEN)
        name = "sandlot_offers_computations_total "
        return next(
            float(line[len(name) :]) for line in text.splitlines() if name in line[: len(name)]
        )

    async def look(number: int, opened: asyncio.Barrier) -> None:
        async with page(installation, ticket(f"user-{number}", groups=["nobody"])) as events:
            await events.next()
            await opened.wait()
            await events.until("change")

    opened = asyncio.Barrier(51)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(look(number, opened))
        await opened.wait()
        before = await decisions()
        installation.supervisor.change(images={"base": {"state": "queued"}})
    assert await decisions() == before + 1
    installation.supervisor.change(images={"base": {"state": "ready"}})


# --- what goes wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(no_socket, id="gone"),
        pytest.param(silent_socket, id="half-open"),
    ],
)
async def test_without_the_supervisor_every_page_says_so_and_comes_back(
    installation: Installation, fault: Callable[[Path], AbstractContextManager[None]]
) -> None:
    url = f"{installation.service.url}api/v1/snapshots"
    async with (
        page(installation, ticket()) as events,
        reading(url, ticket("hub", kind="hub")) as hub,
    ):
        assert (await events.next()).data["known"]
        await hub.next()
        with fault(installation.supervisor.socket):
            async with asyncio.timeout(TOLD_S):
                change = await events.until("change", known=False)
                assert (await hub.until("snapshot")).data["machine"] is None
            assert set(states(change).values()) == {"unknown", "unavailable"}
            async with page(installation, ticket()) as late:
                assert not (await late.next()).data["known"]
        assert states(await events.until("change", known=True))["everyday"] == "available"
        assert (await hub.until("snapshot")).data["machine"] is not None


async def test_a_stream_that_is_cut_in_the_middle_is_opened_again(
    installation: Installation,
) -> None:
    headers = ticket()
    service = installation.service
    request = f"GET /services/offers/api/v1/stream HTTP/1.1\r\nHost: x\r\n{TICKET_HEADER}: "
    with socket.create_connection(("127.0.0.1", service.port)) as cut:
        cut.sendall(f"{request}{headers[TICKET_HEADER]}\r\n\r\n".encode())
        assert cut.recv(20).startswith(b"HTTP/1.1 200")
    async with page(installation, headers) as events:
        assert (await events.next()).name == "offers"
        await service.end(signal.SIGKILL)
        with pytest.raises((EOFError, OSError, aiohttp.ClientPayloadError)):
            await events.until("never")
    await service.start()
    async with page(installation, headers) as events:
        assert (await events.next()).name == "offers"


async def test_a_restart_says_goodbye_and_logs_no_ticket(installation: Installation) -> None:
    good, expired, altered = ticket(), ticket(age_s=700), {TICKET_HEADER: "2|stolen-ticket"}
    service = installation.service
    async with page(installation, good) as events:
        await events.next()
        for headers in (expired, altered):
            assert (await refusal(installation, "api/v1/stream", headers))[0] == 401
        async with asyncio.timeout(4):  # sooner than the grace of five seconds
            ending = asyncio.create_task(service.end())
            assert (await events.until("bye")).data == {"reason": "restarting"}
            assert await ending == 0
    log = "".join(service.lines)
    await service.start()
    assert '"api/v1/stream"' in log
    for headers in (good, expired, altered):
        assert headers[TICKET_HEADER] not in log
        assert headers[TICKET_HEADER].rpartition("|")[2] not in log
