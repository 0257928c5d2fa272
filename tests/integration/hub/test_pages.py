"""What Sandlot adds to the hub's own pages."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

import pytest
from jupyterhub import orm

from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.spawner.page_files import page_files
from sandlot_hub.spawner.pages.variable import SandlotVariable
from support.fake_supervisor import no_socket
from support.hub_app import running_hub
from support.local_catalogue import CATALOGUE

if TYPE_CHECKING:
    from pathlib import Path

    from sandlot_hub.spawner.pages.variable import HomeServer
    from support.fake_supervisor import FakeSupervisor
    from support.hub_app import Hub

pytestmark = pytest.mark.asyncio

LARGE = {"profile": "everyday", "image": "base", "size": "large"}
ADMIN_PAGE = "sandlot/catalogue"


def _variable(hub: Hub, user: str = "alice") -> SandlotVariable:
    return SandlotVariable(hub.app.users[orm.User.find(hub.app.db, user)])


def _servers(hub: Hub) -> dict[str, HomeServer]:
    return {server.name: server for server in _variable(hub).servers}


# --- files -----------------------------------------------------------------------------


async def test_files_are_kept_for_ever_under_their_version(hub: Hub) -> None:
    async with hub.browser("alice") as browser:
        await browser.get("logout")
        # As a module is fetched, which the hub's own handlers refuse without a token.
        cors = {"Sec-Fetch-Mode": "cors"}
        path = f"sandlot/static/{page_files().version}/spawn.js"
        reply = await browser.get(path, headers=cors)
        old = await browser.get("sandlot/static/0123/spawn.css", headers=cors)
        missing = await browser.get("sandlot/static/0123/secrets.js", headers=cors)
    assert reply.status == 200
    assert reply.text.encode() == page_files().contents["spawn.js"]
    assert reply.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert (old.status, old.headers["Cache-Control"]) == (200, "no-store")
    assert missing.status == 404


async def test_pages_below_another_base_url(
    settings: SandlotSettings, supervisor: FakeSupervisor
) -> None:
    config = {"JupyterHub": {"bind_url": "http://127.0.0.1:0/some/where/"}}
    async with running_hub(settings, supervisor.socket, config=config) as hub:
        hub.add_user("alice")
        async with hub.browser("alice") as browser:
            form = await browser.get("spawn/alice/second")
        variable = _variable(hub)
    static = f"/some/where/hub/sandlot/static/{page_files().version}"
    assert f'href="{static}/spawn.css"' in form.text
    assert 'data-spawn-url="/some/where/hub/spawn/alice/second"' in form.text
    assert variable.static_url == static
    assert variable.catalogue_url == "/some/where/hub/sandlot/catalogue"
    assert variable.servers[0].api_url == "/some/where/hub/api/users/alice/server"


# --- the home page ---------------------------------------------------------------------


async def test_servers_from_never_started_to_stopped(hub: Hub, supervisor: FakeSupervisor) -> None:
    (never,) = _variable(hub).servers
    assert (never.title, never.state, never.choice, never.started) == (
        "Default server",
        "stopped",
        "",
        "",
    )
    assert never.again_url == never.spawn_url == "/hub/spawn/alice"

    supervisor.behaviour = "hangs"
    body = {"user_options": LARGE, "display_name": "My <second>"}
    rest = hub.rest("alice")
    start = asyncio.create_task(rest("POST", "users/alice/servers/second", json=body))
    await supervisor.asked("GET /v1/servers/")
    starting = _servers(hub)["second"]
    assert (starting.title, starting.state) == ("My <second>", "starting")
    assert starting.pending_url == "/hub/spawn-pending/alice/second"
    await supervisor.listen(supervisor.running[0])
    assert (await start).status == 201

    running = _servers(hub)["second"]
    assert (running.state, running.choice) == ("running", "Everyday · JupyterLab · Large")
    assert running.started.endswith("Z")
    assert running.url.endswith("/user/alice/second/")

    assert (await rest("DELETE", "users/alice/servers/second")).status == 204
    stopped = _servers(hub)["second"]
    assert (stopped.state, stopped.started) == ("stopped", "")
    assert stopped.choice == "Everyday · JupyterLab · Large"
    assert stopped.again_url == (
        "/hub/spawn/alice/second?opt-profile=everyday&opt-image=base&opt-size=large"
    )
    async with hub.browser("alice") as browser:
        assert "Everyday · JupyterLab · Large" in (await browser.get("home")).text


async def test_a_failed_start_says_why(hub: Hub, supervisor: FakeSupervisor) -> None:
    supervisor.behaviour = "exits"
    reply = await hub.rest("alice")("POST", "users/alice/server")
    (failed,) = _variable(hub).servers
    assert (failed.state, failed.failure) == ("failed", json.loads(reply.text)["message"])
    assert failed.failure_code == "server-exited"


async def test_a_server_that_ended_says_why_until_the_next_start(
    hub: Hub, supervisor: FakeSupervisor
) -> None:
    rest = hub.rest("alice")
    assert (await rest("POST", "users/alice/server")).status == 201
    spawner = hub.spawner("alice")
    await supervisor.end(spawner.spawn_id, exit_code=1, reason="It <was> ended.")
    await spawner.poll_and_notify()
    (ended,) = _variable(hub).servers
    assert (ended.state, ended.failure_code) == ("stopped", "server-exited")
    async with hub.browser("alice") as browser:
        for path in ("home", "user/alice/lab"):
            page = (await browser.get(path)).text
            assert "It &lt;was&gt; ended." in page
            assert '<small class="sandlot-code">Code: server-exited</small>' in page
        assert (await rest("POST", "users/alice/server")).status == 201
        assert (await rest("DELETE", "users/alice/server")).status == 204
        assert "server-exited" not in (await browser.get("home")).text
        assert "Nothing of it runs." in (await browser.get("user/alice/lab")).text


# --- the progress page -----------------------------------------------------------------


async def test_steps_are_drawn_as_they_stand(hub: Hub, supervisor: FakeSupervisor) -> None:
    supervisor.behaviour = "hangs"
    start = asyncio.create_task(hub.rest("alice")("POST", "users/alice/server"))
    await supervisor.asked("GET /v1/servers/")
    async with hub.browser("alice") as browser:
        page = (await browser.get("spawn-pending/alice")).text
    steps = re.findall(r'<li data-step="(\w+)" data-state="(\w+)" data-began="[\d.]+"', page)
    assert steps == [("allowed", "done"), ("process", "done"), ("answer", "now")]
    assert "Waiting for JupyterLab to answer…" in page
    await supervisor.listen(supervisor.running[0])
    assert (await start).status == 201


async def test_servers_after_a_restart_and_a_removal_from_the_settings(
    settings: SandlotSettings, supervisor: FakeSupervisor, tmp_path: Path
) -> None:
    database = tmp_path / "hub.sqlite"
    async with running_hub(settings, supervisor.socket, database=database) as hub:
        hub.add_user("alice")
        options = {"user_options": LARGE}
        assert (await hub.rest("alice")("POST", "users/alice/server", json=options)).status == 201
        started = _servers(hub)[""].started
    profiles = CATALOGUE["profiles"]
    narrow = {**profiles, "everyday": {**profiles["everyday"], "sizes": ["small"]}}
    narrowed = {**CATALOGUE, "profiles": {"everyday": narrow["everyday"]}}
    narrowed["sizes"] = {"small": CATALOGUE["sizes"]["small"]}
    renewed = SandlotSettings.model_validate(narrowed)
    async with running_hub(renewed, supervisor.socket, database=database) as hub:
        server = _servers(hub)[""]
        assert (server.state, server.started) == ("running", started)
        assert server.choice == hub.spawner("alice").choice_title == "Everyday · JupyterLab · large"
        assert hub.spawner("alice").started_at == started


async def test_services_with_a_title_are_told_to_those_who_may_open_them(
    settings: SandlotSettings, supervisor: FakeSupervisor
) -> None:
    told = {"sandlot": {"title": "Availability", "description": "What is free."}}
    ours = {"name": "offers", "url": "http://127.0.0.1:1", "timeout": 1, "info": told}
    theirs = {"name": "theirs", "url": "http://127.0.0.1:1", "timeout": 1}
    config = {"JupyterHub": {"services": [ours, theirs]}}
    async with running_hub(settings, supervisor.socket, config=config) as hub:
        hub.add_user("alice")
        (link,) = _variable(hub).services({"access:services!service=offers"})
        assert (link.title, link.description) == ("Availability", "What is free.")
        assert link.url == "/services/offers/"
        assert _variable(hub).services({"access:services!service=theirs"}) == ()


async def test_a_page_before_the_login_has_no_servers() -> None:
    assert SandlotVariable(None).servers == ()
    assert SandlotVariable(None).services({"access:services"}) == ()


# --- the catalogue ---------------------------------------------------------------------


async def test_the_catalogue_is_for_administrators(hub: Hub) -> None:
    async with hub.browser("alice") as browser:
        assert (await browser.get(ADMIN_PAGE)).status == 403
        await browser.get("logout")
        asked = await browser.get(ADMIN_PAGE, allow_redirects=False)
        assert asked.headers["Location"].startswith("/hub/login")


async def test_what_an_administrator_sees_of_others(hub: Hub) -> None:
    hub.add_user("boss", admin=True)
    hub.add_user("student", "cs101")
    async with hub.browser("boss") as browser:
        picker = await browser.get(ADMIN_PAGE)
        alice = await browser.get(f"{ADMIN_PAGE}?user=alice")
        student = await browser.get(f"{ADMIN_PAGE}?user=student")
        staff = await browser.get(f"{ADMIN_PAGE}?group=staff&group=cs101")
    assert picker.status == 200
    for name in ("alice", "student", "cs101", "staff"):
        assert f'value="{name}"' in picker.text
    assert "Vault" not in picker.text
    assert "This profile is hidden from everybody whom it is not for." in alice.text
    assert "for members of cs101. Choose another" in alice.text
    assert "for members of cs101. Choose another" not in student.text
    assert "This profile is hidden from everybody" not in staff.text


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        pytest.param("user=nobody", "There is no user “nobody”.", id="user"),
        pytest.param("group=x%3Cb%3E", "There is no group “x&lt;b&gt;”", id="group"),
        pytest.param("group=" + "&group=".join(map(str, range(60))), "more than 50", id="many"),
    ],
)
async def test_who_is_not_there_is_said(hub: Hub, query: str, problem: str) -> None:
    hub.add_user("boss", admin=True)
    async with hub.browser("boss") as browser:
        page = await browser.get(f"{ADMIN_PAGE}?{query}")
    assert page.status == 200
    assert problem in page.text


async def test_a_machine_that_does_not_answer_is_said(hub: Hub, supervisor: FakeSupervisor) -> None:
    hub.add_user("boss", admin=True)
    with no_socket(supervisor.socket):
        async with hub.browser("boss") as browser:
            page = await browser.get(f"{ADMIN_PAGE}?user=alice")
    assert "The part of Sandlot that starts servers does not answer." in page.text


async def test_names_are_suggested_by_their_beginning(hub: Hub) -> None:
    hub.add_user("boss", admin=True)
    hub.add_user("al%x")
    async with hub.browser("boss") as browser:
        page = await browser.get(f"{ADMIN_PAGE}?prefix=al%25")
    assert 'value="al%x"' in page.text
    assert 'value="alice"' not in page.text
