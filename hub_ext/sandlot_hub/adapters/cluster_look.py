"""One look at a cluster, for `sandlot check`: nothing is made or changed in it."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from kubernetes_asyncio.client import ApiClient

from sandlot_hub.domain.checks.cluster import (
    ClusterFacts,
    Sight,
    references,
    rights_to_ask,
    role_of,
)
from sandlot_hub.domain.checks.cluster_nodes import node_labels
from sandlot_hub.domain.pods.ports import ClusterUnreachableError

from .cluster_access import cluster_configuration, namespace_of
from .cluster_informer_projection import NodeKind
from .cluster_reviews import CLIENT_ERRORS, RightsUnknownError, missing_of, why_no_answer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandlot_hub.domain.capacity.cluster_records import NodeRecord
    from sandlot_hub.domain.checks.cluster import Reference
    from sandlot_hub.domain.settings.model import SandlotSettings
    from sandlot_hub.domain.values.ports import Clock

_ANSWER_S = 30.0
"""How long an answer may take: a page of nodes has megabytes."""
_PAGE = 500
_OK, _FORBIDDEN, _NOT_FOUND = 200, 403, 404
_MADE = 201
_PATHS = {
    "PersistentVolumeClaim": "/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}",
    "PriorityClass": "/apis/scheduling.k8s.io/v1/priorityclasses/{name}",
    "ResourceClaimTemplate": (
        "/apis/resource.k8s.io/v1/namespaces/{namespace}/resourceclaimtemplates/{name}"
    ),
    "RuntimeClass": "/apis/node.k8s.io/v1/runtimeclasses/{name}",
    "Secret": "/api/v1/namespaces/{namespace}/secrets/{name}",
    "StorageClass": "/apis/storage.k8s.io/v1/storageclasses/{name}",
}
# Whether it is there is all that is asked: no Secret is ever read.
_METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


class ClusterLookError(Exception):
    """The cluster could not be looked at; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterLook:
    """What was found, and where."""

    server: str
    version: str
    facts: ClusterFacts


async def look_at_cluster(
    settings: SandlotSettings, *, credentials: Path | None, namespace: str, clock: Clock
) -> ClusterLook:
    """Return what there is of what settings ask for.

    Parameters
    ----------
    settings
        What is compared with the cluster.
    credentials
        As `cluster_configuration` takes them.
    namespace
        Of the servers; that of the credentials when empty.
    clock
        The time here.

    Raises
    ------
    ClusterAccessError
        If the credentials cannot be used.
    ClusterLookError
        If the API server cannot be reached, or refuses them.
    """
    configuration = await cluster_configuration(credentials, environment=os.environ)
    async with ApiClient(configuration) as client:
        reader = _Reader(client, clock)
        try:
            found = await reader.facts(
                settings, namespace or namespace_of(credentials, environment=os.environ)
            )
            version = await reader.version()
        except (*CLIENT_ERRORS, ClusterUnreachableError, RightsUnknownError) as error:
            message = f"The API server at {configuration.host} gave no answer: {_why(error)}."
            raise ClusterLookError(message) from error
    return ClusterLook(server=str(configuration.host), version=version, facts=found)


class _Reader:
    def __init__(self, client: ApiClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._skew_s: float | None = None

    async def facts(self, settings: SandlotSettings, namespace: str) -> ClusterFacts:
        account = await self._account()
        asked, where = rights_to_ask(role_of(account), settings, namespace)
        named = references(settings)
        missing, nodes, sights = await asyncio.gather(
            missing_of(asked, client=self._client, namespace=where),
            self._nodes(settings),
            asyncio.gather(*(self._sight(each, namespace) for each in named)),
        )
        return ClusterFacts(
            account=account,
            namespace=namespace,
            skew_s=self._skew_s,
            nodes=nodes,
            missing=missing,
            objects=dict(zip(named, sights, strict=True)),
        )

    async def version(self) -> str:
        status, body = await self._ask("/version")
        return str(json.loads(body).get("gitVersion", "")) if status == _OK else ""

    async def _account(self) -> str:
        """Return the name of the account; also learn by how much the clocks differ."""
        status, body = await self._ask("/apis/authentication.k8s.io/v1/selfsubjectreviews", body={})
        document = json.loads(body)
        if status == _MADE:
            return str(document["status"]["userInfo"].get("username", ""))
        if status in {_FORBIDDEN, _NOT_FOUND}:
            return ""
        message = f"it answered {status}"
        raise ClusterUnreachableError(message)

    async def _nodes(self, settings: SandlotSettings) -> tuple[NodeRecord, ...] | None:
        kind = NodeKind(labels=node_labels(settings))
        found: list[NodeRecord] = []
        go_on = ""
        while True:
            query = {"limit": str(_PAGE), **({"continue": go_on} if go_on else {})}
            status, body = await self._ask(kind.path, query)
            if status == _FORBIDDEN:
                return None
            if status != _OK:
                message = f"it answered {status} when it was asked for nodes"
                raise ClusterUnreachableError(message)
            page = kind.page(body)
            found.extend(page.records)
            go_on = page.go_on
            if not go_on:
                return tuple(found)

    async def _sight(self, reference: Reference, namespace: str) -> Sight:
        path = _PATHS[reference.kind].format(namespace=namespace, name=reference.name)
        status, _ = await self._ask(path, accept=_METADATA_ONLY)
        if status == _OK:
            return Sight.THERE
        return Sight.MISSING if status == _NOT_FOUND else Sight.CLOSED

    async def _ask(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        accept: str = "application/json",
        body: Mapping[str, Any] | None = None,
    ) -> tuple[int, bytes]:
        response = await self._client.call_api(
            path,
            "GET" if body is None else "POST",
            query_params=[*(query or {}).items()],
            header_params={"Accept": accept, "Content-Type": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
            _return_http_data_only=True,
            _preload_content=False,
            _request_timeout=_ANSWER_S,
        )
        content = await response.read()
        if self._skew_s is None:
            self._skew_s = self._skew(response.headers.get("Date", ""))
        return response.status, content

    def _skew(self, date: str) -> float | None:
        try:
            return (parsedate_to_datetime(date) - self._clock.now()).total_seconds()
        except (TypeError, ValueError):  # none, or what something in between wrote
            return None


def _why(error: Exception) -> str:
    if isinstance(error, ClusterUnreachableError | RightsUnknownError):
        return str(error)
    return why_no_answer(error)
