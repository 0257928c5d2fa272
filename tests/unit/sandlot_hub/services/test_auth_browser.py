from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from support.probe_service import ACCESS, ALICE, READ, Browser

if TYPE_CHECKING:
    from support.fake_hub import FakeHub
    from support.service_process import RunningService

pytestmark = pytest.mark.asyncio

API = "api/v1/notes"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}


# --- the login of pages ------------------------------------------------------------------------


async def test_a_browser_is_sent_to_the_hub(browser: Browser) -> None:
    answer = await browser.ask("?page=2")
    assert answer.status == 302
    target = urlsplit(answer.headers["Location"])
    query = parse_qs(target.query)
    assert (target.netloc, target.path) == ("", "/hub/api/oauth2/authorize")
    assert query["client_id"] == ["service-probe"]
    assert query["redirect_uri"] == ["/services/probe/oauth_callback"]
    assert query["code_challenge_method"] == ["S256"]
    cookie = answer.cookies["service-probe-oauth-state"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (
        "/services/probe/",
        True,
        "Lax",
    )


async def test_a_login_ends_on_the_page_where_it_began(browser: Browser, hub: FakeHub) -> None:
    begin = await browser.ask("?page=2")
    state = parse_qs(urlsplit(begin.headers["Location"]).query)["state"][0]
    hub.codes["abc"] = ALICE
    answer = await browser.ask(f"oauth_callback?code=abc&state={state}")
    assert (answer.status, answer.headers["Location"]) == (302, "/services/probe/?page=2")
    cookie = answer.cookies["service-probe"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (
        "/services/probe/",
        True,
        "Lax",
    )
    assert ALICE not in answer.text
    assert hub.exchanged[0]["code_verifier"]
    assert (await browser.ask("")).status == 200


async def test_who_has_logged_in_is_known_by_the_cookie(browser: Browser, hub: FakeHub) -> None:
    await browser.log_in(hub, ALICE)
    assert "_xsrf" in browser.cookies
    assert (await browser.ask("")).status == 200


async def test_who_logged_out_at_the_hub_is_sent_there_again(
    browser: Browser, hub: FakeHub
) -> None:
    browser.cookies["jupyterhub-session-id"] = "one"
    await browser.log_in(hub, ALICE)
    assert (await browser.ask("")).status == 200
    # The hub's logout revokes the token and takes the session cookie away.
    del hub.identities[ALICE]
    del browser.cookies["jupyterhub-session-id"]
    assert (await browser.ask("")).status == 302


async def test_a_login_that_may_not_is_told_so_and_not_sent_in_circles(
    browser: Browser, hub: FakeHub
) -> None:
    hub.add_user("weak-token", "bob", scopes=[ACCESS])
    await browser.log_in(hub, "weak-token")
    answer = await browser.ask("", headers={"Accept": "text/html"})
    assert answer.status == 403
    assert "scope-missing" in answer.text
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("", id="nothing"),
        pytest.param("code=abc", id="no-state"),
        pytest.param("code=abc&state=forged", id="forged-state"),
        pytest.param("state=forged", id="no-code"),
        pytest.param("error=denied&error_description=<script>alert(1)</script>", id="error"),
        pytest.param("code=abc&state=x&next=//evil.example", id="next"),
        pytest.param("code=abc&state=x&next=%5C%5Cevil.example", id="next-backslashes"),
    ],
)
async def test_a_login_that_did_not_begin_here_fails(
    browser: Browser, hub: FakeHub, query: str
) -> None:
    hub.codes["abc"] = ALICE
    answer = await browser.ask(f"oauth_callback?{query}", headers={"Accept": "text/html"})
    assert answer.status in {400, 403}
    assert "login-failed" in answer.text
    assert "<script>alert" not in answer.text
    assert "Location" not in answer.headers
    assert "service-probe" not in browser.cookies
    assert hub.exchanged == []


async def test_a_state_of_another_browser_fails(
    probe: RunningService, browser: Browser, hub: FakeHub
) -> None:
    victim = Browser(probe)
    begin = await browser.ask("")
    state = parse_qs(urlsplit(begin.headers["Location"]).query)["state"][0]
    hub.codes["abc"] = ALICE
    answer = await victim.ask(f"oauth_callback?code=abc&state={state}")
    assert answer.status == 403
    assert "service-probe" not in victim.cookies


async def test_a_code_that_the_hub_refuses_is_no_failure_of_ours(
    browser: Browser, hub: FakeHub
) -> None:
    begin = await browser.ask("")
    state = parse_qs(urlsplit(begin.headers["Location"]).query)["state"][0]
    answer = await browser.ask(f"oauth_callback?code=unknown&state={state}")
    assert (answer.status, answer.json["code"]) == (403, "login-failed")
    assert len(hub.exchanged) == 1


async def test_a_hub_that_is_away_during_the_login_is_a_503(browser: Browser, hub: FakeHub) -> None:
    begin = await browser.ask("")
    state = parse_qs(urlsplit(begin.headers["Location"]).query)["state"][0]
    hub.status = 503
    answer = await browser.ask(f"oauth_callback?code=abc&state={state}")
    assert (answer.status, answer.json["code"]) == (503, "hub-unavailable")


async def test_a_program_is_not_sent_to_the_login(probe: RunningService) -> None:
    for headers in ({"Sec-Fetch-Mode": "cors"}, {"Authorization": "token nobody"}):
        answer = await probe.ask("", headers=headers)
        assert (answer.status, "Location" in answer.headers) == (401, False)


async def test_an_address_that_is_too_long_to_keep_is_not_kept(
    browser: Browser, hub: FakeHub
) -> None:
    begin = await browser.ask(f"?x={'y' * 3000}")
    state = parse_qs(urlsplit(begin.headers["Location"]).query)["state"][0]
    hub.codes["abc"] = ALICE
    answer = await browser.ask(f"oauth_callback?code=abc&state={state}")
    assert answer.headers["Location"] == "/services/probe/"


