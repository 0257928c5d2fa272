"""Accounts, as the operator manages them through the hub's REST API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from .hub_client import HubUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .hub_client import HubClient, HubReply

_PAGINATED = "application/jupyterhub-pagination+json"
_PAGE = 100
_MESSAGE_MAXIMUM = 300


class HubRefusedError(Exception):
    """The hub understood and refused; the text is its sentence.

    Parameters
    ----------
    status
        The HTTP status, 400 to 499.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class HubAccount(BaseModel):
    """An account, as far as the ``sandlot`` command shows it. Newer hubs may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    name: Annotated[str, Field(min_length=1)]
    """As it is typed at the login."""
    admin: bool = False
    """Whether it may do everything."""
    groups: tuple[str, ...] = ()
    """What it is a member of."""
    last_activity: str | None = None
    """When it was last seen: UTC, ISO 8601; None when never."""
    servers: dict[str, Any] | None = None
    """Its servers that run, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account to be made."""

    name: str
    groups: tuple[str, ...] = ()
    """Made as well where they do not exist."""
    admin: bool = False


_ACCOUNTS = TypeAdapter(list[HubAccount])


class HubApi:
    """Asks the hub for accounts with the operator's token.

    Every call raises `HubUnavailableError` when the hub does not answer, and
    `HubRefusedError` when it refuses.

    Parameters
    ----------
    client
        Carries the questions.
    api_url
        The hub's API, such as ``http://127.0.0.1:8081/hub/api``.
    token
        The operator's token; it goes into the header and nowhere else.
    """

    def __init__(self, *, client: HubClient, api_url: str, token: str) -> None:
        self._client = client
        self._url = api_url.rstrip("/")
        self._headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}

    async def accounts(self) -> list[HubAccount]:
        """Return all accounts, sorted by name."""
        found = [account async for account in self._pages()]
        return sorted(found, key=lambda account: account.name)

    async def account(self, name: str) -> HubAccount | None:
        """Return one account; None when there is none of this name."""
        reply = await self._request("GET", f"/users/{_quoted(name)}")
        if reply.status == HTTPStatus.NOT_FOUND:
            return None
        return _parsed_account(_accepted(reply).body)

    async def create(self, account: NewAccount) -> None:
        """Make an account with its groups, or nothing at all.

        Raises
        ------
        HubRefusedError
            With status 409 if there is one of this name already.
        """
        path = f"/users/{_quoted(account.name)}"
        _accepted(await self._request("POST", path, {"admin": account.admin}))
        try:
            for group in account.groups:
                await self._join(account.name, group)
        except (HubRefusedError, HubUnavailableError):
            await self._request("DELETE", path)
            raise

    async def delete(self, name: str) -> bool:
        """Stop the servers of an account and remove it; return whether there was one."""
        reply = await self._request("DELETE", f"/users/{_quoted(name)}")
        return reply.status != HTTPStatus.NOT_FOUND and bool(_accepted(reply))

    async def _join(self, name: str, group: str) -> None:
        """Add an account to a group that may not exist yet, or be made at this moment."""
        path, members = f"/groups/{_quoted(group)}", {"users": [name]}
        reply = await self._request("POST", f"{path}/users", members)
        if reply.status == HTTPStatus.NOT_FOUND:
            reply = await self._request("POST", path, members)
            if reply.status == HTTPStatus.CONFLICT:
                reply = await self._request("POST", f"{path}/users", members)
        _accepted(reply)

    async def _pages(self) -> AsyncIterator[HubAccount]:
        offset: int | None = 0
        while offset is not None:
            query = urlencode({"offset": offset, "limit": _PAGE, "sort": "name"})
            reply = _accepted(await self._request("GET", f"/users?{query}"))
            accounts, offset = _parsed_page(reply.body, offset)
            for account in accounts:
                yield account

    async def _request(self, method: str, path: str, body: object = None) -> HubReply:
        data = None if body is None else json.dumps(body).encode()
        headers = {**self._headers, "Accept": _PAGINATED}
        return await self._client.request(method, f"{self._url}{path}", headers=headers, data=data)


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _accepted(reply: HubReply) -> HubReply:
    if reply.status < HTTPStatus.BAD_REQUEST:
        return reply
    told = reply.body.get("message") if isinstance(reply.body, dict) else None
    sentence = str(told)[:_MESSAGE_MAXIMUM] if told else "It gave no reason."
    if reply.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        sentence = f"The operator's token may not do this ({sentence})."
    raise HubRefusedError(reply.status, sentence)


def _parsed_account(body: Any) -> HubAccount:
    try:
        return HubAccount.model_validate(body)
    except ValidationError as error:
        message = "answered with something that is no account"
        raise HubUnavailableError(message) from error


def _parsed_page(body: Any, offset: int) -> tuple[list[HubAccount], int | None]:
    """Return the accounts of one page, and where the next one begins."""
    try:
        accounts = _ACCOUNTS.validate_python(body["items"])
        following = body["_pagination"]["next"]
        after = None if following is None else int(following["offset"])
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        message = "answered with something that is no list of accounts"
        raise HubUnavailableError(message) from error
    # A hub that sent us in circles would never end.
    return accounts, after if after is None or after > offset else None
