"""Tests of the availability page, its stream and its API, as a browser and programs meet them."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from sandlot_contracts.availability import Availability, AvailabilityNews
from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.services.offers.app import READ_SCOPE
from support.accelerators import accelerator_settings, cluster, flavor_state
from support.event_reader import reading, ticket
from support.probe_service import Browser
from support.service_process import RunningService, running_service
from support.told_capacity import ToldService, ToldSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandlot_contracts.capacity import CapacityScope
    from support.fake_hub import FakeHub

pytestmark = pytest.mark.asyncio

API, STREAM, PAGE = "api/v1/availability", "api/v1/availability/stream", "availability"
TOKEN, ADMIN, METRICS = "alice-token", "admin-token", "metrics-token-0123456789"
SCOPES = ["access:services!service=offers", READ_SCOPE]
HTML = {"Accept": "text/html"}


@dataclass
class Told:
    """The service, and what it is told."""

    service: RunningService
    source: ToldSource


@pytest_asyncio.fixture
async def told(hub: FakeHub) -> AsyncIterator[Told]:
    hub.add_user(TOKEN, "alice", scopes=SCOPES)
    hub.add_user(ADMIN, "root", scopes=SCOPES)
    hub.identities[ADMIN]["admin"] = True
    hub.add_service(METRICS, "prometheus", scopes=["read:metrics"])
    started = asyncio.Event()
    made = ToldService(cluster(l4=flavor_state()), started=started)
    async with running_service(
        made.build, accelerator_settings(), hub_api_url=hub.api_url
    ) as running:
        await started.wait()
        yield Told(running, made.source)


async def asked(told: Told, token: str = TOKEN) -> Availability:
    answer = await told.service.ask(API, token=token)
    assert answer.status == 200
    return Availability.model_validate(answer.json)


async def logged_in(told: Told, hub: FakeHub, token: str = TOKEN) -> Browser:
    browser = Browser(told.service)
    await browser.log_in(hub, token)
    return browser


# --- for programs ------------------------------------------------------------------------------


async def test_programs_get_numbers(told: Told) -> None:
    found = await asked(told)
    (l4,) = found.flavors
    assert (found.known, found.scope, found.reason) == (True, "cluster", None)
    assert (l4.slug, l4.display_name, l4.state) == ("l4", "NVIDIA <L4>", flavor_state())
    assert found.settings_hash == accelerator_settings().hash
    assert found.age_s < 5


async def test_only_administrators_see_who_and_what_is_left_over(told: Told) -> None:
    state = cluster(l4=flavor_state()).model_copy(update={"unknown_flavor": {"amd.com/gpu": 2}})
    told.source.tell(state, {"l4": {"bob": 3}})
    plain, admin = await asked(told), await asked(told, ADMIN)
    assert (plain.flavors[0].holders, plain.unknown_flavor) == (None, None)
    assert "bob" not in plain.model_dump_json()
    assert admin.unknown_flavor == {"amd.com/gpu": 2}
    assert [(each.user, each.count) for each in admin.flavors[0].holders or ()] == [
        ("bob", 3),
        (None, 1),
    ]
    assert [flavor.slug for flavor in admin.flavors] == ["l4", "a100"]


@pytest.mark.parametrize(
    "facilities",
    [
        pytest.param(None, id="nothing-is-known"),
        pytest.param(Facilities(mode=Mode.KUBERNETES), id="only-what-is-free-is-not"),
    ],
)
async def test_what_is_not_known_is_said_with_since_when(
    told: Told, facilities: Facilities | None
) -> None:
    before = await asked(told)
    told.source.lose(facilities=facilities)
    found = await asked(told)
    assert (found.known, found.scope, found.flavors[0].state) == (False, None, None)
    assert found.as_of == before.as_of
    assert found.reason is not None
    assert found.reason.code == "availability-unknown"
    assert f"{found.as_of[:10]} {found.as_of[11:19]} UTC" in found.reason.message


async def test_a_hub_that_may_not_look_says_so_and_whom_to_ask(told: Told) -> None:
    scope: CapacityScope = "namespace"
    told.source.tell(cluster().model_copy(update={"scope": scope}))
    found = await asked(told)
    assert (found.known, found.flavors[0].state) == (True, None)
    assert found.reason is not None
    assert found.reason.code == "cluster-not-visible"
    assert "its own servers only" in found.reason.message
    assert "ask an administrator" in found.reason.message


async def test_a_machine_without_any_says_which_part_is_missing(told: Told, hub: FakeHub) -> None:
    none = flavor_state(total=0, down=0, used=0, free=0, largest_block=0)
    told.source.lose(
        facilities=Facilities(
            mode=Mode.LOCAL,
            capacity=cluster(l4=none).model_copy(update={"scope": "machine"}),
            flavor_reasons={"l4": "Its driver is not loaded.", "a100": "There is none."},
        )
    )
    found = await asked(told)
    assert [each.missing for each in found.flavors] == ["Its driver is not loaded."]
    browser = await logged_in(told, hub)
    page = await browser.ask(PAGE, headers=HTML)
    assert "Its driver is not loaded." in page.text
    assert "There is none." not in page.text


@pytest.mark.parametrize("path", [API, STREAM, PAGE])
@pytest.mark.parametrize(
    ("token", "status"),
    [
        pytest.param("guess", 401, id="unknown"),
        pytest.param("elsewhere", 403, id="made-for-another-service"),
        pytest.param("narrow", 403, id="without-the-scope"),
        pytest.param(METRICS, 403, id="of-a-service"),
    ],
)
async def test_nobody_reads_it_without_a_login(
    told: Told, hub: FakeHub, path: str, token: str, status: int
) -> None:
    hub.add_user("elsewhere", "eve", scopes=["access:services!service=other", READ_SCOPE])
    hub.add_user("narrow", "eve", scopes=SCOPES[:1])
    answer = await told.service.ask(path, token=token)
    assert answer.status == status
    assert "NVIDIA" not in answer.text


async def test_a_ticket_of_the_hub_is_no_login(told: Told) -> None:
    answer = await told.service.ask(STREAM, headers=ticket())
    assert answer.status == 401


# --- the page ----------------------------------------------------------------------------------


async def test_the_page_shows_it_without_scripts(told: Told, hub: FakeHub) -> None:
    browser = await logged_in(told, hub)
    page = await browser.ask(PAGE, headers=HTML)
    assert page.status == 200
    assert "NVIDIA &lt;L4&gt;" in page.text
    assert "3 of 8 free" in page.text
    assert '<rect class="sandlot-used" x="0" y="0" width="4" height="1">' in page.text
    assert "A100" not in page.text
    assert 'href="/hub/spawn"' in page.text
    assert "style=" not in page.text
    assert TOKEN not in page.text


async def test_its_script_may_ask_this_service_and_nobody_else(told: Told, hub: FakeHub) -> None:
    browser = await logged_in(told, hub)
    page = await browser.ask(PAGE, headers=HTML)
    policy = page.headers["Content-Security-Policy"]
    nonce = re.search(r"'nonce-(\S+)'", policy)
    assert nonce is not None
    assert "connect-src 'self'" in policy
    assert "default-src 'none'" in policy
    scripts = re.findall(r"<script[^>]*>", page.text)
    assert len(scripts) == 2
    assert all(f'nonce="{nonce[1]}"' in script for script in scripts)
    offers = await browser.ask("", headers=HTML)
    assert "connect-src" not in offers.headers["Content-Security-Policy"]


async def test_the_page_of_what_one_can_start_leads_there(told: Told, hub: FakeHub) -> None:
    page = await (await logged_in(told, hub)).ask("", headers=HTML)
    assert 'href="/services/offers/availability"' in page.text


async def test_the_page_says_since_when_it_does_not_know(told: Told, hub: FakeHub) -> None:
    browser = await logged_in(told, hub)
    told.source.lose()
    page = await browser.ask(PAGE, headers=HTML)
    assert "Not known since" in page.text
    assert "How many are free is not known" in page.text
    assert 'data-known="false"' in page.text


@pytest.mark.parametrize(
    ("token", "words"),
    [
        pytest.param(TOKEN, "No accelerators are configured for you.", id="user"),
        pytest.param(ADMIN, "No accelerators are configured. Next: name them", id="admin"),
    ],
)
async def test_the_page_of_a_hub_without_any(hub: FakeHub, token: str, words: str) -> None:
    hub.add_user(TOKEN, "alice", scopes=SCOPES)
    hub.add_user(ADMIN, "root", scopes=SCOPES)
    hub.identities[ADMIN]["admin"] = True
    settings = accelerator_settings(
        accelerators={},
        sizes={"small": {"display_name": "Small", "cpus": 1, "memory": "1 GiB"}},
        profiles={"cpu": {"display_name": "CPU", "images": ["base"], "sizes": ["small"]}},
    )
    made = ToldService(cluster(), started=asyncio.Event())
    async with running_service(made.build, settings, hub_api_url=hub.api_url) as running:
        page = await running.ask(PAGE, token=token, headers=HTML)
    assert words in page.text


# --- the open page -----------------------------------------------------------------------------


async def page_headers(browser: Browser) -> dict[str, str]:
    """Return what the page's script sends."""
    page = await browser.ask(PAGE, headers=HTML)
    xsrf = re.search(r'data-xsrf="([^"]+)"', page.text)
    assert xsrf is not None
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return {"Cookie": cookies, "X-XSRFToken": xsrf[1], "Sec-Fetch-Site": "same-origin"}


