"""The pages as a browser without JavaScript gets them, and what the pending page is fed."""

from __future__ import annotations

import asyncio
from collections import Counter
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.supervisor import LocalImage
from sandlot_hub.domain.settings.model import SandlotSettings
from support.fake_supervisor import FakeSupervisor, facilities
from support.hub_app import running_hub
from support.local_catalogue import CATALOGUE

if TYPE_CHECKING:
    from support.hub_app import Hub, Reply

pytestmark = pytest.mark.asyncio

SHARED_NOTE = "everybody who can log in can read and change everybody else's files"


async def test_form_is_complete_without_javascript(hub: Hub, supervisor: FakeSupervisor) -> None:
    building = LocalImage(state="building", progress=0.4)
    supervisor.facilities = facilities(
        images={"base": LocalImage(state="ready"), "scipy": building},
        memory_enforced=False,
        memory_detail="There is no cgroup to write to.",
    )
    page = await _spawn_page(hub, "alice")

    assert page.text_of("h1") == ["Start a server"]
    assert page.field("profile") == {"everyday": "checked", "course": "disabled"}
    assert page.field("profile-option-everyday--image") == {"base": "checked", "scipy": "disabled"}
    assert page.field("profile-option-everyday--size") == {"small": "checked", "large": ""}
    assert "for members of cs101" in page.reply.text
    assert "It is being built on this machine, 40% done." in page.reply.text
    assert "4 CPU · 8 GiB memory" in page.reply.text
    assert "Memory is not enforced here" in page.reply.text
    assert "There is no cgroup to write to." in page.reply.text
    assert "vault" not in page.reply.text.lower()
    assert "sealed" not in page.reply.text.lower()


async def test_form_is_not_kept(hub: Hub) -> None:
    # It holds a ticket, and numbers that are not true any more when somebody goes back to it.
    async with hub.browser("alice") as browser:
        for path in ("spawn", "spawn?opt-profile=nope"):
            assert (await browser.get(path)).headers["Cache-Control"] == "no-store"


async def test_every_field_has_a_label_and_ids_are_unique(hub: Hub) -> None:
    hub.add_user("student", "cs101", "staff")
    page = await _spawn_page(hub, "student")
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    labelled = {attributes.get("for") for tag, attributes in page.tags if tag == "label"}
    radios = [a for tag, a in page.tags if tag == "input" and a.get("type") == "radio"]
    assert len(radios) == 3 + (3 + 2) + (1 + 1) + (1 + 1)
    assert {radio["id"] for radio in radios} <= labelled
    assert {radio["aria-describedby"] for radio in radios} <= set(ids)
    groups = [tag for tag, _ in page.tags if tag == "fieldset"]
    assert len(groups) == len([tag for tag, _ in page.tags if tag == "legend"]) == 1 + 2 * 3


async def test_names_and_groups_are_escaped(
    settings: SandlotSettings, supervisor: FakeSupervisor
) -> None:
    evil = '"><script>alert(1)</script>'
    document = settings.model_dump(mode="json")
    document["images"]["base"].update(display_name=evil, description=evil)
    document["profiles"]["everyday"].update(display_name=evil, description=evil)
    async with running_hub(SandlotSettings.model_validate(document), supervisor.socket) as hub:
        hub.add_user("alice", evil)
        page = await _spawn_page(hub, "alice")
        supervisor.behaviour = "exits"
        supervisor.log = (evil,)
        await hub.rest("alice")("POST", "users/alice/server")
        async with hub.browser("alice") as browser:
            failed = await browser.get("spawn-pending/alice")
    for text in (page.reply.text, failed.text):
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text


async def test_one_profile_goes_straight_to_image_and_size(supervisor: FakeSupervisor) -> None:
    one = {**CATALOGUE, "profiles": {"everyday": CATALOGUE["profiles"]["everyday"]}}
    async with running_hub(SandlotSettings.model_validate(one), supervisor.socket) as hub:
        hub.add_user("alice")
        page = await _spawn_page(hub, "alice")
    assert page.field("profile") == {"everyday": ""}
    assert ("input", "hidden") in {(tag, a.get("type")) for tag, a in page.tags}
    assert "for Everyday" not in page.reply.text


async def test_nothing_to_start_says_why(supervisor: FakeSupervisor) -> None:
    closed = {**CATALOGUE["profiles"]["course"], "hidden": True}
    none = {**CATALOGUE, "profiles": {"course": closed}}
    async with running_hub(SandlotSettings.model_validate(none), supervisor.socket) as hub:
        hub.add_user("alice")
        page = await _spawn_page(hub, "alice")
        assert "No profile is open to you" in page.reply.text
        (button,) = [a for tag, a in page.tags if a.get("id") == "sandlot-start"]
        assert "disabled" in button
        reply = await hub.rest("alice")("POST", "users/alice/server")
        assert reply.status == 403


