from __future__ import annotations

from typing import Any

import pytest
from tornado import web
from traitlets import TraitError
from traitlets.config import Config

from sandlot_hub.adapters.passwords import account_password
from sandlot_hub.auth.accounts import AccountsAuthenticator

SECRET = "s" * 64


class Handler:
    """The part of the hub's login handler that is used: it knows the accounts."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked: list[str] = []

    def find_user(self, name: str) -> object | None:
        self.asked.append(name)
        return object() if name in self.names else None


def authenticator(**options: Any) -> AccountsAuthenticator:
    known = {"secret_key": SECRET, **options}
    return AccountsAuthenticator(config=Config({"AccountsAuthenticator": known}))


async def log_in(handler: Handler, username: Any, password: Any, **options: Any) -> str | None:
    """Take the whole way that the hub takes."""
    form = {"username": username, "password": password}
    # The hub tells the authenticator of every account in its database.
    accounts = {"allowed_users": set(handler.names)}
    model = await authenticator(**accounts, **options).get_authenticated_user(handler, form)
    return None if model is None else model["name"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("typed", "account"),
    [
        pytest.param("ann", "ann", id="as-made"),
        pytest.param("Ann", "ann", id="capitals"),
        pytest.param("ＡＮＮ", "ann", id="full-width"),
        pytest.param("E\N{COMBINING ACUTE ACCENT}mile", "émile", id="decomposed"),
    ],
)
async def test_the_own_password(typed: str, account: str) -> None:
    handler = Handler("ann", "émile")

    assert await log_in(handler, typed, account_password(account, SECRET)) == account


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("username", "password"),
    [
        pytest.param("ann", "", id="no-password"),
        pytest.param("ann", "ann", id="name-as-password"),
        pytest.param("ann", SECRET, id="the-secret-itself"),
        pytest.param("ann", account_password("bob", SECRET), id="somebody-elses"),
        pytest.param("ann", account_password("ann", "t" * 64), id="of-another-secret"),
        pytest.param("ann", account_password("ann", SECRET)[:-1], id="all-but-one-letter"),
        pytest.param("eve", account_password("eve", SECRET), id="no-account"),
        pytest.param("", account_password("", SECRET), id="empty-name"),
        pytest.param("../x", account_password("../x", SECRET), id="path"),
        pytest.param("a\0b", account_password("a\0b", SECRET), id="nul"),
        pytest.param("a\ud800b", "x", id="unpaired-surrogate"),
        pytest.param("x" * 1_000_000, "x", id="megabyte-name"),
        pytest.param("ann", "x" * 1_000_000, id="megabyte-password"),
    ],
)
async def test_refused(username: str, password: str) -> None:
    handler = Handler("ann", "bob", "../x", "a\0b", "", "x" * 1_000_000)

    assert await log_in(handler, username, password) is None


@pytest.mark.asyncio
@pytest.mark.parametrize("allow_all", [False, True])
async def test_only_accounts_even_where_everybody_is_allowed(*, allow_all: bool) -> None:
    password = account_password("eve", SECRET)

    assert await log_in(Handler("ann"), "eve", password, allow_all=allow_all) is None


@pytest.mark.asyncio
async def test_a_name_that_cannot_be_is_never_looked_up() -> None:
    handler = Handler()
    for name in ("../x", "a\0b", "x" * 1_000_000):
        await log_in(handler, name, "x")

    assert handler.asked == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "form",
    [
        pytest.param({}, id="empty"),
        pytest.param({"username": "ann"}, id="no-password"),
        pytest.param({"password": "x"}, id="no-name"),
    ],
)
async def test_a_form_without_its_fields_is_the_senders_mistake(form: dict[str, str]) -> None:
    with pytest.raises(web.HTTPError) as caught:
        await authenticator().authenticate(Handler(), form)

    assert caught.value.status_code == 400


@pytest.mark.parametrize("secret", ["", "short"])
def test_without_a_secret_the_hub_does_not_start(secret: str) -> None:
    with pytest.raises(TraitError, match="openssl rand -hex 32"):
        authenticator(secret_key=secret)


def test_passwords_cannot_be_shortened_or_listed() -> None:
    made = authenticator(password_length=1, show_logins=True)

    assert made.get_password("ann") == account_password("ann", SECRET)
    assert made.get_handlers(None) == authenticator().get_handlers(None)


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        pytest.param("ann", True, id="plain"),
        pytest.param("Ann", False, id="capital"),
        pytest.param("..", False, id="parent-folder"),
        pytest.param("x" * 65, False, id="too-long"),
    ],
)
def test_the_hub_makes_no_account_with_another_name(name: str, valid: bool) -> None:
    assert authenticator().validate_username(name) is valid
