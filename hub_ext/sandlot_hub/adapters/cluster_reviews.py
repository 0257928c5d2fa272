"""Asks the API server what an account may do. Every account may ask that of itself."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiohttp
from kubernetes_asyncio.client import ApiException, AuthorizationV1Api

if TYPE_CHECKING:
    from collections.abc import Collection

    from kubernetes_asyncio.client import ApiClient

    from sandlot_hub.domain.checks.cluster_rights import Right

_ANSWER_S = 10.0
"""How long each answer may take."""
_FIRST_ERROR = 400
CLIENT_ERRORS = (ApiException, aiohttp.ClientError, OSError, ValueError)
"""What a question to the API server may end in; a timeout is an `OSError`."""


class RightsUnknownError(Exception):
    """The API server did not say; the text tells why."""


async def missing_of(
    rights: Collection[Right], *, client: ApiClient, namespace: str
) -> tuple[Right, ...]:
    """Return those of `rights` that the account of a client has not. Nothing is made.

    Parameters
    ----------
    rights
        What is needed.
    client
        Comes with the credentials of the account.
    namespace
        Where they are needed; the whole cluster when empty.

    Raises
    ------
    RightsUnknownError
        The API server cannot be reached, or does not answer the question.
    """
    reviews = AuthorizationV1Api(client)
    try:
        has = await asyncio.gather(*(_has(reviews, right, namespace) for right in rights))
    except CLIENT_ERRORS as error:
        raise RightsUnknownError(why_no_answer(error)) from error
    return tuple(right for right, granted in zip(rights, has, strict=True) if not granted)


def why_no_answer(error: Exception) -> str:
    """Return in words why a question had no answer: the client quotes headers and whole bodies."""
    status = getattr(error, "status", None)
    return f"it answered {status}" if status else type(error).__name__


async def _has(reviews: AuthorizationV1Api, right: Right, namespace: str) -> bool:
    asked = {"verb": right.verb, "group": right.group, "resource": right.resource}
    if right.namespace or namespace:
        asked["namespace"] = right.namespace or namespace
    if right.name:
        asked["name"] = right.name
    body: Any = {"spec": {"resourceAttributes": asked}}
    response: Any = await reviews.create_self_subject_access_review(
        body,
        _preload_content=False,
        _request_timeout=_ANSWER_S,
    )
    document = json.loads(await response.read())
    if response.status >= _FIRST_ERROR:
        raise ApiException(status=response.status)
    return bool(document["status"]["allowed"])
