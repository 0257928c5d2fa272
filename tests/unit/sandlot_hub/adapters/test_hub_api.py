from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sandlot_hub.adapters.hub_api import HubApi, HubRefusedError, NewAccount
from sandlot_hub.adapters.hub_client import HubClient, HubUnavailableError
from support.fake_accounts import TOKEN, FakeAccounts, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def fake() -> AsyncIterator[FakeAccounts]:
    async with serving(FakeAccounts()) as hub:
        yield hub


@pytest_asyncio.fixture
async def api(fake: FakeAccounts) -> AsyncIterator[HubApi]:
    async with HubClient() as client:
        yield HubApi(client=client, api_url=fake.url, token=TOKEN)


async def test_an_account_with_groups(api: HubApi, fake: FakeAccounts) -> None:
    fake.groups["old"] = {"bob"}

    await api.create(NewAccount(name="ann", groups=("old", "new"), admin=True))

    assert fake.users["ann"]["admin"] is True
    assert fake.groups == {"old": {"ann", "bob"}, "new": {"ann"}}


async def test_a_group_that_somebody_else_makes_at_this_moment(
    api: HubApi, fake: FakeAccounts
) -> None:
    fake.race = True

    await api.create(NewAccount(name="ann", groups=("new",)))

    assert fake.groups == {"new": {"ann"}}


async def test_an_account_that_exists_is_left_alone(api: HubApi, fake: FakeAccounts) -> None:
    fake.add("ann")

    with pytest.raises(HubRefusedError) as caught:
        await api.create(NewAccount(name="ann", groups=("new",)))

    assert caught.value.status == 409
    assert "ann" in fake.users
    assert not fake.groups


@pytest.mark.parametrize("status", [400, 500])
async def test_nothing_is_left_half_made(api: HubApi, fake: FakeAccounts, status: int) -> None:
    fake.fault = ("groups/", status, '{"message": "no"}')

    with pytest.raises((HubRefusedError, HubUnavailableError)):
        await api.create(NewAccount(name="ann", groups=("new",)))

    assert not fake.users


async def test_one_account(api: HubApi, fake: FakeAccounts) -> None:
    fake.add("ann", admin=True, servers={"": {}}, last_activity="2026-11-20T10:00:00Z")
    fake.groups["gpu"] = {"ann"}

    account = await api.account("ann")

    assert account is not None
    assert (account.name, account.admin, account.groups) == ("ann", True, ("gpu",))
    assert account.servers == {"": {}}


async def test_no_such_account(api: HubApi) -> None:
    assert await api.account("nobody") is None


async def test_names_are_escaped(api: HubApi, fake: FakeAccounts) -> None:
    await api.account("ann@example.org/../x?y#z%2f")

    assert fake.requests == ["GET /users/ann@example.org%2F..%2Fx%3Fy%23z%252f"]


async def test_all_accounts_are_listed_however_many(api: HubApi, fake: FakeAccounts) -> None:
    fake.page = 3
    for number in range(10):
        fake.add(f"user-{9 - number}")

    names = [account.name for account in await api.accounts()]

    assert names == [f"user-{number}" for number in range(10)]
    assert len(fake.requests) == 4


async def test_deleting(api: HubApi, fake: FakeAccounts) -> None:
    fake.add("ann")

    assert await api.delete("ann") is True
    assert await api.delete("ann") is False
    assert not fake.users


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("[]", id="not-paginated"),
        pytest.param('{"items": [{}], "_pagination": {"next": null}}', id="no-name"),
        pytest.param('{"items": [], "_pagination": {}}', id="no-next"),
        pytest.param('{"items": [], "_pagination": {"next": {"offset": "x"}}}', id="no-number"),
    ],
)
async def test_an_answer_that_is_no_list(api: HubApi, fake: FakeAccounts, body: str) -> None:
    fake.fault = ("GET /users?", 200, body)

    with pytest.raises(HubUnavailableError, match="no list of accounts"):
        await api.accounts()


async def test_pages_that_lead_in_a_circle_end(api: HubApi, fake: FakeAccounts) -> None:
    fake.fault = ("GET /users?", 200, '{"items": [], "_pagination": {"next": {"offset": 0}}}')

    assert await api.accounts() == []
    assert len(fake.requests) == 1


async def test_an_answer_that_is_no_account(api: HubApi, fake: FakeAccounts) -> None:
    fake.fault = ("GET /users/", 200, '{"name": ""}')

    with pytest.raises(HubUnavailableError, match="no account"):
        await api.account("ann")


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_is_not_enough(fake: FakeAccounts, status: int) -> None:
    fake.fault = ("users", status, '{"message": "Only admins can"}')
    async with HubClient() as client:
        api = HubApi(client=client, api_url=fake.url, token="another")
        with pytest.raises(HubRefusedError, match=r"token may not.*Only admins can"):
            await api.account("ann")


async def test_a_refusal_is_not_endless(api: HubApi, fake: FakeAccounts) -> None:
    fake.fault = ("users", 400, '{"message": "' + "x" * 10_000 + '"}')

    with pytest.raises(HubRefusedError) as caught:
        await api.account("ann")
    assert len(str(caught.value)) < 500


async def test_the_token_is_in_no_error(fake: FakeAccounts) -> None:
    async with HubClient(timeout=1) as client:
        api = HubApi(client=client, api_url="http://127.0.0.1:1/hub/api", token=TOKEN)
        with pytest.raises(HubUnavailableError) as caught:
            await api.accounts()
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__cause__)
    assert TOKEN not in shown
    assert TOKEN not in repr(api)
