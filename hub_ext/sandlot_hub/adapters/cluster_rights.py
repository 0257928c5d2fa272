"""What the hub's account may do in the cluster, as the API server itself says."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes_asyncio.client import ApiException
from kubernetes_asyncio.config import ConfigException
from kubespawner.clients import load_config, shared_client

_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_ANSWER_S = 10.0
"""How long each answer may take."""
_FIRST_ERROR = 400


class RightsUnknownError(Exception):
    """The API server did not say; the text tells why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One thing that may be done with one kind of object in a namespace."""

    verb: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterAddress:
    """How KubeSpawner is told to reach the API server, where it does not find out by itself."""

    host: str | None = None
    ssl_ca_cert: str | None = None
    verify_ssl: bool | None = None


def own_namespace(file: Path = _OWN_NAMESPACE) -> str:
    """Return the namespace that KubeSpawner uses when it is told none: that of this very pod."""
    try:
        return file.read_text().strip()
    except OSError:  # not in a pod
        return "default"


async def missing_rights(
    rights: tuple[Right, ...], *, namespace: str, address: ClusterAddress
) -> tuple[Right, ...]:
    """Return those of `rights` that the account of this process has not.

    Every account may ask this of itself. Nothing is made.

    Parameters
    ----------
    rights
        What is needed.
    namespace
        Where.
    address
        Exactly as KubeSpawner has it: the client's configuration is one for the process.

    Raises
    ------
    RightsUnknownError
        The API server cannot be reached, or does not answer the question.
    """
    try:
        load_config(
            host=address.host, ssl_ca_cert=address.ssl_ca_cert, verify_ssl=address.verify_ssl
        )
        reviews = shared_client("AuthorizationV1Api")
        has = await asyncio.gather(*(_has(reviews, right, namespace) for right in rights))
    except (ApiException, ConfigException, aiohttp.ClientError, OSError, ValueError) as error:
        # The texts of the client quote headers and whole answers.
        status = getattr(error, "status", None)
        reason = f"it answered {status}" if status else type(error).__name__
        raise RightsUnknownError(reason) from error
    return tuple(right for right, granted in zip(rights, has, strict=True) if not granted)


async def _has(reviews: Any, right: Right, namespace: str) -> bool:
    asked = {"namespace": namespace, "verb": right.verb, "resource": right.resource}
    response = await reviews.create_self_subject_access_review(
        {"spec": {"resourceAttributes": asked}},
        _preload_content=False,
        _request_timeout=_ANSWER_S,
    )
    document = json.loads(await response.read())
    if response.status >= _FIRST_ERROR:
        raise ApiException(status=response.status)
    return bool(document["status"]["allowed"])
