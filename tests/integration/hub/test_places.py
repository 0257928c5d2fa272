"""The last place of a size: one of two people gets it, whatever way and however close they ask."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.domain.settings.model import SandlotSettings
from support.hub_app import running_hub
from support.local_catalogue import CATALOGUE

if TYPE_CHECKING:
    from pathlib import Path

    from support.fake_supervisor import FakeSupervisor
    from support.hub_app import Hub, Reply

pytestmark = pytest.mark.asyncio

FULL = "The only place of the size “Small” is taken. Choose another size, or try again later."
SMALL = {"profile": "everyday", "image": "base", "size": "small"}
LARGE = {**SMALL, "size": "large"}
FORM = {
    "profile": "everyday",
    "profile-option-everyday--image": "base",
    "profile-option-everyday--size": "small",
}


@pytest.fixture
def settings() -> SandlotSettings:
    """One place of the small size."""
    small = {**CATALOGUE["sizes"]["small"], "max_running": 1}
    sizes = {**CATALOGUE["sizes"], "small": small}
    return SandlotSettings.model_validate({**CATALOGUE, "sizes": sizes})


async def _start(hub: Hub, user: str, options: dict[str, str] = SMALL) -> Reply:
    return await hub.rest(user)("POST", f"users/{user}/server", json={"user_options": options})


async def _stop(hub: Hub, user: str) -> None:
    reply = await hub.rest(user)("DELETE", f"users/{user}/server")
    assert reply.status == 204


def _running(hub: Hub) -> dict[str, int]:
    return hub.spawner("alice").places.running()


def _code(reply: Reply) -> str:
    return str(json.loads(reply.headers["Sandlot-Problem"])["code"])


async def test_of_many_at_once_one_gets_the_last_place(
    hub: Hub, supervisor: FakeSupervisor
) -> None:
    users = [f"user-{number}" for number in range(6)]
    for user in users:
        hub.add_user(user)
    supervisor.hold_facilities = asyncio.Event()
    starts = [asyncio.create_task(_start(hub, user)) for user in users]
    await supervisor.asked("GET /v1/facilities")
    # All of them wait for the same answer, and decide in the same turn of the loop.
    supervisor.hold_facilities.set()
    replies = await asyncio.gather(*starts)
    assert sorted(reply.status for reply in replies) == [201, 409, 409, 409, 409, 409]
    refused = [reply for reply in replies if reply.status == 409]
    assert {_code(reply) for reply in refused} == {"size-full"}
    assert {json.loads(reply.text)["message"] for reply in refused} == {FULL}
    assert len(supervisor.running) == 1
    assert _running(hub) == {"small": 1}
    assert hub.failure_count == 0


async def test_form_and_rest_ask_for_the_same_place(hub: Hub, supervisor: FakeSupervisor) -> None:
    hub.add_user("bob")
    supervisor.hold_facilities = asyncio.Event()
    async with hub.browser("bob") as browser:
        by_form = asyncio.create_task(browser.submit("spawn", FORM))
        by_rest = asyncio.create_task(_start(hub, "alice"))
        await supervisor.asked("GET /v1/facilities")
        supervisor.hold_facilities.set()
        form, rest = await asyncio.gather(by_form, by_rest)
    assert (rest.status == 201) != (FULL not in form.text)
    assert len(supervisor.running) == 1


async def test_the_refused_form_says_what_is_taken_and_what_is_left(
    hub: Hub, supervisor: FakeSupervisor
) -> None:
    hub.add_user("bob")
    await _start(hub, "alice")
    async with hub.browser("bob") as browser:
        refused = await browser.submit("spawn", FORM)
    assert refused.status == 409
    assert _code(refused) == "size-full"
    assert FULL in refused.text
    # The supervisor still says that nothing runs; what this hub granted counts.
    assert supervisor.facilities.running == {}
    assert "opt-size=large" in refused.text


@pytest.mark.parametrize("behaviour", ["exits", "hangs", "refused"])
async def test_a_start_that_fails_gives_its_place_back(
    hub: Hub, supervisor: FakeSupervisor, behaviour: Any
) -> None:
    supervisor.behaviour = behaviour
    assert (await _start(hub, "alice")).status in {424, 503}
    assert _running(hub) == {}
    supervisor.behaviour = "listens"
    assert (await _start(hub, "alice")).status == 201


async def test_a_refused_start_takes_none(hub: Hub) -> None:
    assert (await _start(hub, "alice", {"profile": "nope"})).status == 400
    assert _running(hub) == {}


async def test_another_size_is_another_place_and_a_stop_frees_it(hub: Hub) -> None:
    hub.add_user("bob")
    assert (await _start(hub, "alice")).status == 201
    assert (await _start(hub, "bob")).status == 409
    assert (await _start(hub, "bob", LARGE)).status == 201
    assert _running(hub) == {"small": 1, "large": 1}
    await _stop(hub, "alice")
    await _stop(hub, "bob")
    assert _running(hub) == {}
    assert (await _start(hub, "bob")).status == 201


async def test_a_server_that_ends_by_itself_gives_its_place_back(
    hub: Hub, supervisor: FakeSupervisor
) -> None:
    await _start(hub, "alice")
    await supervisor.end(supervisor.running[0].state.spawn_id, exit_code=1)
    await hub.spawner("alice").poll_and_notify()
    assert _running(hub) == {}


async def test_named_servers_count_and_so_does_their_end(hub: Hub) -> None:
    rest, path = hub.rest("alice"), "users/alice/servers/second"
    assert (await rest("POST", path, json={"user_options": SMALL})).status == 201
    assert (await _start(hub, "alice")).status == 409
    assert (await rest("DELETE", path, json={"remove": True})).status == 204
    assert (await _start(hub, "alice")).status == 201


async def test_the_next_hub_counts_what_runs(
    settings: SandlotSettings, supervisor: FakeSupervisor, tmp_path: Path
) -> None:
    database = tmp_path / "hub.sqlite"
    async with running_hub(settings, supervisor.socket, database=database) as hub:
        hub.add_user("alice")
        hub.add_user("bob")
        hub.add_user("carol")
        await _start(hub, "alice")
        await _start(hub, "carol", LARGE)
    # One of them ends while there is no hub.
    (large,) = [s for s in supervisor.running if s.request.owner == "carol"]
    await supervisor.end(large.state.spawn_id, exit_code=0)
    async with running_hub(settings, supervisor.socket, database=database) as hub:
        assert _running(hub) == {"small": 1}
        assert (await _start(hub, "bob")).status == 409
        await _stop(hub, "alice")
        assert (await _start(hub, "bob")).status == 201


@pytest.mark.parametrize("survives", [True, False])
async def test_a_hub_that_was_killed_in_the_middle_of_a_start(
    settings: SandlotSettings, supervisor: FakeSupervisor, tmp_path: Path, *, survives: bool
) -> None:
    database = tmp_path / "hub.sqlite"
    supervisor.behaviour = "hangs"
    async with running_hub(settings, supervisor.socket, database=database) as hub:
        hub.add_user("alice")
        start = asyncio.create_task(_start(hub, "alice"))
        await supervisor.asked("GET /v1/servers/")
    await asyncio.gather(start, return_exceptions=True)
    (server,) = supervisor.running
    if survives:
        await supervisor.listen(server)
    else:
        await supervisor.end(server.state.spawn_id, exit_code=1)
    async with running_hub(settings, supervisor.socket, database=database) as hub:
        assert _running(hub) == ({"small": 1} if survives else {})
