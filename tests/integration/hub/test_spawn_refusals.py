"""Every way to ask for a server, with every kind of nonsense: refused the same everywhere."""

from __future__ import annotations

import html
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiohttp import FormData
from prometheus_client import REGISTRY

from sandlot_hub.domain.settings.model import SandlotSettings
from support.bad_options import REFUSED, REFUSED_AS_JSON, nested
from support.fake_supervisor import FakeSupervisor
from support.hub_app import Hub, running_hub
from support.local_catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from support.hub_app import Reply

# One hub for all of them: nothing that is refused may change anything for the next.
pytestmark = pytest.mark.asyncio(loop_scope="module")

DEFAULT = {"profile": "everyday", "image": "base", "size": "small"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def supervisor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FakeSupervisor]:
    fake = FakeSupervisor(socket=tmp_path_factory.mktemp("run") / "supervisor.sock")
    async with fake.serve():
        yield fake


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(supervisor: FakeSupervisor) -> AsyncIterator[Hub]:
    async with running_hub(SandlotSettings.model_validate(CATALOGUE), supervisor.socket) as running:
        yield running


@pytest.fixture
def user(hub: Hub) -> str:
    name = f"user-{len(hub.app.users)}"
    hub.add_user(name)
    return name


async def test_refusal_is_told_alike_on_every_way(
    hub: Hub, user: str, supervisor: FakeSupervisor
) -> None:
    sentence = "There is no profile “nope”. Choose “Everyday”."
    for server_name in ("", "second"):
        rest = await hub.rest(user)(
            "POST", _api(user, server_name), json={"user_options": {"profile": "nope"}}
        )
        assert (rest.status, json.loads(rest.text)["message"]) == (400, sentence)
        assert _problem(rest)["code"] == "profile-unknown"
        assert _problem(rest)["field"] == "profile"
        assert _problem(rest)["alternatives"][0]["profile"] == "everyday"

        progress = await hub.rest(user)("GET", f"{_api(user, server_name)}/progress")
        (event,) = _events(progress)
        assert event["failed"]
        assert event["message"] == f"Spawn failed: {sentence}"
        assert event["html_message"].startswith(sentence)

        async with hub.browser(user) as browser:
            pending = await browser.get(f"spawn-pending/{_page(user, server_name)}")
            _assert_tells(pending, sentence, code="profile-unknown")
            form = await browser.submit(f"spawn/{_page(user, server_name)}", {"profile": "nope"})
            _assert_tells(form, sentence, code="profile-unknown")
            assert 'name="profile"' in form.text
            by_url = await browser.start_by_url(
                f"spawn/{_page(user, server_name)}?opt-profile=nope"
            )
            _assert_tells(by_url, sentence, code="profile-unknown")
            assert 'name="profile"' in by_url.text
    assert not supervisor.started_for(user)


@pytest.mark.parametrize(("options", "code"), REFUSED.values(), ids=REFUSED)
async def test_refused_by_rest(
    hub: Hub, user: str, supervisor: FakeSupervisor, options: dict[str, Any], code: str
) -> None:
    for body in ({"user_options": options}, options):  # now, and as before JupyterHub 6
        reply = await hub.rest(user)("POST", f"users/{user}/server", json=body)
        _assert_refused(hub, user, supervisor, reply, code)


async def test_nesting_that_can_be_read_but_not_written_is_refused(
    hub: Hub, user: str, supervisor: FakeSupervisor
) -> None:
    rest = hub.rest(user)
    # Reading and writing give up at depths a few calls apart; where, depends on the stack.
    for depth in range(860, 1000, 4):
        body = f'{{"user_options": {nested(depth)}}}'
        reply = await rest("POST", f"users/{user}/server", data=body)
        assert reply.status == 400, depth
        assert hub.spawner(user).server is None
    assert hub.failure_count == 0
    assert not supervisor.started_for(user)


async def test_megabytes_are_refused_and_not_stored(
    hub: Hub, user: str, supervisor: FakeSupervisor
) -> None:
    body = json.dumps({"user_options": {"profile": "x" * 10_000_000}}).encode()
    rest = hub.rest(user)
    reply = await rest("POST", f"users/{user}/server", data=io.BytesIO(body))
    _assert_refused(hub, user, supervisor, reply, "options-too-large")
    patched = await rest("PATCH", f"users/{user}/server", data=io.BytesIO(body))
    assert (patched.status, len(patched.text) < 10_000) == (200, True)


