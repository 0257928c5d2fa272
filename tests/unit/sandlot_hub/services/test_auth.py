from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.services.auth import MAX_LOGINS
from support.probe_service import ACCESS, ALICE, READ, ProbeService

if TYPE_CHECKING:
    from support.fake_hub import FakeHub
    from support.service_process import RunningService

pytestmark = pytest.mark.asyncio

API = "api/v1/notes"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}


# --- tokens ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["token", "Bearer", "bearer", "TOKEN"])
async def test_a_token_in_the_header_lets_in(probe: RunningService, scheme: str) -> None:
    answer = await probe.ask(API, headers={"Authorization": f"{scheme} {ALICE}"})
    assert (answer.status, answer.json) == (200, {"text": "alice"})


@pytest.mark.parametrize(
    ("header", "code"),
    [
        pytest.param(None, "login-required", id="none"),
        pytest.param("token nobody", "token-invalid", id="invalid"),
        pytest.param(f"Basic {ALICE}", "token-invalid", id="other-scheme"),
        pytest.param(ALICE, "token-invalid", id="no-scheme"),
        pytest.param("token ", "token-invalid", id="empty"),
        pytest.param(f"token {ALICE}, token {ALICE}", "token-invalid", id="two"),
        pytest.param("token " + "x" * 5000, "token-invalid", id="long"),
    ],
)
async def test_without_a_good_token_nobody_comes_in(
    probe: RunningService, header: str | None, code: str
) -> None:
    answer = await probe.ask(API, headers={"Authorization": header} if header else {})
    assert (answer.status, answer.json["code"]) == (401, code)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("name", ["token", "access_token", "api_token"])
async def test_a_token_in_the_url_is_refused_even_beside_a_good_one(
    probe: RunningService, hub: FakeHub, name: str
) -> None:
    answer = await probe.ask(f"{API}?{name}={ALICE}", token=ALICE)
    assert (answer.status, answer.json["code"]) == (400, "token-in-url")
    assert ALICE not in answer.text
    assert hub.asked == []


async def test_a_token_in_the_url_of_a_websocket_lets_nobody_in(probe: RunningService) -> None:
    answer = await probe.ask(f"{API}?token={ALICE}", headers={"Sec-Fetch-Mode": "websocket"})
    assert answer.status == 400


async def test_a_token_in_a_form_lets_nobody_in(probe: RunningService) -> None:
    answer = await probe.ask(
        API, method="POST", data={"token": ALICE}, headers={"Sec-Fetch-Mode": "websocket"}
    )
    assert answer.status == 401


@pytest.mark.parametrize(
    ("scopes", "missing"),
    [
        pytest.param([ACCESS], READ, id="no-custom-scope"),
        pytest.param([READ], ACCESS, id="no-audience"),
        pytest.param([READ, "access:services!service=quota"], ACCESS, id="other-audience"),
        pytest.param([READ, "access:servers!user=alice"], ACCESS, id="server-token"),
        pytest.param([], ACCESS, id="nothing"),
    ],
)
@pytest.mark.parametrize("path", [API, "", "api/v1/crash"])
async def test_a_token_without_the_scopes_is_refused(
    probe: RunningService, hub: FakeHub, scopes: list[str], missing: str, path: str
) -> None:
    hub.add_user("weak-token", "bob", scopes=scopes)
    answer = await probe.ask(path, token="weak-token")
    assert (answer.status, answer.json["code"]) == (403, "scope-missing")
    assert answer.json["params"] == {"scope": missing}


async def test_access_to_all_services_is_access_to_this_one(
    probe: RunningService, hub: FakeHub
) -> None:
    hub.add_user("admin-token", "root", scopes=["access:services", READ])
    assert (await probe.ask(API, token="admin-token")).status == 200


@pytest.mark.parametrize("path", [API, ""])
async def test_a_service_is_refused_where_a_user_is_needed(
    probe: RunningService, hub: FakeHub, path: str
) -> None:
    hub.add_service("service-token", "culler", scopes=[ACCESS, READ, "read:metrics"])
    answer = await probe.ask(path, token="service-token")
    assert (answer.status, answer.json["code"]) == (403, "user-needed")


async def test_a_revoked_token_is_refused(probe: RunningService, hub: FakeHub) -> None:
    del hub.identities[ALICE]
    assert (await probe.ask(API, token=ALICE)).status == 401


async def test_many_requests_of_one_token_are_one_question(
    probe: RunningService, hub: FakeHub
) -> None:
    hub.gate = asyncio.Event()
    requests = [asyncio.create_task(probe.ask(API, token=ALICE)) for _ in range(50)]
    await hub.arrival.wait()
    hub.gate.set()
    assert {answer.status for answer in await asyncio.gather(*requests)} == {200}
    assert len(hub.asked) == 1


# --- the hub is away ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 429, 404])
@pytest.mark.parametrize("path", [API, "", "metrics"])
async def test_a_failing_hub_is_a_503(
    probe: RunningService, hub: FakeHub, status: int, path: str
) -> None:
    hub.status = status
    answer = await probe.ask(path, token=ALICE)
    assert (answer.status, answer.json["code"]) == (503, "hub-unavailable")
    assert answer.headers["Retry-After"] == "5"


async def test_health_needs_no_hub(probe: RunningService, hub: FakeHub) -> None:
    hub.status = 500
    assert (await probe.ask("health", token=ALICE)).status == 200
    assert hub.arrived == []


# --- bounds ------------------------------------------------------------------------------------


async def test_logins_that_nobody_finishes_do_not_pile_up(
    probe: RunningService, service: ProbeService
) -> None:
    oauth = service.context.oauth
    for number in range(MAX_LOGINS + 100):
        oauth.generate_state(f"/services/probe/?{number}")
    assert len(oauth._oauth_states) == MAX_LOGINS
    assert len(oauth._oauth_states.timestamps) == MAX_LOGINS


async def test_upstream_code_cannot_block_the_service(
    probe: RunningService, service: ProbeService
) -> None:
    oauth = service.context.oauth
    with pytest.raises(RuntimeError, match="sync=False"):
        _ = oauth.user_for_token(ALICE)