async def test_the_open_page_hears_of_every_change(told: Told, hub: FakeHub) -> None:
    browser = await logged_in(told, hub)
    headers = await page_headers(browser)
    async with reading(f"{told.service.url}{STREAM}", headers) as events:
        first = AvailabilityNews.model_validate((await events.until("availability")).data)
        assert (first.known, "3 of 8 free" in first.html) == (True, True)

        told.source.tell(cluster(l4=flavor_state(free=0, used=7)))
        change = AvailabilityNews.model_validate((await events.until("availability")).data)
        assert "None of 8 free" in change.html

        told.source.lose()
        lost = AvailabilityNews.model_validate((await events.until("availability")).data)
        assert (lost.known, lost.as_of) == (False, change.as_of)
        assert "not known since" in lost.html


async def test_the_page_says_that_it_is_still_being_counted(told: Told, hub: FakeHub) -> None:
    told.source.count()
    browser = await logged_in(told, hub)
    page = (await browser.ask(PAGE, headers=HTML)).text
    assert 'data-known="false" data-counting="true"' in page
    assert "Still being counted." in page
    assert "still being counted. Next: wait" in page
    assert "not known since" not in page.lower()
    headers = await page_headers(browser)
    async with reading(f"{told.service.url}{STREAM}", headers) as events:
        counting = AvailabilityNews.model_validate((await events.until("availability")).data)
        assert (counting.known, counting.counting) == (False, True)

        told.source.tell(cluster(l4=flavor_state(free=0, used=7)))
        counted = AvailabilityNews.model_validate((await events.until("availability")).data)
        assert (counted.known, counted.counting) == (True, False)