# --- cookies: who may use them for what --------------------------------------------------------


async def test_a_page_may_read_the_api_with_its_cookie_and_xsrf_token(
    browser: Browser, hub: FakeHub
) -> None:
    await browser.log_in(hub, ALICE)
    headers = {**SAME_ORIGIN, "X-XSRFToken": browser.cookies["_xsrf"]}
    assert (await browser.ask(API, headers=headers)).json == {"text": "alice"}


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param({}, "xsrf", id="nothing"),
        pytest.param(
            {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}, "cross-site", id="typed"
        ),
        pytest.param(SAME_ORIGIN, "xsrf", id="no-token"),
        pytest.param({**SAME_ORIGIN, "X-XSRFToken": "forged"}, "xsrf", id="forged"),
        pytest.param({**SAME_ORIGIN, "X-XSRFToken": "tøken"}, "xsrf", id="unicode"),
        pytest.param(
            {"Sec-Fetch-Site": "cross-site", "X-XSRFToken": "$"}, "cross-site", id="cross"
        ),
        pytest.param({"Sec-Fetch-Site": "same-site", "X-XSRFToken": "$"}, "cross-site", id="same"),
    ],
)
async def test_the_api_does_not_answer_a_cookie_alone(
    browser: Browser, hub: FakeHub, headers: dict[str, str], code: str
) -> None:
    await browser.log_in(hub, ALICE)
    sent = {k: browser.cookies["_xsrf"] if v == "$" else v for k, v in headers.items()}
    answer = await browser.ask(API, headers=sent)
    assert (answer.status, answer.json["code"]) == (403, code)


async def test_the_xsrf_token_of_somebody_else_is_worthless(
    probe: RunningService, browser: Browser, hub: FakeHub
) -> None:
    hub.add_user("eve-token", "eve", scopes=[ACCESS, READ])
    eve = Browser(probe)
    await eve.log_in(hub, "eve-token")
    await browser.log_in(hub, ALICE)
    own = browser.cookies["_xsrf"]
    assert own != eve.cookies["_xsrf"]
    headers = {**SAME_ORIGIN, "X-XSRFToken": eve.cookies["_xsrf"]}
    assert (await browser.ask(API, headers=headers)).status == 403
    # Nor when her cookie was planted beside it.
    browser.cookies["_xsrf"] = eve.cookies["_xsrf"]
    assert (await browser.ask(API, headers=headers)).status == 403


async def test_a_cookie_changes_nothing_through_the_api(browser: Browser, hub: FakeHub) -> None:
    await browser.log_in(hub, ALICE)
    headers = {**SAME_ORIGIN, "X-XSRFToken": browser.cookies["_xsrf"]}
    answer = await browser.ask(API, method="POST", json={"text": "x"}, headers=headers)
    assert (answer.status, answer.json["code"]) == (403, "cookie-not-accepted")


async def test_a_form_of_the_page_changes_with_its_xsrf_token(
    browser: Browser, hub: FakeHub
) -> None:
    await browser.log_in(hub, ALICE)
    answer = await browser.ask(
        "",
        method="POST",
        data={"_xsrf": browser.cookies["_xsrf"]},
        headers={"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"},
    )
    assert (answer.status, answer.text) == (200, "changed by alice")


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        pytest.param(
            {}, {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}, id="none"
        ),
        pytest.param({"_xsrf": "forged"}, {"Sec-Fetch-Site": "same-origin"}, id="forged"),
        pytest.param({"_xsrf": "$"}, {"Sec-Fetch-Site": "cross-site"}, id="cross-site"),
        pytest.param(
            {"_xsrf": "$"},
            {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
            id="no-cors",
        ),
        pytest.param({}, {}, id="old-browser"),
    ],
)
async def test_a_form_of_another_page_changes_nothing(
    browser: Browser, hub: FakeHub, form: dict[str, str], headers: dict[str, str]
) -> None:
    await browser.log_in(hub, ALICE)
    data = {k: browser.cookies["_xsrf"] if v == "$" else v for k, v in form.items()}
    answer = await browser.ask("", method="POST", data=data, headers=headers)
    assert answer.status == 403
    assert "changed" not in answer.text


async def test_another_page_of_the_origin_cannot_read_the_page(
    browser: Browser, hub: FakeHub
) -> None:
    await browser.log_in(hub, ALICE)
    assert (await browser.ask("", headers=SAME_ORIGIN)).status == 403


@pytest.mark.parametrize("header", ["token expired", "Basic x", ""])
async def test_a_useless_header_is_not_replaced_by_the_cookie(
    browser: Browser, hub: FakeHub, header: str
) -> None:
    await browser.log_in(hub, ALICE)
    headers = {**SAME_ORIGIN, "X-XSRFToken": browser.cookies["_xsrf"], "Authorization": header}
    answer = await browser.ask(API, headers=headers)
    assert (answer.status, answer.json["code"]) == (401, "token-invalid")


async def test_metrics_take_no_cookie(browser: Browser, hub: FakeHub) -> None:
    hub.add_user("metrics-token", "root", scopes=[ACCESS, READ, "read:metrics"])
    await browser.log_in(hub, "metrics-token")
    assert (await browser.ask("metrics")).status == 401
    assert (await browser.ask("metrics", token="metrics-token")).status == 200


async def test_a_cookie_of_another_service_is_none(
    probe: RunningService, browser: Browser, hub: FakeHub
) -> None:
    await browser.log_in(hub, ALICE)
    browser.cookies["service-quota"] = browser.cookies.pop("service-probe")
    assert (await browser.ask("")).status == 302