@pytest.mark.parametrize(("options", "code"), REFUSED_AS_JSON.values(), ids=REFUSED_AS_JSON)
async def test_refused_by_rest_as_json(
    hub: Hub, user: str, supervisor: FakeSupervisor, options: str, code: str
) -> None:
    body = f'{{"user_options": {options}}}'
    reply = await hub.rest(user)("POST", f"users/{user}/server", data=body)
    _assert_refused(hub, user, supervisor, reply, code)
    listing = await hub.rest(user)("GET", f"users/{user}", params={"include_stopped_servers": "1"})
    assert listing.status == 200


@pytest.mark.parametrize(("options", "code"), REFUSED_AS_JSON.values(), ids=REFUSED_AS_JSON)
async def test_patched_options_are_judged_when_used(
    hub: Hub, user: str, supervisor: FakeSupervisor, options: str, code: str
) -> None:
    rest = hub.rest(user)
    patched = await rest("PATCH", f"users/{user}/server", data=f'{{"user_options": {options}}}')
    assert patched.status == 200
    # Storing may have replaced what cannot be stored; then it is refused as of a wrong type.
    reply = await rest("POST", f"users/{user}/server")
    assert _problem(reply)["code"] in {code, "options-type"}
    _assert_refused(hub, user, supervisor, reply, _problem(reply)["code"])
    assert (await rest("POST", f"users/{user}/server")).status == 201


@pytest.mark.parametrize(
    "value", ['["everyday"]', '"everyday"', "1", "NaN"], ids=["list", "text", "number", "nan"]
)
async def test_options_that_are_no_object_are_refused(
    hub: Hub, user: str, supervisor: FakeSupervisor, value: str
) -> None:
    body = f'{{"user_options": {value}}}'
    for method in ("POST", "PATCH"):
        reply = await hub.rest(user)(method, f"users/{user}/server", data=body)
        assert reply.status == 400
    assert not supervisor.started_for(user)
    assert hub.failure_count == 0


@pytest.mark.parametrize(("options", "code"), REFUSED.values(), ids=REFUSED)
async def test_refused_by_form(
    hub: Hub, user: str, supervisor: FakeSupervisor, options: dict[str, str], code: str
) -> None:
    async with hub.browser(user) as browser:
        reply = await browser.submit("spawn", options)
    _assert_shown(hub, user, supervisor, reply, code)
    assert "<script>alert" not in reply.text


async def test_repeated_and_uploaded_options_are_refused(
    hub: Hub, user: str, supervisor: FakeSupervisor
) -> None:
    upload = FormData({"profile": "everyday"})
    upload.add_field("profile", b"\x00\xff", filename="profile.txt")
    async with hub.browser(user) as browser:
        twice = await browser.submit("spawn", [("profile", "everyday"), ("profile", "course")])
        _assert_shown(hub, user, supervisor, twice, "option-repeated")
        by_url = await browser.start_by_url("spawn?opt-profile=everyday&opt-profile=course")
        _assert_shown(hub, user, supervisor, by_url, "option-repeated")
        file = await browser.submit("spawn", upload)
        _assert_shown(hub, user, supervisor, file, "option-unknown")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        pytest.param("opt-profile=vault", "profile-unknown", id="hidden profile"),
        pytest.param("opt-profile=everyday&opt-color=red", "option-unknown", id="unknown option"),
        pytest.param("opt-image=base", "profile-required", id="no profile"),
        pytest.param("opt-profile=", "profile-required", id="empty profile"),
        pytest.param("opt-profile=%3Cscript%3Ealert%3C/script%3E", "profile-unknown", id="markup"),
        pytest.param(f"opt-profile={'x' * 20_000}", "options-too-large", id="long"),
        pytest.param("profile=vault", "profile-unknown", id="without the prefix"),
    ],
)
async def test_refused_by_url(
    hub: Hub, user: str, supervisor: FakeSupervisor, query: str, code: str
) -> None:
    async with hub.browser(user) as browser:
        reply = await browser.start_by_url(f"spawn?{query}")
    _assert_shown(hub, user, supervisor, reply, code)
    assert "<script>alert" not in reply.text


