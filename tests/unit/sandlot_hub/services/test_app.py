from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from yarl import URL

from sandlot_contracts.problem import PROBLEM_MEDIA_TYPE, Problem
from sandlot_hub.services.access import Machine, Open, Page, TokenApi
from sandlot_hub.services.app import cookie_secret
from sandlot_hub.services.handlers import ServiceHandler, allowed_methods
from support.probe_service import ALICE, ProbeService
from support.service_process import TOKEN, service_config

if TYPE_CHECKING:
    from tornado.web import Application, RequestHandler

    from support.fake_hub import FakeHub
    from support.service_process import Answer, RunningService

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HTML = {"Accept": "text/html"}


def table(application: Application) -> list[tuple[str, Any, type[RequestHandler]]]:
    """Return what the application really routes: template, policy, handler."""
    rules = application.wildcard_router.rules
    return [
        (rule.target_kwargs["template"], rule.target_kwargs["access"], rule.target)
        for rule in rules
    ]


def problem(answer: Answer) -> Problem:
    assert answer.headers["Content-Type"] == PROBLEM_MEDIA_TYPE
    return Problem.model_validate(answer.json)


# --- the route table ---------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_every_route_lets_nobody_in_without_a_login(
    probe: RunningService, service: ProbeService, hub: FakeHub
) -> None:
    service.gate.set()
    let_in = set()
    for template, _, handler in table(service.application):
        path = template.replace("{key}", "1")
        for method in METHODS:
            answer = await probe.ask(path, method=method)
            if method not in allowed_methods(handler):
                assert answer.status == 405, (template, method)
            elif answer.status not in {302, 401}:
                let_in.add(template)
    assert let_in == {"health", "oauth_callback", "api/v1/slow"}
    assert hub.arrived == []


@pytest.mark.asyncio
async def test_the_common_routes_have_their_policy(
    probe: RunningService, service: ProbeService
) -> None:
    policies = {template: access for template, access, _ in table(service.application)}
    assert isinstance(policies["health"], Open)
    assert isinstance(policies["oauth_callback"], Open)
    assert policies["metrics"] == Machine(scopes=frozenset({"read:metrics"}))
    assert isinstance(policies[""], Page)
    assert isinstance(policies["api/v1/notes"], TokenApi)


@pytest.mark.asyncio
async def test_every_handler_lets_callers_in_by_the_one_way(
    probe: RunningService, service: ProbeService
) -> None:
    handlers = {handler for _, _, handler in table(service.application)}
    handlers.add(service.application.settings["default_handler_class"])
    for handler in handlers:
        assert issubclass(handler, ServiceHandler)
        assert handler.prepare is ServiceHandler.prepare


def test_a_handler_cannot_decide_for_itself_who_may_call_it() -> None:
    with pytest.raises(TypeError, match="Careless must not replace prepare"):

        class Careless(ServiceHandler):
            async def prepare(self) -> None:
                pass


def test_nor_by_way_of_a_second_base() -> None:
    class Mixin:
        async def prepare(self) -> None:
            pass

    with pytest.raises(TypeError, match="Careless must not replace prepare"):

        class Careless(Mixin, ServiceHandler):
            pass


# --- methods -----------------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [
        pytest.param("health", "POST", "GET, HEAD", id="post-health"),
        pytest.param("metrics", "DELETE", "GET, HEAD", id="delete-metrics"),
        pytest.param("api/v1/notes", "PUT", "GET, HEAD, POST", id="put-api"),
        pytest.param("api/v1/notes", "OPTIONS", "GET, HEAD, POST", id="options-api"),
        pytest.param("api/v1/notes", "BREW", "GET, HEAD, POST", id="unheard-of"),
        pytest.param("api/v1/notes", "TRACE", "GET, HEAD, POST", id="trace"),
        pytest.param("", "PATCH", "GET, HEAD, POST", id="patch-page"),
    ],
)
async def test_a_method_that_is_not_there_is_a_405_that_says_which_are(
    probe: RunningService, path: str, method: str, allow: str
) -> None:
    answer = await probe.ask(path, method=method)
    assert answer.status == 405
    assert answer.headers["Allow"] == allow
    assert problem(answer).code == "method-not-allowed"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "token"), [("health", None), ("api/v1/notes", ALICE), ("", ALICE)]
)
async def test_head_is_get_without_the_body(
    probe: RunningService, path: str, token: str | None
) -> None:
    get, head = [await probe.ask(path, method=m, token=token) for m in ("GET", "HEAD")]
    assert (get.status, head.status, head.text) == (200, 200, "")
    assert get.headers["Content-Type"] == head.headers["Content-Type"]


