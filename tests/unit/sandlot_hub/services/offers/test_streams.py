"""Tests of the streams of open pages and of the hub."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from sandlot_contracts.offers import TICKET_HEADER, Alive, AvailabilitySnapshot, PageOffers
from sandlot_contracts.supervisor import LocalImage
from sandlot_hub.adapters.settings_file import LoadedSettings
from sandlot_hub.services.offers.app import offers_application
from support.event_reader import reading, ticket
from support.fake_supervisor import FakeSupervisor, facilities, silent_socket
from support.service_process import RunningService, running_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from support.fake_hub import FakeHub

pytestmark = pytest.mark.asyncio

METRICS = "metrics-token-0123456789"
READY = LocalImage(state="ready")
BOTH = {"base": READY, "scipy": READY}


@pytest_asyncio.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[FakeSupervisor]:
    machine = FakeSupervisor(
        socket=tmp_path / "s.sock",
        facilities=facilities(cpus=4, images={"base": READY, "scipy": LocalImage(state="queued")}),
    )
    async with machine.serve():
        yield machine


@pytest.fixture
def limited(settings: LoadedSettings) -> LoadedSettings:
    """Settings where one size has two places."""
    sizes = settings.settings.sizes
    small = sizes["small"].model_copy(update={"max_running": 2})
    changed = settings.settings.model_copy(update={"sizes": {**sizes, "small": small}})
    return LoadedSettings(settings=changed, hash=settings.hash, source="test")


@pytest_asyncio.fixture
async def offers(
    hub: FakeHub, supervisor: FakeSupervisor, limited: LoadedSettings
) -> AsyncIterator[RunningService]:
    hub.add_service(METRICS, "prometheus", scopes=["read:metrics"])
    async with running_service(
        offers_application,
        limited,
        hub_api_url=hub.api_url,
        supervisor_socket=supervisor.socket,
    ) as running:
        yield running


def stream(offers: RunningService) -> str:
    return f"{offers.url}api/v1/stream"


def shown(data: dict[str, Any]) -> dict[str, str]:
    """Return the state of each profile and size."""
    page = PageOffers.model_validate(data)
    return {
        "/".join((profile.slug, *size)): state
        for profile in page.profiles
        for size, state in (
            ((), profile.state),
            *(((size.slug,), size.state) for size in profile.sizes),
        )
    }


async def metric(offers: RunningService, name: str) -> float:
    text = (await offers.ask("metrics", token=METRICS)).text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return 0.0 if found is None else float(found[1])


# --- an open page ------------------------------------------------------------------------------


async def test_a_page_gets_everything_and_then_what_changes(
    offers: RunningService, supervisor: FakeSupervisor, settings: LoadedSettings
) -> None:
    async with reading(stream(offers), ticket()) as events:
        first = await events.next()
        assert first.name == "offers"
        page = PageOffers.model_validate(first.data)
        assert (page.known, page.settings_hash) == (True, settings.hash)
        assert 0 <= page.age_s < 5
        notebook, teaching = page.profiles
        assert (notebook.slug, notebook.state, teaching.state) == (
            "notebook",
            "available",
            "unavailable",
        )
        assert (notebook.sizes[0].places, notebook.sizes[0].taken) == (2, 0)

        supervisor.change(running={"small": 2})
        change = await events.until("change")
        assert shown(change.data) == {
            "notebook": "unavailable",
            "notebook/small": "unavailable",
            "notebook/huge": "unavailable",
            "teaching": "unavailable",
            "teaching/small": "unavailable",
        }
        size = PageOffers.model_validate(change.data).profiles[0].sizes[0]
        assert size.taken == 2
        assert size.reason is not None
        assert size.reason.code == "size-full"

        supervisor.change(running={"small": 1})
        assert shown((await events.until("change")).data)["notebook/small"] == "available"


async def test_only_profiles_that_change_are_sent(
    offers: RunningService, supervisor: FakeSupervisor
) -> None:
    async with reading(stream(offers), ticket()) as events:
        await events.next()
        supervisor.change(images=BOTH)
        change = await events.until("change")
        assert [profile["slug"] for profile in change.data["profiles"]] == ["notebook"]


@pytest.mark.parametrize(
    ("user", "groups", "teaching"),
    [
        pytest.param("alice", [], "unavailable", id="nobody-special"),
        pytest.param("bob", ["cs101"], "available", id="member"),
        pytest.param("cs101", ["x"], "unavailable", id="named-like-the-group"),
    ],
)
async def test_the_ticket_says_who_and_nothing_else_does(
    offers: RunningService, hub: FakeHub, user: str, groups: list[str], teaching: str
) -> None:
    url = f"{stream(offers)}?user=bob&groups=cs101&admin=true"
    headers = {**ticket(user, groups=groups), "Cookie": "service-offers=x", "X-Groups": "cs101"}
    async with reading(url, headers) as events:
        assert shown((await events.next()).data)["teaching"] == teaching
    assert hub.arrived == []  # nobody was asked


async def test_a_hidden_profile_is_not_told_of(
    hub: FakeHub, supervisor: FakeSupervisor, settings: LoadedSettings
) -> None:
    profiles = settings.settings.profiles
    secret = profiles["teaching"].model_copy(update={"hidden": True, "display_name": "Secret"})
    changed = settings.settings.model_copy(update={"profiles": {**profiles, "teaching": secret}})
    loaded = LoadedSettings(settings=changed, hash="h", source="test")
    async with (
        running_service(
            offers_application,
            loaded,
            hub_api_url=hub.api_url,
            supervisor_socket=supervisor.socket,
        ) as service,
        reading(stream(service), ticket()) as alice,
        reading(stream(service), ticket("bob", groups=["cs101"])) as bob,
    ):
        first = (await alice.next()).data
        assert [profile["slug"] for profile in first["profiles"]] == ["notebook"]
        assert "teaching" in shown((await bob.next()).data)
        supervisor.change(cpus=600)
        change = (await alice.until("change")).data
        assert [profile["slug"] for profile in change["profiles"]] == ["notebook"]
        assert "ecret" not in f"{first}{change}"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param({}, "ticket-missing", id="none"),
        pytest.param({TICKET_HEADER: "x" * 20_000}, "ticket-invalid", id="oversized"),
        pytest.param({TICKET_HEADER: "garbage"}, "ticket-invalid", id="garbage"),
        pytest.param(ticket(age_s=601), "ticket-expired", id="expired"),
        # A day: made when tests are collected, used minutes later.
        pytest.param(ticket(age_s=-86_400), "ticket-invalid", id="of-the-future"),
        pytest.param(ticket(token="b" * 32), "ticket-invalid", id="of-another-service"),
        pytest.param(ticket(kind="hub"), "ticket-invalid", id="of-the-hub"),
        pytest.param({"Authorization": f"token {METRICS}"}, "ticket-missing", id="token"),
    ],
)
async def test_without_a_good_ticket_there_is_nothing(
    offers: RunningService, headers: dict[str, str], code: str
) -> None:
    answer = await offers.ask("api/v1/stream", headers=headers)
    assert (answer.status, answer.json["code"]) == (401, code)
    # The page must be able to read why.
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_ticket_is_good_for_nothing_else(offers: RunningService) -> None:
    for path in ("api/v1/offers", "metrics"):
        assert (await offers.ask(path, headers=ticket())).status == 401
    answer = await offers.ask("api/v1/snapshots", headers=ticket())
    assert (answer.status, answer.json["code"]) == (401, "ticket-invalid")


async def test_pages_of_other_origins_may_send_their_ticket(offers: RunningService) -> None:
    asking = {
        "Origin": "https://hub.example.org",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": TICKET_HEADER.lower(),
    }
    answer = await offers.ask("api/v1/stream", method="OPTIONS", headers=asking)
    assert (answer.status, answer.text) == (204, "")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Headers"] == TICKET_HEADER
    assert answer.headers["Access-Control-Allow-Methods"] == "GET"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    for path in ("api/v1/snapshots", "api/v1/offers", ""):
        other = await offers.ask(path, method="OPTIONS", headers=asking)
        assert other.status == 405
        assert "Access-Control-Allow-Origin" not in other.headers


# --- what it costs -----------------------------------------------------------------------------


async def test_a_class_of_users_is_decided_once(
    offers: RunningService, supervisor: FakeSupervisor
) -> None:
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(
                reading(stream(offers), ticket(f"user-{number}", groups=["x"]))
            )
            for number in range(50)
        ]
        firsts = [await events.next() for events in streams]
        assert await metric(offers, "sandlot_offers_computations_total") == 1
        assert await metric(offers, "sandlot_offers_streams") == 50
        assert len({str(event.data["profiles"]) for event in firsts}) == 1

        supervisor.change(images=BOTH)
        for events in streams:
            await events.until("change")
        assert await metric(offers, "sandlot_offers_computations_total") == 2
        name = 'sandlot_offers_events_total{event="change"}'
        assert await metric(offers, name) == 50
        assert 0 <= await metric(offers, "sandlot_offers_snapshot_age_seconds") < 5


async def test_another_class_is_another_decision(offers: RunningService) -> None:
    async with (
        reading(stream(offers), ticket("a")) as a,
        reading(stream(offers), ticket("b", groups=["cs101"])) as b,
        reading(stream(offers), ticket("c", groups=["cs101", "x"])) as c,
    ):
        for events in (a, b, c):
            await events.next()
        assert await metric(offers, "sandlot_offers_computations_total") == 2


# --- when nobody answers -----------------------------------------------------------------------


async def test_every_page_hears_that_it_is_not_known_and_that_it_is_again(
    offers: RunningService, supervisor: FakeSupervisor
) -> None:
    async with reading(stream(offers), ticket()) as events:
        first = await events.next()
        with silent_socket(supervisor.socket):
            async with asyncio.timeout(4):
                change = await events.until("change", known=False)
            assert (await offers.ask("health")).json["status"] == "degraded"
        assert shown(change.data) == {
            "notebook": "unknown",
            "notebook/small": "unknown",
            "notebook/huge": "unknown",
            # Not for her, whatever the machine can do.
            "teaching": "unavailable",
            "teaching/small": "unknown",
        }
        notebook = PageOffers.model_validate(change.data).profiles[0]
        assert notebook.reason is not None
        assert notebook.reason.code == "availability-unknown"
        assert change.data["age_s"] >= 2
        back = await events.until("change", known=True)
        assert shown(back.data)["notebook"] == shown(first.data)["notebook"]
        assert (await offers.ask("health")).json["status"] == "ok"


# --- the hub -----------------------------------------------------------------------------------


async def test_the_hub_gets_the_whole_snapshot_and_every_change(
    offers: RunningService, supervisor: FakeSupervisor, settings: LoadedSettings
) -> None:
    url = f"{offers.url}api/v1/snapshots"
    async with reading(url, ticket("hub", kind="hub")) as events:
        first = await events.next()
        assert first.name == "snapshot"
        snapshot = AvailabilitySnapshot.model_validate(first.data)
        assert snapshot.settings_hash == settings.hash
        assert snapshot.machine is not None
        assert snapshot.machine.cpus == 4
        supervisor.change(running={"small": 1})
        machine = (await events.until("snapshot")).data["machine"]
        assert machine["running"] == {"small": 1}
        alive = await events.until("alive")
        assert Alive.model_validate(alive.data).known