async def test_what_says_the_same_is_not_sent_again(told: Told, hub: FakeHub) -> None:
    browser = await logged_in(told, hub)
    headers = await page_headers(browser)
    async with reading(f"{told.service.url}{STREAM}", headers) as events:
        await events.until("availability")
        told.source.tell(cluster(l4=flavor_state()))
        # Before this is answered, the stream has looked.
        await told.service.ask("health")
        told.source.tell(cluster(l4=flavor_state(free=2, used=5)))
        assert "2 of 8 free" in (await events.next()).data["html"]


@pytest.mark.parametrize(
    "left_out", [pytest.param("X-XSRFToken", id="no-token"), pytest.param("Cookie", id="no-login")]
)
async def test_the_stream_wants_cookie_and_token(told: Told, hub: FakeHub, left_out: str) -> None:
    headers = await page_headers(await logged_in(told, hub))
    del headers[left_out]
    answer = await told.service.ask(STREAM, headers=headers)
    assert answer.status in {401, 403}


async def test_other_pages_of_the_origin_do_not_get_in(told: Told, hub: FakeHub) -> None:
    headers = await page_headers(await logged_in(told, hub))
    answer = await told.service.ask(STREAM, headers={**headers, "Sec-Fetch-Site": "cross-site"})
    assert (answer.status, answer.json["code"]) == (403, "cross-site")


async def test_a_person_has_so_many_open_pages_and_no_more(told: Told, hub: FakeHub) -> None:
    headers = await page_headers(await logged_in(told, hub))
    url = f"{told.service.url}{STREAM}"
    statuses: list[Any] = []
    async with asyncio.TaskGroup() as group:
        enough = asyncio.Event()

        async def follow() -> None:
            async with reading(url, headers) as events:
                statuses.append(events.response.status)
                if len(statuses) == 21:
                    enough.set()
                await enough.wait()

        for _ in range(21):
            group.create_task(follow())
    assert sorted(statuses) == [200] * 20 + [429]


# --- Prometheus --------------------------------------------------------------------------------


async def test_metrics_are_there_while_something_is_known(told: Told) -> None:
    told.source.tell(cluster(l4=flavor_state(waiting=5)))
    text = (await told.service.ask("metrics", token=METRICS)).text
    for line in (
        'sandlot_accelerators_capacity{flavor="l4"} 8.0',
        'sandlot_accelerators_allocated{flavor="l4"} 4.0',
        'sandlot_accelerators_free{flavor="l4"} 3.0',
        'sandlot_accelerators_down{flavor="l4"} 1.0',
        'sandlot_accelerators_largest_free_block{flavor="l4"} 2.0',
        'sandlot_accelerators_waiting{flavor="l4"} 5.0',
    ):
        assert line in text
    told.source.lose()
    assert "flavor=" not in (await told.service.ask("metrics", token=METRICS)).text


async def test_metrics_tell_of_what_belongs_to_no_flavor(told: Told) -> None:
    told.source.tell(cluster().model_copy(update={"unknown_flavor": {"amd.com/gpu": 2}}))
    text = (await told.service.ask("metrics", token=METRICS)).text
    assert 'sandlot_accelerators_without_flavor{resource="amd.com/gpu"} 2.0' in text
