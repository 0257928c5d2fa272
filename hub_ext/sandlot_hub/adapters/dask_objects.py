"""The objects of Dask clusters in one namespace of Kubernetes, as plain JSON."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from kubernetes_asyncio.client import ApiClient, CoreV1Api, CustomObjectsApi, NetworkingV1Api

from sandlot_hub.domain.pods.documents import text
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError

from .cluster_access import cluster_configuration
from .cluster_objects import answered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence

    from sandlot_hub.domain.pods.documents import Document

GROUP, VERSION, PLURAL = "gateway.dask.org", "v1alpha1", "daskclusters"
LOG_LINES = 50
_LOG_BYTES = 64 * 1024
_ANSWER_S = 20.0
_NOT_FOUND = 404
_RAW: dict[str, Any] = {"_preload_content": False}


class DaskObjectsApi:
    """Makes, changes and removes them.

    Every method raises `ClusterRefusedError` when the cluster answers with an error, and
    `ClusterUnreachableError` when it does not answer in time: then what was asked for may have
    been done all the same. What is to be removed and is gone is no error, and neither is what is
    to be made and is there: names are those of one cluster.

    Parameters
    ----------
    client
        Whose account.
    namespace
        Where the clusters are.
    """

    def __init__(self, *, client: ApiClient, namespace: str) -> None:
        self.namespace = namespace
        self._core = CoreV1Api(client)
        self._custom = CustomObjectsApi(client)
        self._network = NetworkingV1Api(client)

    # --- clusters ----------------------------------------------------------------------

    async def create_cluster(self, document: Document) -> dict[str, Any]:
        """Make a cluster's record, and return it."""
        body: Any = document
        return await self._made(
            self._custom.create_namespaced_custom_object(
                GROUP, VERSION, self.namespace, PLURAL, body, **_bounded()
            )
        )

    async def patch_cluster(self, name: str, **changes: object) -> dict[str, Any]:
        """Change fields of what a cluster should be, and return its record."""
        return await answered(
            self._custom.patch_namespaced_custom_object(
                GROUP,
                VERSION,
                self.namespace,
                PLURAL,
                name,
                _patch("/spec/", changes),
                **_bounded(),
            )
        )

    async def patch_status(self, name: str, status: Document) -> None:
        """Write what a cluster is."""
        body: Any = [{"op": "add", "path": "/status", "value": status}]
        await answered(
            self._custom.patch_namespaced_custom_object_status(
                GROUP, VERSION, self.namespace, PLURAL, name, body, **_bounded()
            )
        )

    async def delete_cluster(self, name: str) -> None:
        """Remove a cluster's record."""
        await _gone(
            self._custom.delete_namespaced_custom_object(
                GROUP, VERSION, self.namespace, PLURAL, name, **_bounded()
            )
        )

    def list_clusters(self, **options: Any) -> Awaitable[Any]:
        """List or watch records."""
        return self._custom.list_namespaced_custom_object(
            GROUP, VERSION, self.namespace, PLURAL, **_RAW, **options
        )

    # --- what belongs to one -----------------------------------------------------------

    async def create_pod(self, manifest: Document) -> dict[str, Any]:
        """Make a pod, and return it; an empty document when one of that name is there."""
        body: Any = manifest
        return await self._made(
            self._core.create_namespaced_pod(self.namespace, body, **_bounded())
        )

    async def delete_pod(self, name: str) -> None:
        """Have a pod end."""
        await _gone(self._core.delete_namespaced_pod(name, self.namespace, **_bounded()))

    def list_pods(self, **options: Any) -> Awaitable[Any]:
        """List or watch pods."""
        return self._core.list_namespaced_pod(self.namespace, **_RAW, **options)

    async def create_secret(self, manifest: Document) -> None:
        """Make a Secret."""
        body: Any = manifest
        await self._made(self._core.create_namespaced_secret(self.namespace, body, **_bounded()))

    async def delete_secret(self, name: str) -> None:
        """Remove a Secret."""
        await _gone(self._core.delete_namespaced_secret(name, self.namespace, **_bounded()))

    async def create_policy(self, manifest: Document) -> None:
        """Make a NetworkPolicy."""
        body: Any = manifest
        await self._made(
            self._network.create_namespaced_network_policy(self.namespace, body, **_bounded())
        )

    async def read_log(self, pod: str) -> tuple[str, ...]:
        """Return the last lines that a pod wrote; none when it wrote nothing, or is gone."""
        request = self._core.read_namespaced_pod_log(
            pod, self.namespace, tail_lines=LOG_LINES, limit_bytes=_LOG_BYTES, **_bounded()
        )
        try:
            response: Any = await request
            body: bytes = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            message = f"{type(error).__name__}: {error}"
            raise ClusterUnreachableError(message) from error
        if response.status != 200:  # noqa: PLR2004 (a pod that has not run has no log: 400)
            return ()
        return tuple(body.decode(errors="replace").splitlines())

    @staticmethod
    async def _made(request: Awaitable[Any]) -> dict[str, Any]:
        try:
            return await answered(request)
        except ClusterRefusedError as error:
            if text(error.document, "reason") != "AlreadyExists":
                raise
            return {}


@asynccontextmanager
async def open_dask_objects(
    namespace: str, *, environment: Mapping[str, str]
) -> AsyncIterator[DaskObjectsApi]:
    """Give the objects of a namespace, with the account that this process has.

    Parameters
    ----------
    namespace
        Where the clusters are.
    environment
        Says where the API server is.

    Raises
    ------
    ClusterAccessError
        There is no account.
    """
    configuration = await cluster_configuration(None, environment=environment)
    async with ApiClient(configuration) as client:
        yield DaskObjectsApi(client=client, namespace=namespace)


def _bounded() -> dict[str, Any]:
    return {**_RAW, "_request_timeout": _ANSWER_S}


def _patch(below: str, changes: dict[str, object]) -> Any:
    found: Sequence[object] = [
        {"op": "add", "path": f"{below}{name}", "value": value} for name, value in changes.items()
    ]
    return found


async def _gone(request: Awaitable[Any]) -> None:
    try:
        await answered(request)
    except ClusterRefusedError as error:
        if error.status != _NOT_FOUND:
            raise
