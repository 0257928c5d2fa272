from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio
from jupyterhub import orm

from sandlot_hub.adapters.hub_api import HubApi, HubRefusedError, NewAccount
from sandlot_hub.adapters.passwords import account_password
from support.hub_app import NAVIGATION, Browser, Hub, Reply

if TYPE_CHECKING:
    from typing import Any

pytestmark = pytest.mark.asyncio(loop_scope="module")
REFUSAL = "Invalid username or password"


async def log_in(hub: Hub, form: dict[str, Any]) -> tuple[Reply, list[str]]:
    """Send the login form; return the reply and the names of the cookies."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, headers=NAVIGATION) as session:
        browser = Browser(session, hub.url)
        await browser.get("login")
        sent = {**form, "_xsrf": browser.xsrf}
        reply = await browser.post("login", data=sent, allow_redirects=False)
        return reply, [cookie.key for cookie in jar]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def accounts(api: HubApi) -> None:
    for name in ("ann", "bob"):
        await api.create(NewAccount(name=name))


async def test_an_account_and_its_password(hub: Hub, api: HubApi, secret: str) -> None:
    await api.create(NewAccount(name="émile", groups=("gpu", "staff")))
    form = {"username": "Émile", "password": account_password("émile", secret)}

    reply, cookies = await log_in(hub, form)

    assert reply.status == 302, reply.text
    assert "jupyterhub-hub-login" in cookies
    user = orm.User.find(hub.app.db, "émile")
    assert {group.name for group in user.groups} == {"gpu", "staff"}
    assert not user.admin


async def test_the_first_administrator_can_log_in_at_once(hub: Hub, secret: str) -> None:
    form = {"username": "admin", "password": account_password("admin", secret)}

    reply, _ = await log_in(hub, form)

    assert reply.status == 302, reply.text
    assert orm.User.find(hub.app.db, "admin").admin


@pytest.mark.parametrize(
    ("username", "password_of"),
    [
        pytest.param("ann", None, id="wrong-password"),
        pytest.param("ann", "bob", id="somebody-elses-password"),
        pytest.param("bob", "ann", id="the-other-way-round"),
        pytest.param("eve", "eve", id="no-account"),
        pytest.param("x" * 1_000_000, "ann", id="megabyte"),
        pytest.param("an\0n", "ann", id="nul"),
        pytest.param("../ann", "../ann", id="path"),
        pytest.param("ann/../bob", "bob", id="path-inside"),
        pytest.param("аnn", "аnn", id="look-alike"),
        pytest.param("<script>alert(1)</script>", "ann", id="markup"),
        pytest.param("{{ 7*7 }}", "ann", id="template"),
        pytest.param("ann\r\nSet-Cookie: x=y", "ann", id="header"),
        pytest.param("\N{RIGHT-TO-LEFT OVERRIDE}nna", "ann", id="direction-override"),
    ],
)
async def test_refused(
    hub: Hub,
    secret: str,
    caplog: pytest.LogCaptureFixture,
    username: str,
    password_of: str | None,
) -> None:
    password = "wrong" if password_of is None else account_password(password_of, secret)
    hub.app.log.propagate = True

    with caplog.at_level(logging.DEBUG):
        reply, cookies = await log_in(hub, {"username": username, "password": password})

    assert reply.status == 403
    assert REFUSAL in reply.text
    assert "jupyterhub-hub-login" not in cookies
    assert "Set-Cookie: x=y" not in reply.headers
    assert "<script>alert(1)" not in reply.text
    assert "49" not in reply.text.partition(REFUSAL)[2][:500]
    assert len(caplog.text) < 20_000
    assert len(reply.text) < 50_000
    assert orm.User.find(hub.app.db, username) is None or username in {"ann", "bob"}


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({}, id="empty"),
        pytest.param({"username": "ann"}, id="no-password"),
        pytest.param({"password": "x"}, id="no-name"),
    ],
)
async def test_half_a_form_is_not_the_hubs_failure(hub: Hub, form: dict[str, str]) -> None:
    reply, _ = await log_in(hub, form)

    assert reply.status == 400
    assert "Write a user name and a password." in reply.text


async def test_one_password_opens_one_account(hub: Hub, secret: str) -> None:
    names = ["admin", "ann", "bob"]
    opened = set()
    for owner, name in itertools.product(names, repeat=2):
        form = {"username": name, "password": account_password(owner, secret)}
        if (await log_in(hub, form))[0].status == 302:
            opened.add((owner, name))

    assert opened == {(name, name) for name in names}


async def test_removed_is_removed(hub: Hub, api: HubApi, secret: str) -> None:
    await api.create(NewAccount(name="carl"))

    assert await api.delete("carl") is True
    reply, _ = await log_in(hub, {"username": "carl", "password": account_password("carl", secret)})

    assert reply.status == 403
    assert await api.delete("carl") is False
    assert await api.account("carl") is None


async def test_an_administrator_is_made(hub: Hub, api: HubApi) -> None:
    await api.create(NewAccount(name="vera", admin=True))

    account = await api.account("vera")
    assert account is not None
    assert account.admin


async def test_made_once(api: HubApi) -> None:
    await api.create(NewAccount(name="dora", groups=("gpu",)))

    with pytest.raises(HubRefusedError) as caught:
        await api.create(NewAccount(name="dora", groups=("staff",)))

    assert caught.value.status == 409
    account = await api.account("dora")
    assert account is not None
    assert account.groups == ("gpu",)


@pytest.mark.parametrize("name", ["Ann", "a..b", ".ssh", "-rf", "a b", "x" * 65])
async def test_the_hub_itself_refuses_other_names(hub: Hub, api: HubApi, name: str) -> None:
    """Whoever makes an account, by whatever way: the admin page uses the same API."""
    with pytest.raises(HubRefusedError) as caught:
        await api.create(NewAccount(name=name))

    assert caught.value.status == 400
    assert orm.User.find(hub.app.db, name) is None


async def test_many_accounts_are_listed(api: HubApi) -> None:
    names = {f"user-{number:03}" for number in range(120)}
    for name in names:
        await api.create(NewAccount(name=name))

    found = [account.name for account in await api.accounts()]

    assert found == sorted(found)
    assert names | {"admin", "ann"} <= set(found)


async def test_a_group_name_is_only_a_name(api: HubApi) -> None:
    await api.create(NewAccount(name="fred", groups=("Physik II", "50%", "a?b#c", "q@x")))

    account = await api.account("fred")
    assert account is not None
    assert set(account.groups) == {"Physik II", "50%", "a?b#c", "q@x"}
