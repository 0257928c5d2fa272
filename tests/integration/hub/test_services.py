"""The offers service as its own process, registered with a real hub."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from sandlot_contracts.offers import OfferList
from support.installed_offers import (
    ACCESS,
    METRICS_TOKEN,
    READ,
    Installation,
    installed_offers,
)
from support.service_process import TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from support.hub_app import Browser

pytestmark = pytest.mark.asyncio(loop_scope="module")

FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with installed_offers(tmp_path_factory.mktemp("offers")) as running:
        yield running


def states(document: Any) -> dict[str, str]:
    offers = OfferList.model_validate(document).offers
    return {f"{o.profile}/{o.image}/{o.size}": o.state for o in offers}


def cookies(installation: Installation, browser: Browser) -> dict[str, str]:
    jar = browser.session.cookie_jar.filter_cookies(installation.service.url)
    return {name: morsel.value for name, morsel in jar.items()}


# --- tokens ------------------------------------------------------------------------------------


async def test_each_user_gets_their_own_offers(installation: Installation) -> None:
    ask = installation.service.ask
    status, alice = await ask("api/v1/offers", installation.token("alice"))
    assert (status, alice["user"]) == (200, "alice")
    assert states(alice) == {
        "everyday/base/small": "available",
        "everyday/base/large": "available",
        "everyday/scipy/small": "available",
        "everyday/scipy/large": "available",
        "course/base/small": "unavailable",
    }
    _, bob = await ask("api/v1/offers", installation.token("bob"))
    assert bob["user"] == "bob"
    assert states(bob)["course/base/small"] == "available"


@pytest.mark.parametrize(
    ("scopes", "missing"),
    [
        pytest.param((ACCESS,), READ, id="no-custom-scope"),
        pytest.param((READ,), ACCESS, id="no-audience"),
        pytest.param(
            ("users:activity!user=alice", "access:servers!server=alice/"), ACCESS, id="server"
        ),
        pytest.param(("users:activity!user=alice", ACCESS, READ), None, id="server-with-ours"),
    ],
)
async def test_a_token_needs_both_scopes(
    installation: Installation, scopes: tuple[str, ...], missing: str | None
) -> None:
    token = installation.token("alice", *scopes)
    status, document = await installation.service.ask("api/v1/offers", token)
    assert status == (403 if missing else 200)
    if missing:
        assert (document["code"], document["params"]) == ("scope-missing", {"scope": missing})


async def test_a_revoked_token_is_refused(installation: Installation) -> None:
    token = installation.token("alice")
    installation.revoke(token)
    assert (await installation.service.ask("api/v1/offers", token))[0] == 401


async def test_services_are_nobody_but_may_read_metrics(installation: Installation) -> None:
    ask = installation.service.ask
    for token in (TOKEN, METRICS_TOKEN):
        status, problem = await ask("api/v1/offers", token)
        assert (status, problem["code"]) == (403, "user-needed")
    status, text = await ask("metrics", METRICS_TOKEN)
    assert status == 200
    assert "sandlot_http_requests_total{" in text
    assert (await ask("metrics", TOKEN))[0] == 403
    assert (await ask("metrics", installation.token("alice")))[0] == 403
    assert (await ask("metrics"))[0] == 401


# --- the page ----------------------------------------------------------------------------------


async def test_a_browser_logs_in_through_the_hub(installation: Installation) -> None:
    async with installation.hub.browser("alice") as browser:
        page = await installation.visit(browser, Accept="text/html")
        assert (page.status, page.url) == (200, installation.service.url)
        assert "What you can start" in page.text
        assert page.text.count('data-state="available"') == 4
        await browser.get("logout")
        page = await installation.visit(browser, Accept="text/html")
        assert page.url.path == "/hub/login"


async def test_a_page_reads_the_api_with_its_xsrf_token_only(installation: Installation) -> None:
    async with installation.hub.browser("alice") as browser:
        await installation.visit(browser)
        plain = await installation.visit(browser, "api/v1/offers", **FETCH)
        assert (plain.status, json.loads(plain.text)["code"]) == (403, "xsrf")
        for token, status in (
            (cookies(installation, browser)["_xsrf"], 200),
            (browser.xsrf, 403),  # The hub's own is for another path.
        ):
            sent = {**FETCH, "X-XSRFToken": token}
            assert (await installation.visit(browser, "api/v1/offers", **sent)).status == status


async def test_a_login_outlives_the_process(installation: Installation) -> None:
    service = installation.service
    async with installation.hub.browser("alice") as browser:
        await installation.visit(browser)
        await service.end(signal.SIGKILL)
        await service.start()
        async with browser.session.get(service.url, allow_redirects=False) as answer:
            assert answer.status == 200


async def test_no_secret_is_in_the_log(installation: Installation) -> None:
    service = installation.service
    token = installation.token("alice")
    await service.ask("api/v1/offers", token)
    await service.ask(f"api/v1/offers?token={token}")
    await service.ask("oauth_callback?code=stolen-code&state=stolen-state")
    async with installation.hub.browser("alice") as browser:
        await installation.visit(browser)
        secrets = [TOKEN, token, "stolen-code", "stolen-state"]
        secrets += cookies(installation, browser).values()
    assert await service.end() == 0
    log = "".join(service.lines)
    await service.start()
    assert '"api/v1/offers"' in log
    assert not [secret for secret in secrets if secret in log]
    for line in log.splitlines():
        json.loads(line)