@pytest.mark.slow
async def test_two_hundred_refusals_leave_the_hub_alive(
    hub: Hub, user: str, supervisor: FakeSupervisor
) -> None:
    before = _counted("failure", "profile-unknown")
    rest = hub.rest(user)
    for number in range(200):
        reply = await rest(
            "POST", f"users/{user}/server", json={"user_options": {"profile": f"p{number}"}}
        )
        assert reply.status == 400
    assert hub.failure_count == 0
    assert _counted("failure", "profile-unknown") == before + 200
    assert (await rest("POST", f"users/{user}/server")).status == 201
    assert len(supervisor.started_for(user)) == 1


async def test_stored_options_go_back_to_the_last_that_resolved(hub: Hub, user: str) -> None:
    chosen = {"profile": "everyday", "image": "base", "size": "large"}
    rest = hub.rest(user)
    assert (await rest("POST", f"users/{user}/server", json={"user_options": chosen})).status == 201
    assert (await rest("DELETE", f"users/{user}/server")).status == 204

    refused = await rest("POST", f"users/{user}/server", json={"user_options": {"profile": "nope"}})

    assert refused.status == 400
    options, state = hub.stored(user)
    assert options == chosen
    assert state["sandlot"]["last_options"] == chosen
    model = json.loads((await rest("GET", f"users/{user}/server")).text)
    assert model["user_options"] == chosen


async def test_refused_first_start_leaves_no_options(hub: Hub, user: str) -> None:
    rest = hub.rest(user)
    await rest("POST", f"users/{user}/server", json={"user_options": {"profile": "nope"}})
    assert hub.stored(user)[0] == {}
    assert (await rest("POST", f"users/{user}/server")).status == 201
    assert hub.stored(user)[0] == DEFAULT


async def test_form_after_a_refusal_keeps_what_was_chosen(hub: Hub, user: str) -> None:
    form = {"profile": "everyday", "profile-option-everyday--size": "large", "color": "red"}
    async with hub.browser(user) as browser:
        reply = await browser.submit("spawn", form)
    (large,) = [line for line in reply.text.split("<input") if 'value="large"' in line]
    assert "checked" in large


def _api(user: str, server_name: str) -> str:
    return f"users/{user}/servers/{server_name}" if server_name else f"users/{user}/server"


def _page(user: str, server_name: str) -> str:
    return f"{user}/{server_name}" if server_name else user


def _problem(reply: Reply) -> Mapping[str, Any]:
    problem: Mapping[str, Any] = json.loads(reply.headers["Sandlot-Problem"])
    return problem


def _events(reply: Reply) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in reply.text.splitlines()]
    return [json.loads(line) for line in lines if line]


def _assert_tells(page: Reply, sentence: str, *, code: str) -> None:
    assert page.status == 400
    assert sentence in html.unescape(page.text)
    assert f"Code: {code}" in page.text


def _assert_refused(
    hub: Hub, user: str, supervisor: FakeSupervisor, reply: Reply, code: str
) -> None:
    assert _problem(reply)["code"] == code
    _assert_nothing_happened(hub, user, supervisor, reply)


def _assert_shown(hub: Hub, user: str, supervisor: FakeSupervisor, page: Reply, code: str) -> None:
    assert f"Code: {code}" in page.text
    _assert_nothing_happened(hub, user, supervisor, page)


def _assert_nothing_happened(hub: Hub, user: str, supervisor: FakeSupervisor, reply: Reply) -> None:
    assert 400 <= reply.status < 500, reply.text
    assert not supervisor.started_for(user)
    assert hub.failure_count == 0
    assert hub.stored(user)[0] == {}
    assert hub.spawner(user).server is None


def _counted(status: str, reason: str) -> float:
    labels = {"status": status, "reason": reason}
    name = "jupyterhub_server_spawn_duration_seconds_count"
    return REGISTRY.get_sample_value(name, labels) or 0.0
