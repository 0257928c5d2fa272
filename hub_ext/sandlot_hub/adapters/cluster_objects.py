"""The objects of servers in a cluster, over the client that KubeSpawner has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import aiohttp

from sandlot_hub.domain.pods.documents import text
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from kubernetes_asyncio.client import CoreV1Api

    from sandlot_hub.domain.pods.documents import Document

_NOT_FOUND = 404
_CONFLICT = 409
_FIRST_ERROR = 400


class KubernetesObjects:
    """Implements `domain.cluster_ports.ClusterObjects`.

    Documents go in and come out as plain JSON: the models of the client would cost more
    time than all the rest of a start.

    Parameters
    ----------
    api
        The client.
    namespace
        Where servers are.
    timeout_s
        How long an answer may take, in seconds.
    """

    def __init__(self, *, api: CoreV1Api, namespace: str, timeout_s: float) -> None:
        self._api = api
        self._namespace = namespace
        self._options: dict[str, Any] = {"_preload_content": False, "_request_timeout": timeout_s}

    async def create_pod(self, manifest: Document) -> dict[str, Any]:
        """Make a pod and return it."""
        body: Any = manifest
        request = self._api.create_namespaced_pod(self._namespace, body, **self._options)
        return await answered(request)

    async def read_pod(self, name: str) -> dict[str, Any] | None:
        """Return a pod; None when there is none of that name."""
        request = self._api.read_namespaced_pod(name, self._namespace, **self._options)
        return await _found(request)

    async def delete_pod(self, name: str, *, uid: str, grace_s: int) -> None:
        """Have one very pod removed; nothing happens when that is gone, whatever has its name."""
        body: Any = {"gracePeriodSeconds": grace_s, "preconditions": {"uid": uid}}
        request = self._api.delete_namespaced_pod(name, self._namespace, body=body, **self._options)
        try:
            await answered(request)
        except ClusterRefusedError as error:
            # 409 is the precondition: the name is another pod's by now.
            if error.status not in {_NOT_FOUND, _CONFLICT}:
                raise

    async def create_claim(self, manifest: Document) -> None:
        """Make a claim, unless there is one of that name."""
        body: Any = manifest
        request = self._api.create_namespaced_persistent_volume_claim(
            self._namespace, body, **self._options
        )
        try:
            await answered(request)
        except ClusterRefusedError as error:
            # A full quota is told before anybody looks whether the claim is there.
            name = text(manifest, "metadata", "name")
            if error.document.get("reason") != "AlreadyExists" and not await self.read_claim(name):
                raise

    async def read_claim(self, name: str) -> dict[str, Any] | None:
        """Return a claim; None when there is none of that name."""
        request = self._api.read_namespaced_persistent_volume_claim(
            name, self._namespace, **self._options
        )
        return await _found(request)


async def _found(request: Awaitable[Any]) -> dict[str, Any] | None:
    try:
        return await answered(request)
    except ClusterRefusedError as error:
        if error.status == _NOT_FOUND:
            return None
        raise


async def answered(request: Awaitable[Any]) -> dict[str, Any]:
    """Return the document of an answer.

    Raises
    ------
    ClusterRefusedError
        The answer is an error.
    ClusterUnreachableError
        There is none, or it broke off.
    """
    try:
        response: aiohttp.ClientResponse = await request
        body = await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        message = f"{type(error).__name__}: {error}"
        raise ClusterUnreachableError(message) from error
    document = _document(body)
    if response.status >= _FIRST_ERROR:
        raise ClusterRefusedError(response.status, document)
    return document


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:  # from something in between, such as a load balancer's page
        return {}
    return dict(document) if isinstance(document, Mapping) else {}