@pytest.mark.asyncio
async def test_head_needs_a_login_too(probe: RunningService) -> None:
    assert (await probe.ask("api/v1/notes", method="HEAD")).status == 401


# --- addresses ---------------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "path", ["nothing", "../other/", "api/v1/notes/", "api/v1/notes/a/b", "healthy"]
)
async def test_an_address_that_is_none_is_a_404(
    probe: RunningService, path: str, method: str
) -> None:
    answer = await probe.ask(path, method=method)
    assert answer.status == 404
    if method != "HEAD":
        assert problem(answer).code == "not-found"


@pytest.mark.asyncio
async def test_a_part_of_the_address_reaches_the_handler(probe: RunningService) -> None:
    answer = await probe.ask("api/v1/notes/a%20b", token=ALICE)
    assert answer.json == {"text": "a b"}


@pytest.mark.asyncio
async def test_a_part_that_is_no_text_is_a_400(probe: RunningService) -> None:
    url = URL(f"{probe.url}api/v1/notes/%ff", encoded=True)
    headers = {"Authorization": f"token {ALICE}"}
    async with probe.session.get(url, headers=headers) as response:
        assert response.status == 400
        assert Problem.model_validate(await response.json(content_type=None)).code == "bad-request"


# --- errors ------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_failure_of_ours_tells_a_number_and_nothing_else(
    probe: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await probe.ask("api/v1/crash", token=ALICE)
    document = problem(answer)
    assert (answer.status, document.code) == (500, "internal")
    incident = document.params["incident"]
    assert incident in document.detail
    assert "passwd" not in answer.text
    assert "LookupError" not in answer.text
    [record] = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert record.fields["incident"] == incident  # type: ignore[attr-defined]
    assert record.exc_info is not None
    assert "/etc/passwd" in str(record.exc_info[1])


@pytest.mark.asyncio
async def test_a_person_gets_a_page_instead(probe: RunningService) -> None:
    answer = await probe.ask("crash", token=ALICE, headers=HTML)
    assert answer.status == 500
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "not your fault" in answer.text
    assert "passwd" not in answer.text
    missing = await probe.ask("nothing", headers=HTML)
    assert (missing.status, "There is nothing at this address" in missing.text) == (404, True)


@pytest.mark.asyncio
async def test_refusals_are_no_failures_in_the_log(
    probe: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    for path in ("nothing", "api/v1/notes", "oauth_callback?code=x&state=y"):
        await probe.ask(path)
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == []


# --- headers -----------------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "token"),
    [
        pytest.param("health", None, id="open"),
        pytest.param("api/v1/notes", ALICE, id="api"),
        pytest.param("", ALICE, id="page"),
        pytest.param("", None, id="login"),
        pytest.param("api/v1/notes", None, id="401"),
        pytest.param("nothing", None, id="404"),
        pytest.param("api/v1/crash", ALICE, id="500"),
    ],
)
async def test_every_answer_has_the_headers_that_protect_it(
    probe: RunningService, path: str, token: str | None
) -> None:
    headers = (await probe.ask(path, token=token)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert not {"Server", "Etag", "Access-Control-Allow-Origin"} & set(headers)


# --- logs --------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_request_is_logged_by_its_route(
    probe: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="sandlot_hub")
    await probe.ask("api/v1/notes/private-key?password=hunter2", token=ALICE)
    [record] = [r for r in caplog.records if r.message == "request"]
    fields = record.fields  # type: ignore[attr-defined]
    assert (fields["route"], fields["method"], fields["status"], fields["caller"]) == (
        "api/v1/notes/{key}",
        "GET",
        200,
        "alice",
    )
    assert not {"private-key", "hunter2", ALICE} & set(json.dumps(fields).replace('"', " ").split())


def test_the_cookie_secret_is_of_one_service_and_one_token() -> None:
    config = service_config()
    assert cookie_secret(config) == cookie_secret(service_config(port=41000))
    assert cookie_secret(config) != cookie_secret(service_config(name="quota"))
    assert cookie_secret(config) != cookie_secret(service_config(token=TOKEN[::-1]))
    assert TOKEN.encode() not in cookie_secret(config)