@pytest.mark.parametrize(
    ("isolation", "told"),
    [pytest.param("shared-uid", True, id="shared"), pytest.param("own-uid", False, id="own")],
)
async def test_shared_account_is_told_before_and_after_the_login(
    settings: SandlotSettings, supervisor: FakeSupervisor, isolation: str, *, told: bool
) -> None:
    config = {"JupyterHub": {"template_vars": {"sandlot_isolation": isolation}}}
    async with running_hub(settings, supervisor.socket, config=config) as hub:
        hub.add_user("alice")
        async with hub.browser("alice") as browser:
            await browser.get("logout")
            login = await browser.get("login")
            await browser.log_in("alice")
            spawn = await browser.get("spawn")
    assert [SHARED_NOTE in page.text for page in (login, spawn)] == [told, told]


async def test_progress_tells_the_steps_with_reasons(hub: Hub, supervisor: FakeSupervisor) -> None:
    supervisor.behaviour = "hangs"
    rest = hub.rest("alice")
    start = asyncio.create_task(rest("POST", "users/alice/server"))
    await supervisor.asked("GET /v1/servers/")
    async with hub.browser("alice") as browser:
        page = await browser.get("spawn-pending/alice")
    events = []
    async for event in rest.events("users/alice/server/progress"):
        events.append(event)
        if event["message"] == "Waiting for JupyterLab to answer…":
            await supervisor.listen(supervisor.running[0])
    await start
    assert "Starting: Everyday · JupyterLab · Small" in page.text
    assert [(e.get("step"), e.get("state"), e["message"]) for e in events[1:-1]] == [
        ("allowed", "done", "Allowed: JupyterLab, Small."),
        ("process", "now", "Starting JupyterLab…"),
        ("process", "done", "The server's process runs."),
        ("answer", "now", "Waiting for JupyterLab to answer…"),
        ("answer", "now", "JupyterLab listens; connecting you…"),
    ]
    assert events[-1]["ready"]


async def test_failure_is_told_with_its_code_and_log(hub: Hub, supervisor: FakeSupervisor) -> None:
    supervisor.behaviour = "hangs"
    supervisor.log = ("first", "last")
    rest = hub.rest("alice")
    start = asyncio.create_task(rest("POST", "users/alice/server"))
    await supervisor.asked("GET /v1/servers/")
    events = []
    async for event in rest.events("users/alice/server/progress"):
        events.append(event)
        if event["message"] == "Waiting for JupyterLab to answer…":
            await supervisor.end(supervisor.running[0].state.spawn_id, exit_code=3)
    await start
    told, failed = events[-2:]
    assert (told["state"], told["code"]) == ("failed", "server-exited")
    assert told["details"] == ["first", "last"]
    assert failed["failed"]
    assert failed["html_message"].startswith("Your server ended with code 3")


async def test_double_click_leads_to_the_one_start(hub: Hub, supervisor: FakeSupervisor) -> None:
    async with hub.browser("alice") as browser:
        url, form = f"spawn?_xsrf={browser.xsrf}", {"profile": "everyday"}
        clicks = [browser.post(url, data=form, allow_redirects=False) for _ in range(4)]
        replies = await asyncio.gather(*clicks)
    assert len(supervisor.started_for("alice")) == 1
    assert hub.failure_count == 0
    # The hub's own word to a click that comes a little later is 400.
    assert {reply.status for reply in replies} <= {302, 303, 400}
    led = [reply.headers["Location"] for reply in replies if reply.status == 303]
    assert all(location == "/hub/spawn-pending/alice" for location in led)


class Page(HTMLParser):
    """A page's tags in their order, and the texts of some."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._texts: list[tuple[str, str]] = []
        self.feed(reply.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.tags and data.strip():
            self._texts.append((self.tags[-1][0], data.strip()))

    def text_of(self, tag: str) -> list[str]:
        return [text for name, text in self._texts if name == tag]

    def field(self, name: str) -> dict[str, str]:
        """Return the values of a field, each with how it is: checked, disabled or neither."""
        inputs = [a for tag, a in self.tags if tag == "input" and a.get("name") == name]
        states = ("checked", "disabled")
        return {a["value"]: next((s for s in states if s in a), "") for a in inputs}


async def _spawn_page(hub: Hub, user: str) -> Page:
    async with hub.browser(user) as browser:
        return Page(await browser.get("spawn"))
