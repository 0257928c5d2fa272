"""What an address starts, by who asks for it: the hub wants no token for a GET."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio

from sandlot_hub.domain.settings.model import SandlotSettings
from support.fake_supervisor import FakeSupervisor
from support.hub_app import Browser, Hub, running_hub
from support.local_catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# One hub for all of them: a row is about a user of its own.
pytestmark = pytest.mark.asyncio(loop_scope="module")

LISTED = {"profile": "everyday", "image": "base", "size": "large"}
NAMED = {"profile": "everyday", "reference": "quay.io/lab/x:1", "size": "large"}
OTHER = {**NAMED, "reference": "quay.io/lab/x:2"}

PAGE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
CLICKED = {"Sec-Fetch-User": "?1", **PAGE}

STARTS = {
    "client that tells nothing": {},
    "typed, or a bookmark": {**CLICKED, "Sec-Fetch-Site": "none"},
    "link of our own": {**CLICKED, "Sec-Fetch-Site": "same-origin"},
    "after a login, or by a script of ours": {**PAGE, "Sec-Fetch-Site": "same-origin"},
    "link on somebody's server": {**CLICKED, "Sec-Fetch-Site": "same-site"},
    "link on a course's page": {**CLICKED, "Sec-Fetch-Site": "cross-site"},
}
FILLS_IN = {
    "picture of another site": {
        "Sec-Fetch-Mode": "no-cors",
        "Sec-Fetch-Dest": "image",
        "Sec-Fetch-Site": "cross-site",
    },
    "picture on somebody's server": {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "same-site"},
    "picture of our own": {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "same-origin"},
    "frame on somebody's server": {
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "iframe",
        "Sec-Fetch-Site": "same-site",
    },
    "script": {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"},
    "prefetch": {**PAGE, "Sec-Fetch-Site": "same-origin", "Sec-Purpose": "prefetch"},
    "prerender of what is typed": {
        **PAGE,
        "Sec-Fetch-Site": "none",
        "Sec-Purpose": "prefetch;prerender",
    },
    "prefetch as it was": {**PAGE, "Purpose": "prefetch"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def supervisor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FakeSupervisor]:
    fake = FakeSupervisor(socket=tmp_path_factory.mktemp("run") / "supervisor.sock")
    async with fake.serve():
        yield fake


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(supervisor: FakeSupervisor) -> AsyncIterator[Hub]:
    settings = SandlotSettings.model_validate(CATALOGUE)
    async with running_hub(settings, supervisor.socket) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def browser(hub: Hub, user: str) -> AsyncIterator[Browser]:
    async with hub.browser(user) as running:
        yield running


@pytest.fixture
def user(hub: Hub) -> str:
    name = f"user-{len(hub.app.users)}"
    hub.add_user(name)
    return name


def _link(options: dict[str, str], more: str = "") -> str:
    return f"spawn?{urlencode({f'opt-{name}': value for name, value in options.items()})}{more}"


async def _open(browser: Browser, path: str, headers: dict[str, str]) -> tuple[int, str, str]:
    """Return the status, where it leads, and the page, with no headers but these."""
    async with aiohttp.ClientSession(
        cookie_jar=browser.session.cookie_jar, headers=headers
    ) as session:
        reply = await Browser(session, browser.hub).start_by_url(path)
    return reply.status, reply.headers.get("Location", ""), reply.text


@pytest.mark.parametrize("headers", STARTS.values(), ids=STARTS)
async def test_a_link_to_a_choice_of_the_list_starts_it(
    browser: Browser, user: str, supervisor: FakeSupervisor, headers: dict[str, str]
) -> None:
    await _open(browser, _link(LISTED), headers)
    (started,) = supervisor.started_for(user)
    assert (started.image, started.size) == ("base", "large")


@pytest.mark.parametrize("headers", FILLS_IN.values(), ids=FILLS_IN)
@pytest.mark.parametrize("options", [LISTED, NAMED], ids=["listed", "named"])
async def test_what_nobody_opens_only_fills_in_the_form(
    hub: Hub,
    browser: Browser,
    user: str,
    supervisor: FakeSupervisor,
    options: dict[str, str],
    headers: dict[str, str],
) -> None:
    status, location, _ = await _open(browser, _link(options), headers)
    assert (status, location) == (303, f"/hub/spawn/{user}#{urlencode(options)}")
    assert not supervisor.started_for(user)
    assert hub.failure_count == 0
    # One press starts it: nothing is under way.
    await browser.submit("spawn", LISTED)
    assert len(supervisor.started_for(user)) == 1


@pytest.mark.parametrize("headers", STARTS.values(), ids=STARTS)
async def test_an_image_that_a_link_names_is_for_its_reader_to_start(
    browser: Browser, user: str, headers: dict[str, str]
) -> None:
    status, location, _ = await _open(browser, _link(NAMED), headers)
    assert (status, location) == (303, f"/hub/spawn/{user}#{urlencode(NAMED)}")


@pytest.mark.parametrize("headers", STARTS.values(), ids=STARTS)
async def test_an_image_that_its_reader_has_named_is_tried_at_once(
    browser: Browser, user: str, headers: dict[str, str]
) -> None:
    # On one machine it is refused, which is how to tell that it was tried.
    await browser.submit("spawn", {**NAMED, "size": "small"})
    status, _, page = await _open(browser, _link(NAMED), headers)
    assert (status, "Code: reference-not-allowed" in page) == (403, True)
    status, location, _ = await _open(browser, _link(OTHER), headers)
    assert (status, location) == (303, f"/hub/spawn/{user}#{urlencode(OTHER)}")


async def test_the_way_on_is_kept_and_nothing_else(browser: Browser, user: str) -> None:
    picture = {"Sec-Fetch-Mode": "no-cors"}
    link = _link({**LISTED, "color": "red\r\nX: 1"}, "&next=/hub/home%23a&opt-size=small")
    _, location, _ = await _open(browser, link, picture)
    choice = urlencode({"profile": "everyday", "image": "base"})  # the size is there twice
    assert location == f"/hub/spawn/{user}?next=%2Fhub%2Fhome%23a#{choice}"
    _, location, _ = await _open(browser, "spawn?opt-color=red", picture)
    assert location == f"/hub/spawn/{user}"


async def test_a_named_server_keeps_its_address_and_its_title(browser: Browser, user: str) -> None:
    link = _link(NAMED, "&display_name=My%20second").replace("spawn?", f"spawn/{user}/second?")
    _, location, _ = await _open(browser, link, CLICKED)
    assert location == f"/hub/spawn/{user}/second?display_name=My+second#{urlencode(NAMED)}"
