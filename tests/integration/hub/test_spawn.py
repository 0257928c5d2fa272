"""Starting, watching, stopping and finding again: a real hub over a fake supervisor."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_contracts.session import SESSION_ENV, Session
from sandlot_contracts.supervisor import LocalImage
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.spawner.machine import FACILITIES_AGE
from support.fake_supervisor import FakeSupervisor, facilities
from support.hub_app import running_hub
from support.local_catalogue import CATALOGUE

if TYPE_CHECKING:
    from pathlib import Path

    from support.hub_app import Hub

pytestmark = pytest.mark.asyncio

LARGE = {"profile": "everyday", "image": "base", "size": "large"}
SERVER = "users/alice/server"


async def test_start_without_options_takes_the_default(
    hub: Hub, supervisor: FakeSupervisor
) -> None:
    reply = await hub.rest("alice")("POST", SERVER)

    assert reply.status == 201, reply.text
    (request,) = supervisor.started_for("alice")
    assert (request.image, request.size, request.server_name) == ("base", "small", "")
    model = json.loads((await hub.rest("alice")("GET", SERVER)).text)
    assert model["ready"]
    assert model["user_options"] == {"profile": "everyday", "image": "base", "size": "small"}


async def test_start_without_options_takes_the_last_choice(
    hub: Hub, supervisor: FakeSupervisor
) -> None:
    rest = hub.rest("alice")
    assert (await rest("POST", SERVER, json={"user_options": LARGE})).status == 201
    assert (await rest("DELETE", SERVER)).status == 204
    assert (await rest("POST", SERVER)).status == 201
    assert [request.size for request in supervisor.started_for("alice")] == ["large", "large"]


async def test_every_server_has_its_own_last_choice(hub: Hub, supervisor: FakeSupervisor) -> None:
    rest = hub.rest("alice")
    second = "users/alice/servers/second"
    assert (await rest("POST", second, json={"user_options": LARGE})).status == 201
    assert (await rest("POST", SERVER)).status == 201
    started = {request.server_name: request.size for request in supervisor.started_for("alice")}
    assert started == {"second": "large", "": "small"}


async def test_form_starts_what_was_chosen(hub: Hub, supervisor: FakeSupervisor) -> None:
    form = {
        "profile": "everyday",
        "profile-option-everyday--image": "base",
        "profile-option-everyday--size": "large",
        "profile-option-course--size": "small",  # without JavaScript all groups are posted
    }
    async with hub.browser("alice") as browser:
        await browser.submit("spawn", form)
    (request,) = supervisor.started_for("alice")
    assert (request.image, request.size) == ("base", "large")


async def test_url_starts_what_it_names(hub: Hub, supervisor: FakeSupervisor) -> None:
    async with hub.browser("alice") as browser:
        await browser.start_by_url("spawn?opt-profile=everyday&opt-size=large")
    (request,) = supervisor.started_for("alice")
    assert request.size == "large"


async def test_group_opens_a_profile(hub: Hub, supervisor: FakeSupervisor) -> None:
    hub.add_user("student", "cs101")
    options = {"user_options": {"profile": "course"}}
    reply = await hub.rest("student")("POST", "users/student/server", json=options)
    assert reply.status == 201
    (request,) = supervisor.started_for("student")
    assert request.size == "small"


async def test_server_is_told_its_session_and_no_more_than_allowed(
    settings: SandlotSettings, supervisor: FakeSupervisor
) -> None:
    supervisor.facilities = facilities(memory_enforced=False, isolation="shared-uid")
    environment = {"LD_PRELOAD": "/evil.so", "JUPYTER_PLATFORM_DIRS": "1", "LANG": "C"}
    config = {"Spawner": {"environment": environment, "default_url": "/lab"}}
    async with running_hub(settings, supervisor.socket, config=config) as hub:
        hub.add_user("alice")
        await hub.rest("alice")("POST", SERVER, json={"user_options": LARGE})
    (request,) = supervisor.started_for("alice")
    session = Session.model_validate_json(request.environment[SESSION_ENV])
    assert (session.owner, session.size.slug, session.isolation) == ("alice", "large", "shared-uid")
    assert session.spawn_id == request.spawn_id
    assert session.settings_hash == request.settings_hash
    assert not session.size.memory_enforced
    assert request.environment["JUPYTER_PLATFORM_DIRS"] == "1"
    assert request.environment["JUPYTERHUB_SERVICE_URL"].startswith(
        f"http://127.0.0.1:{request.port}/"
    )
    assert {name.partition("_")[0] for name in request.environment} == {
        "JUPYTERHUB",
        "JUPYTER",
        "SANDLOT",
    }
    assert request.environment["JUPYTERHUB_API_TOKEN"] not in request.environment[SESSION_ENV]


async def test_text_of_users_is_never_a_format_string(
    settings: SandlotSettings, supervisor: FakeSupervisor
) -> None:
    name = "{base_url.__class__}{x:>999999999}"
    config = {"Spawner": {"default_url": "/lab/tree/{username}"}}
    async with running_hub(settings, supervisor.socket, config=config) as hub:
        hub.add_user(name)
        reply = await hub.rest(name)("POST", f"users/{name}/server")
        assert reply.status == 201
    (request,) = supervisor.started_for(name)
    assert request.environment["JUPYTERHUB_DEFAULT_URL"] == f"/lab/tree/{name}"


async def test_state_holds_no_secret(hub: Hub, supervisor: FakeSupervisor) -> None:
    await hub.rest("alice")("POST", SERVER)
    (request,) = supervisor.started_for("alice")
    _, state = hub.stored("alice")
    assert state["sandlot"]["spawn_id"] == request.spawn_id
    assert request.environment["JUPYTERHUB_API_TOKEN"] not in json.dumps(state)


async def test_stop_ends_the_process(hub: Hub, supervisor: FakeSupervisor) -> None:
    rest = hub.rest("alice")
    await rest("POST", SERVER)
    assert (await rest("DELETE", SERVER)).status == 204
    assert not supervisor.running
    assert hub.stored("alice")[1]["sandlot"]["spawn_id"] == ""


async def test_server_that_ends_is_noticed(hub: Hub, supervisor: FakeSupervisor) -> None:
    await hub.rest("alice")("POST", SERVER)
    (server,) = supervisor.running
    await supervisor.end(server.state.spawn_id, exit_code=137)
    assert await hub.spawner("alice").poll_and_notify() == 137
    assert not hub.spawner("alice").active


# --- failures ------------------------------------------------------------------------


async def test_process_that_ends_is_the_users_matter(hub: Hub, supervisor: FakeSupervisor) -> None:
    supervisor.behaviour = "exits"
    supervisor.log = ("\x1b[31mImportError: <b>jupyterlab</b>\x1b[0m",)
    sentence = (
        "Your server ended with code 1 while it was starting. It could not import jupyterlab."
    )

    reply = await hub.rest("alice")("POST", SERVER)

    assert reply.status == 424
    assert json.loads(reply.text)["message"].startswith(sentence)
    assert json.loads(reply.headers["Sandlot-Problem"])["code"] == "server-exited"
    assert hub.failure_count == 0
    async with hub.browser("alice") as browser:
        page = await browser.get("spawn-pending/alice")
    assert sentence in page.text
    assert "ImportError: &lt;b&gt;jupyterlab&lt;/b&gt;" in page.text
    assert "spawn/alice?opt-profile=everyday&amp;opt-image=base&amp;opt-size=small" in page.text


async def test_process_that_never_listens_is_ended_and_told(
    hub: Hub, supervisor: FakeSupervisor
) -> None:
    supervisor.behaviour = "hangs"
    reply = await hub.rest("alice")("POST", SERVER)
    assert reply.status == 424
    assert "did not answer within 2 s" in json.loads(reply.text)["message"]
    assert not supervisor.running
    assert hub.failure_count == 0


async def test_refusal_of_the_supervisor_is_the_hubs_trouble(
    hub: Hub, supervisor: FakeSupervisor
) -> None:
    supervisor.behaviour = "refused"
    reply = await hub.rest("alice")("POST", SERVER)
    assert reply.status == 503
    assert json.loads(reply.text)["message"] == "All accounts of this machine are taken."
    assert json.loads(reply.headers["Sandlot-Problem"])["code"] == "out-of-uids"
    assert hub.failure_count == 1


async def test_without_supervisor_every_page_says_so(
    settings: SandlotSettings, tmp_path: Path
) -> None:
    async with running_hub(settings, tmp_path / "nobody.sock") as hub:
        hub.add_user("alice")
        reply = await hub.rest("alice")("POST", SERVER)
        assert reply.status == 503
        assert "The part of Sandlot that starts servers does not answer." in reply.text
        assert hub.failure_count == 1
        async with hub.browser("alice") as browser:
            form = await browser.get("spawn")
        assert form.status == 503
        assert "The part of Sandlot that starts servers does not answer." in form.text


async def test_silent_supervisor_takes_no_server_away(
    settings: SandlotSettings, supervisor: FakeSupervisor
) -> None:
    async with running_hub(settings, supervisor.socket) as hub:
        hub.add_user("alice")
        await hub.rest("alice")("POST", SERVER)
        supervisor.socket.rename(supervisor.socket.with_suffix(".away"))
        assert await hub.spawner("alice").poll() is None
        supervisor.socket.with_suffix(".away").rename(supervisor.socket)
        assert await hub.spawner("alice").poll() is None


async def test_cancelled_start_leaves_no_process(hub: Hub, supervisor: FakeSupervisor) -> None:
    supervisor.hold_starts = asyncio.Event()
    rest = hub.rest("alice")
    start = asyncio.create_task(rest("POST", SERVER))
    await supervisor.asked("PUT /v1/servers")
    # Cancelled while the request is on its way: the process comes to be only afterwards.
    stop = asyncio.create_task(rest("DELETE", SERVER))
    await asyncio.wait([start])
    supervisor.hold_starts.set()
    assert (await stop).status in {202, 204}
    await supervisor.asked("DELETE /v1/servers/")
    assert len(supervisor.servers) == 1
    assert not supervisor.running
    assert hub.failure_count == 0


# --- a hub that starts again ---------------------------------------------------------


async def test_next_hub_finds_the_server_again(
    settings: SandlotSettings, supervisor: FakeSupervisor, tmp_path: Path
) -> None:
    database = tmp_path / "hub.sqlite"
    async with running_hub(settings, supervisor.socket, database=database) as hub:
        hub.add_user("alice")
        assert (await hub.rest("alice")("POST", SERVER)).status == 201
    async with running_hub(settings, supervisor.socket, database=database) as hub:
        rest = hub.rest("alice")
        model = json.loads((await rest("GET", SERVER)).text)
        assert model["ready"]
        assert len(supervisor.servers) == 1
        assert (await rest("DELETE", SERVER)).status == 204
    assert not supervisor.running


async def test_next_hub_finds_a_server_whose_start_was_cut_off(
    settings: SandlotSettings, supervisor: FakeSupervisor, tmp_path: Path
) -> None:
    database = tmp_path / "hub.sqlite"
    supervisor.behaviour = "hangs"
    async with running_hub(settings, supervisor.socket, database=database) as hub:
        hub.add_user("alice")
        start = asyncio.create_task(hub.rest("alice")("POST", SERVER))
        await supervisor.asked("GET /v1/servers/")
    await asyncio.gather(start, return_exceptions=True)
    (server,) = supervisor.running
    await supervisor.listen(server)
    async with running_hub(settings, supervisor.socket, database=database) as hub:
        model = json.loads((await hub.rest("alice")("GET", SERVER)).text)
        assert model["ready"]
        assert hub.spawner("alice").server.port == server.request.port
    assert len(supervisor.servers) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(None, 201, id="repeated, gives way to the default"),
        pytest.param({"user_options": LARGE}, 409, id="asked for, is refused"),
    ],
)
async def test_last_choice_that_is_gone(
    settings: SandlotSettings,
    supervisor: FakeSupervisor,
    tmp_path: Path,
    body: dict[str, Any] | None,
    status: int,
) -> None:
    database = tmp_path / "hub.sqlite"
    async with running_hub(settings, supervisor.socket, database=database) as hub:
        hub.add_user("alice")
        rest = hub.rest("alice")
        assert (await rest("POST", SERVER, json={"user_options": LARGE})).status == 201
        assert (await rest("DELETE", SERVER)).status == 204
    profiles = CATALOGUE["profiles"]
    narrow = {**profiles, "everyday": {**profiles["everyday"], "sizes": ["small"]}}
    narrowed = SandlotSettings.model_validate({**CATALOGUE, "profiles": narrow})
    async with running_hub(narrowed, supervisor.socket, database=database) as hub:
        reply = await hub.rest("alice")("POST", SERVER, json=body)
        assert 400 <= reply.status < 500 if status == 409 else reply.status == status


async def test_deleted_user_leaves_the_files(
    hub: Hub, supervisor: FakeSupervisor, caplog: pytest.LogCaptureFixture
) -> None:
    hub.add_user("boss", admin=True)
    hub.app.log.setLevel(logging.INFO)
    with caplog.at_level(logging.INFO):
        reply = await hub.rest("boss")("DELETE", "users/alice")
    assert reply.status == 204
    assert "'alice' were kept in /homes/alice" in caplog.text


async def test_images_are_asked_for_at_most_once_a_second(
    hub: Hub, supervisor: FakeSupervisor
) -> None:
    assert FACILITIES_AGE == 1.0
    ready = LocalImage(state="ready")
    supervisor.facilities = facilities(images={"base": ready, "scipy": ready})
    async with hub.browser("alice") as browser:
        await asyncio.gather(*(browser.get("spawn") for _ in range(10)))
    asked = [entry for entry in supervisor.requests if entry == "GET /v1/facilities"]
    assert len(asked) < 5
