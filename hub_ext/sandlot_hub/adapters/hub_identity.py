"""Whose token is this? Asked of the hub, remembered for a short while."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .bounded_cache import BoundedCache
from .hub_client import HubClient, HubUnavailableError
from .single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_AGE = 30.0
"""Seconds that an answer is good for. A revoked token works that much longer at most, and a busy
page costs the hub two checks (of about 6 ms) a minute."""
CAPACITY = 4096
"""Remembered answers of each kind, about 2 kB each."""

_TOKEN = re.compile(r"[\x21-\x7e]{1,64}")
"""What can be a token at all; the hub refuses longer ones too."""


class CheckResult(StrEnum):
    """How a question ended; the label of a metric, so it is bounded."""

    CACHED = "cached"
    VALID = "valid"
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubIdentity:
    """The user or service that a token belongs to, and what the token may do."""

    kind: Literal["user", "service"]
    name: str
    groups: frozenset[str]
    scopes: frozenset[str]
    admin: bool
    model: Mapping[str, Any]
    """The hub's answer as it came."""


class _Model(BaseModel):
    """The part of the hub's answer that is used. Newer hubs may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    kind: Literal["user", "service"]
    name: Annotated[str, Field(min_length=1, max_length=255)]
    # The JSON has a list; strict mode would want a set.
    groups: list[str] = []
    scopes: list[str]
    admin: bool = False


class HubTokens:
    """Tells whose a token is, with one question to the hub for many callers.

    Valid and invalid answers are remembered apart: a flood of invented tokens cannot push out
    the people who work. When the hub is silent nobody is let in on an old answer.

    Parameters
    ----------
    client
        Asks the hub.
    api_url
        The hub's API.
    monotonic
        Seconds that never go back.
    observe
        Called with how each question ended, for metrics.
    """

    def __init__(
        self,
        *,
        client: HubClient,
        api_url: str,
        monotonic: Callable[[], float],
        observe: Callable[[CheckResult], None],
        capacity: int = CAPACITY,
    ) -> None:
        self._client = client
        self._url = f"{api_url.rstrip('/')}/user"
        self._observe = observe
        self._valid: BoundedCache[str, HubIdentity] = BoundedCache(
            capacity=capacity, max_age=MAX_AGE, monotonic=monotonic
        )
        self._invalid: BoundedCache[str, bool] = BoundedCache(
            capacity=capacity, max_age=MAX_AGE, monotonic=monotonic
        )
        self._flights: SingleFlight[str, HubIdentity | None] = SingleFlight()

    async def identify(self, token: str, *, session_id: str = "") -> HubIdentity | None:
        """Return whose `token` is; None when it is nobody's.

        Parameters
        ----------
        token
            The secret itself.
        session_id
            The browser's hub session. It changes at logout, which makes the next request of that
            browser ask again instead of being let in on an old answer.

        Raises
        ------
        HubUnavailableError
            The hub did not say.
        """
        if not _TOKEN.fullmatch(token):
            return None
        # A hash, so that no secret lies in memory longer than its request.
        key = hashlib.sha256(f"{session_id}\0{token}".encode("utf-8", "replace")).hexdigest()
        known = self._valid.get(key)
        if known is not None or self._invalid.get(key):
            self._observe(CheckResult.CACHED)
            return known
        return await self._flights.run(key, lambda: self._ask(key, token))

    async def close(self) -> None:
        """Give up the questions that are under way."""
        await self._flights.close()

    async def _ask(self, key: str, token: str) -> HubIdentity | None:
        try:
            identity = await self._fetch(token)
        except HubUnavailableError:
            self._observe(CheckResult.UNAVAILABLE)
            raise
        if identity is None:
            self._invalid.put(key, value=True)
            self._observe(CheckResult.INVALID)
        else:
            self._valid.put(key, identity)
            self._observe(CheckResult.VALID)
        return identity

    async def _fetch(self, token: str) -> HubIdentity | None:
        headers = {"Authorization": f"token {token}"}
        reply = await self._client.request("GET", self._url, headers=headers)
        if reply.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return None
        if reply.status != HTTPStatus.OK:
            # Another answer says nothing about the token (a wrong API address, for example).
            message = f"answered with status {reply.status}"
            raise HubUnavailableError(message)
        return _parse_identity(reply.body)


def _parse_identity(body: Any) -> HubIdentity:
    try:
        model = _Model.model_validate(body)
    except ValidationError as error:
        message = "answered with something that is no identity"
        raise HubUnavailableError(message) from error
    return HubIdentity(
        kind=model.kind,
        name=model.name,
        groups=frozenset(model.groups),
        scopes=frozenset(model.scopes),
        admin=model.admin,
        model=body,
    )
